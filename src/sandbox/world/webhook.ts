import { setTimeout as sleep } from 'node:timers/promises';
import type { Update, WebhookInfo } from 'grammy/types';
import type { Store } from './store.ts';
import type { UpdateQueue } from './update-queue.ts';

/** Where to deliver updates. */
export interface WebhookTarget {
  readonly url: string;
  readonly secretToken: string | undefined;
  readonly maxConnections: number;
}

/** Delivery of updates by HTTP POST instead of polling. */
export interface Webhook {
  readonly isSet: boolean;
  set(target: WebhookTarget | undefined): void;
  info(): WebhookInfo;
  /** Starts the deliveries of a webhook set before the last restart. */
  resume(): void;
  /** Ends all deliveries; the webhook stays set. */
  close(): void;
}

const firstRetryMs = 100;
const maxRetryMs = 5_000;

/**
 * Creates the delivery: updates of one chat go out one after the other, each until it is accepted
 * with 2xx; different chats do not wait for each other. `onReply` gets the body of an answer, which
 * may hold a method call.
 */
export function createWebhook(
  store: Store,
  updates: UpdateQueue,
  onReply: (body: string) => Promise<void>,
): Webhook {
  const targets = store.table<WebhookTarget>('webhook');
  let target: WebhookTarget | undefined;
  let stop = new AbortController();
  let lastError: { date: number; message: string } | undefined;
  const busy = new Set<string>();
  const inFlight = new Set<Update>();

  /** Starts a delivery for every chat that has something waiting and none under way. */
  function pump(): void {
    if (target === undefined) return;
    for (const update of updates.waiting()) {
      const key = chatKeyOf(update);
      if (busy.has(key) || inFlight.has(update) || busy.size >= target.maxConnections) continue;
      busy.add(key);
      inFlight.add(update);
      const { signal } = stop;
      void deliver(update, target, signal).finally(() => {
        if (signal.aborted) return;
        busy.delete(key);
        inFlight.delete(update);
        pump();
      });
    }
  }

  async function deliver(update: Update, to: WebhookTarget, signal: AbortSignal): Promise<void> {
    for (let waitMs = firstRetryMs; !signal.aborted; waitMs = Math.min(waitMs * 2, maxRetryMs)) {
      const retryAfterMs = await attempt(update, to, signal);
      if (signal.aborted) return;
      if (retryAfterMs === undefined) return updates.confirm(update);
      await sleep(retryAfterMs || waitMs, undefined, { signal }).catch(() => {});
    }
  }

  /** Returns undefined when accepted, else how long to wait; 0 for "as you like". */
  async function attempt(
    update: Update,
    { url, secretToken }: WebhookTarget,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    try {
      const response = await fetch(url, {
        method: 'POST',
        redirect: 'manual',
        headers: {
          'content-type': 'application/json',
          ...(secretToken === undefined ? {} : { 'x-telegram-bot-api-secret-token': secretToken }),
        },
        body: JSON.stringify(update),
        signal,
      });
      const body = await response.text();
      if (response.ok) {
        await onReply(body);
        return undefined;
      }
      note(`Wrong response from the webhook: ${response.status} ${response.statusText}`);
      return Number(response.headers.get('retry-after') ?? 0) * 1000;
    } catch (error) {
      if (!signal.aborted) note(error instanceof Error ? error.message : String(error));
      return 0;
    }
  }
  const note = (message: string) => {
    lastError = { date: Math.floor(Date.now() / 1000), message };
  };

  function aim(next: WebhookTarget | undefined): void {
    stop.abort();
    stop = new AbortController();
    busy.clear();
    inFlight.clear();
    target = next;
    if (next !== undefined) lastError = undefined;
    pump();
  }
  updates.onPush = pump;

  return {
    get isSet() {
      return target !== undefined;
    },
    set(next) {
      if (next === undefined) targets.delete('');
      else targets.set('', next);
      aim(next);
    },
    resume: () => aim(targets.get('')),
    info: () => ({
      url: target?.url ?? '',
      has_custom_certificate: false,
      pending_update_count: updates.waiting().length,
      ...(target === undefined ? {} : { max_connections: target.maxConnections }),
      ...(lastError === undefined || target === undefined
        ? {}
        : { last_error_date: lastError.date, last_error_message: lastError.message }),
      ...(updates.allowedUpdates === undefined
        ? {}
        : {
            allowed_updates: updates.allowedUpdates as NonNullable<WebhookInfo['allowed_updates']>,
          }),
    }),
    close: () => aim(undefined),
  };
}

function chatKeyOf(update: Update): string {
  const message = update.message ?? update.edited_message ?? update.callback_query?.message;
  const from = update.callback_query?.from ?? update.pre_checkout_query?.from;
  const id = message?.chat.id ?? update.my_chat_member?.chat.id ?? from?.id;
  return String(id ?? update.update_id);
}
