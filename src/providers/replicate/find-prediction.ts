import { z } from 'zod';
import type { Failure } from '../../domain/failure.ts';
import { type ApiAnswer, failureOf } from '../api-answer.ts';
import { fingerprintOf } from '../fingerprint.ts';
import type { Attempt, FindOutcome, Lookup } from '../provider.ts';
import type { CallApi } from './call-api.ts';
import { toExternalId } from './external-id.ts';
import { type Prediction, predictionSchema } from './prediction.ts';
import { attemptIn } from './webhook-url.ts';

const pageSchema = z.object({
  next: z.string().nullish(),
  results: z.array(predictionSchema),
});

/** Pages of a hundred that are looked at. Past that nothing is concluded. */
const MAX_PAGES = 20;

/** Answers of a server that has no listing: asking again would not help. */
const NO_LISTING: ReadonlySet<number> = new Set([404, 405, 501]);

/** How far the provider's clock may be behind ours. */
const CLOCK_SKEW_MS = 60_000;

/**
 * Looks through the listing, newest first, for a prediction of this attempt: by the attempt id in
 * its webhook, else by the digest of its input. `absent` is said only after the listing was read to its end; a
 * failure of kind `bad_input` only where the server has no listing, so that none will ever be read.
 */
export async function findPrediction(
  deps: { readonly callApi: CallApi; readonly baseUrl: string },
  wanted: Lookup,
  signal: AbortSignal,
): Promise<FindOutcome> {
  const since = wanted.createdAfter.getTime() - CLOCK_SKEW_MS;
  const { origin } = new URL(deps.baseUrl);
  const { kind } = wanted.request;
  const first =
    kind === 'training'
      ? { route: '/trainings' }
      : { route: '/predictions', params: { created_after: new Date(since).toISOString() } };
  let next: URL | undefined;
  let sameInput: string | undefined;

  for (let page = 0; page < MAX_PAGES; page += 1) {
    const answer = await deps.callApi(next ? { route: next } : first, signal);
    if (answer.kind !== 'answered') {
      return { kind: 'failed', failure: next ? failureOfPage(answer) : failureOfListing(answer) };
    }
    const listed = pageSchema.safeParse(answer.body).data;
    if (!listed) return { kind: 'failed', failure: { kind: 'provider_error' } };

    for (const prediction of listed.results) {
      const externalId = toExternalId(kind, prediction.id);
      if (wanted.claimed.has(externalId)) continue;
      const attemptId = attemptIn(prediction.webhook);
      if (attemptId === wanted.attemptId) return { kind: 'found', externalId };
      // The listing of trainings is of all times: an older one of the same input is another attempt's.
      if (isBefore(prediction, since)) continue;
      if (attemptId === undefined && hasInputOf(prediction, wanted)) sameInput ??= externalId;
    }

    const isPast = listed.results.some((prediction) => isBefore(prediction, since));
    if (!listed.next || isPast) {
      return sameInput ? { kind: 'found', externalId: sameInput } : { kind: 'absent' };
    }
    next = URL.parse(listed.next) ?? undefined;
    // The token is sent along: never to another host, whatever the answer says.
    if (next?.origin !== origin) break;
  }
  return { kind: 'failed', failure: { kind: 'provider_error' } };
}

function failureOfListing(answer: ApiAnswer): Failure {
  return answer.kind === 'refused' && NO_LISTING.has(answer.status)
    ? { kind: 'bad_input' }
    : failureOfPage(answer);
}

/** The listing is there; that this look at it was refused, say for a cursor, does not mean that it is not. */
function failureOfPage(answer: ApiAnswer): Failure {
  const failure = failureOf(answer);
  return failure.kind === 'bad_input' ? { kind: 'provider_error' } : failure;
}

/**
 * Told by the digest, since of an input that was deleted here with its order only the names of its
 * fields are left. The listed one may have more fields than were sent: models add their defaults.
 */
function hasInputOf({ input, ...listed }: Prediction, { request }: Attempt): boolean {
  const [model, version] = request.model.split(':');
  if (!input || listed.model !== model || (version && listed.version !== version)) return false;
  const sent = Object.fromEntries(Object.keys(request.input).map((name) => [name, input[name]]));
  return fingerprintOf(request.model, sent) === request.fingerprint;
}

function isBefore(prediction: Prediction, since: number): boolean {
  return Date.parse(prediction.created_at ?? '') < since;
}
