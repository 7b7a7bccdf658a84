import type { WebhookSecretOutcome } from './replicate-provider.ts';
import {
  createWebhookVerifier,
  precheckWebhook,
  type WebhookOutcome,
  type WebhookVerifier,
} from './webhook.ts';

/** `later`: it may be Replicate's, but there is no key to tell by; Replicate sends it again. */
export type ReceivedWebhook = WebhookOutcome | { readonly kind: 'later' };

export interface WebhookReceiver {
  /**
   * Never throws.
   * @param rawBody the bytes as they came.
   * @param kind the parameter `kind` of the URL it came to.
   */
  receive(
    rawBody: Buffer,
    headers: Readonly<Record<string, string | undefined>>,
    kind?: string,
  ): Promise<ReceivedWebhook>;
}

export interface WebhookReceiverDeps {
  /** Asks the API for the key; one try. */
  readonly fetchSecret: () => Promise<WebhookSecretOutcome>;
  /** The key is not asked for more often than this, in milliseconds. */
  readonly pauseMs: number;
  readonly log: { warn(fields: object, message: string): void };
}

/**
 * Reads webhooks with a key that is fetched when the first one comes. Anybody may knock here, so what
 * is no webhook by its headers costs no call, and however many come, the key is asked for once at a time.
 */
export function createWebhookReceiver(deps: WebhookReceiverDeps): WebhookReceiver {
  let verifier: WebhookVerifier | undefined;
  let fetching: Promise<void> | undefined;
  let fetchedAt = Number.NEGATIVE_INFINITY;

  async function fetchVerifier(): Promise<void> {
    try {
      const fetched = await deps.fetchSecret();
      if (fetched.kind === 'fetched') verifier = createWebhookVerifier({ secret: fetched.secret });
    } catch {
      // What the key looked like is not told.
      deps.log.warn({}, 'The key of the webhooks could not be used');
    }
  }

  return {
    async receive(rawBody, headers, kind) {
      const reason = precheckWebhook(headers);
      if (reason) return { kind: 'rejected', reason };
      // A clock that is set back must not stretch the pause.
      if (!verifier && !fetching && performance.now() - fetchedAt >= deps.pauseMs) {
        fetchedAt = performance.now();
        fetching = fetchVerifier().finally(() => {
          fetching = undefined;
        });
      }
      await fetching;
      return verifier?.verify(rawBody, headers, kind) ?? { kind: 'later' };
    },
  };
}
