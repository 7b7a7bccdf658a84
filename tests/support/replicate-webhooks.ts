import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';

/** How a webhook of a prediction is delivered. */
export interface WebhookScript {
  /** How often the same event comes; 1 by default. */
  readonly copies?: number;
  /** How long after completion it comes, in milliseconds. */
  readonly delayMs?: number;
  /** `forged`: signed with another key. `old`: rightly signed in 1970. */
  readonly signature?: 'valid' | 'forged' | 'old';
}

export interface WebhookDelivery {
  readonly predictionId: string;
  readonly url: string;
  /** The status answered, `unreachable`, or `skipped` for a host that is not this machine. */
  readonly result: number | 'unreachable' | 'skipped';
}

export interface WebhookSender {
  readonly deliveries: readonly WebhookDelivery[];
  send(event: {
    readonly predictionId: string;
    readonly url: string;
    readonly body: string;
    readonly script: WebhookScript;
  }): void;
  /** Ends deliveries under way. */
  stop(): Promise<void>;
}

/** Replicate repeats a delivery "a few times" on network problems. */
const TRIES = 3;

/** A key in the form Replicate gives them. */
export function createWebhookSecret(): string {
  return `whsec_${randomBytes(24).toString('base64')}`;
}

/** The headers that sign `body`, as Replicate sends them. */
export function signWebhook(
  secret: string,
  body: string,
  signedAt: Date = new Date(),
): Record<string, string> {
  const id = `msg_${randomUUID()}`;
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(signedAt.getTime() / 1000)),
    'webhook-signature': new Webhook(secret).sign(id, signedAt, body),
  };
}

/** Delivers to this machine alone, over http or https. */
export function createWebhookSender(secret: string): WebhookSender {
  const deliveries: WebhookDelivery[] = [];
  const stopping = new AbortController();
  const underWay = new Set<Promise<void>>();

  async function post(url: string, body: string, headers: Record<string, string>) {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const response = await fetch(url, {
          method: 'POST',
          body,
          headers: { ...headers, 'content-type': 'application/json' },
          redirect: 'manual',
          signal: stopping.signal,
        });
        await response.arrayBuffer();
        if (response.status < 500 || attempt === TRIES) return response.status;
      } catch {
        if (attempt === TRIES || stopping.signal.aborted) return 'unreachable' as const;
      }
      await sleep(100 * attempt, undefined, { signal: stopping.signal });
    }
  }

  async function deliver({
    predictionId,
    url,
    body,
    script,
  }: Parameters<WebhookSender['send']>[0]) {
    if (!/^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/.test(new URL(url).hostname)) {
      deliveries.push({ predictionId, url, result: 'skipped' });
      return;
    }
    await sleep(script.delayMs ?? 0, undefined, { signal: stopping.signal });
    const key = script.signature === 'forged' ? createWebhookSecret() : secret;
    const headers = signWebhook(key, body, script.signature === 'old' ? new Date(1e6) : new Date());
    for (let copy = 0; copy < (script.copies ?? 1); copy += 1) {
      deliveries.push({ predictionId, url, result: await post(url, body, headers) });
    }
  }

  return {
    deliveries,
    send(event) {
      const delivery = deliver(event)
        .catch(() => undefined)
        .finally(() => underWay.delete(delivery));
      underWay.add(delivery);
    },
    async stop() {
      stopping.abort();
      await Promise.all(underWay);
    },
  };
}
