import { Webhook } from 'standardwebhooks';
import type { PredictionStatus } from '../provider.ts';
import { toExternalId } from './external-id.ts';
import { type Prediction, predictionSchema, statusOf } from './prediction.ts';
import { kindIn } from './webhook-url.ts';

export type WebhookOutcome =
  | {
      readonly kind: 'verified';
      /** `id`: its external id, as `create` gives it. */
      readonly prediction: { readonly id: string; readonly status: PredictionStatus };
    }
  | { readonly kind: 'rejected'; readonly reason: WebhookRejection };

/**
 * `unsigned`: a signature header is missing. `unverified`: the signature does not fit the body, or
 * its time is more than five minutes off. `unreadable`: signed, but no prediction.
 */
export type WebhookRejection = 'unsigned' | 'unverified' | 'unreadable';

export interface WebhookVerifier {
  /**
   * @param rawBody the bytes as they came: parsed and written again, they would not fit.
   * @param kind the parameter `kind` of the URL it came to: a training's object does not surely tell that
   * it is one.
   */
  verify(
    rawBody: string | Buffer,
    headers: Readonly<Record<string, string | undefined>>,
    kind?: string,
  ): WebhookOutcome;
}

const SIGNATURE_HEADERS = ['webhook-id', 'webhook-timestamp', 'webhook-signature'] as const;

/** How far the signed time may be off, as in the reference implementation. */
const TOLERANCE_MS = 5 * 60_000;

/** Why a request cannot be a webhook whatever the key is, or undefined when the key has to tell. */
export function precheckWebhook(
  headers: Readonly<Record<string, string | undefined>>,
): Exclude<WebhookRejection, 'unreadable'> | undefined {
  const signed = withLowerCaseNames(headers);
  if (SIGNATURE_HEADERS.some((name) => !signed[name])) return 'unsigned';
  const offMs = Math.abs(Date.now() - Number(signed['webhook-timestamp']) * 1_000);
  // The reference implementation counts whole seconds: a second more is left for it to judge.
  return offMs <= TOLERANCE_MS + 1_000 ? undefined : 'unverified';
}

/**
 * Tells Replicate's webhooks from forged ones. Replicate may deliver the same event several times.
 * The client's own `validateWebhook` accepts a timestamp of any age, so its scheme, Standard
 * Webhooks, is checked by the reference implementation.
 * @param secret as given by the API, `whsec_…`.
 * @throws when the secret is not base64.
 * @see https://replicate.com/docs/topics/webhooks/verify-webhook
 */
export function createWebhookVerifier(deps: { readonly secret: string }): WebhookVerifier {
  const webhook = new Webhook(deps.secret);
  return {
    verify(rawBody, headers, kind) {
      const reason = precheckWebhook(headers);
      if (reason) return rejected(reason);
      try {
        webhook.verify(rawBody, withLowerCaseNames(headers), { jsonParse: false });
      } catch {
        return rejected('unverified');
      }
      const prediction = readPrediction(rawBody.toString());
      return prediction
        ? {
            kind: 'verified',
            prediction: { id: externalIdOf(prediction, kind), status: statusOf(prediction) },
          }
        : rejected('unreadable');
    },
  };
}

function withLowerCaseNames(
  headers: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const named: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) named[name.toLowerCase()] = value;
  }
  return named;
}

function readPrediction(body: string) {
  try {
    return predictionSchema.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined;
  }
}

function externalIdOf({ id, urls, webhook }: Prediction, kind: string | undefined): string {
  const isTraining =
    kind === 'training' ||
    kindIn(webhook) === 'training' ||
    (URL.parse(urls?.get ?? '')?.pathname.includes('/trainings/') ?? false);
  return toExternalId(isTraining ? 'training' : 'prediction', id);
}

function rejected(reason: WebhookRejection): WebhookOutcome {
  return { kind: 'rejected', reason };
}
