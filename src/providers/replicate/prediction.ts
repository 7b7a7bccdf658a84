import { z } from 'zod';
import type { FailureKind } from '../../domain/failure.ts';
import type { PredictionStatus } from '../provider.ts';

/**
 * The part of a prediction or training object that is read; the rest of it is left alone.
 * @see https://replicate.com/docs/reference/http#predictions.get
 */
export const predictionSchema = z.object({
  id: z.string().min(1),
  status: z.string(),
  model: z.string().nullish(),
  version: z.string().nullish(),
  input: z.record(z.string(), z.unknown()).nullish(),
  output: z.unknown().optional(),
  data_removed: z.boolean().nullish(),
  error: z.unknown().optional(),
  webhook: z.string().nullish(),
  urls: z.object({ get: z.string().nullish() }).nullish().catch(undefined),
  created_at: z.string().nullish(),
  completed_at: z.string().nullish(),
  deadline: z.string().nullish(),
});

export type Prediction = z.infer<typeof predictionSchema>;

/** What a prediction object says, in our words. A status yet unknown to us counts as running. */
export function statusOf(prediction: Prediction): PredictionStatus {
  switch (prediction.status) {
    case 'succeeded':
      return readOutput(prediction);
    case 'failed':
      return { kind: 'failed', failure: { kind: readError(errorText(prediction)) } };
    case 'canceled':
      return reachedDeadline(prediction)
        ? { kind: 'failed', failure: { kind: 'timeout' } }
        : { kind: 'cancelled' };
    case 'aborted':
      return { kind: 'failed', failure: { kind: 'timeout' } };
    default:
      return { kind: 'running' };
  }
}

/** The platform's code in the words about a failure, for the log; the words may quote a prompt. */
export function codeOf(prediction: Prediction): string | undefined {
  return /\bE\d{3,4}\b/.exec(errorText(prediction))?.[0];
}

function readOutput({ data_removed, output }: Prediction): PredictionStatus {
  // Replicate deletes inputs and outputs an hour after completion; null is all that remains.
  return data_removed || output === null || output === undefined
    ? { kind: 'failed', failure: { kind: 'output_lost' } }
    : { kind: 'succeeded', output };
}

/** A running prediction that meets its own deadline is `canceled` just as one that we stopped. */
function reachedDeadline(prediction: Prediction): boolean {
  if (!prediction.deadline || !prediction.completed_at) return false;
  return Date.parse(prediction.completed_at) >= Date.parse(prediction.deadline);
}

const MODERATION =
  /\bE005\b|flagged|sensitive|nsfw|moderat|content policy|safety (?:filter|system|checker)/i;
const OVERLOAD =
  /\bE(?:6716|1000|1001|003|004)\b|high demand|unavailable|overloaded|time(?:d)?[ -]?out/i;
const BAD_PICTURE =
  /(?:invalid|unsupported|corrupt(?:ed)?|unreadable) (?:input )?(?:image|picture|file|format)|cannot identify image|(?:could not|cannot|failed to|unable to) (?:decode|identify|open|read)[^.]* image|image (?:dimensions?|size|resolution|aspect ratio)[^.]* (?:too|must|invalid|not supported)|image (?:is )?too (?:small|large|big)|input validation/i;

/**
 * The failure behind a failed prediction's error text: platform codes, or what models write.
 * Only what surely blames the input is `bad_input`, since that is never tried again.
 * @see https://replicate.com/docs/reference/error-codes
 */
function readError(text: string): FailureKind {
  if (MODERATION.test(text)) return 'moderation';
  if (OVERLOAD.test(text)) return 'provider_error';
  return BAD_PICTURE.test(text) ? 'bad_input' : 'provider_error';
}

function errorText({ error }: Prediction): string {
  return typeof error === 'string' ? error : (JSON.stringify(error) ?? '');
}
