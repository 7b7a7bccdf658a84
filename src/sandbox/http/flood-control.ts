import { BotApiError } from './bot-api-error.ts';
import type { Fields } from './request-fields.ts';

/** How fast the bot may talk before it is told to wait. Telegram does not publish its own limits. */
export interface FloodLimits {
  /** What a chat bears in the long run; Telegram recommends one. */
  readonly chatMessagesPerSecond: number;
  /** How many messages in a row a chat bears at once. */
  readonly chatBurst: number;
  /** What all chats together bear; Telegram's FAQ names about thirty. */
  readonly messagesPerSecond: number;
}

/** Counts what the bot says. */
export interface FloodControl {
  /** @throws {BotApiError} 429 with `retry_after` when the bot has to wait */
  check(method: string, fields: Fields): void;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

/** Creates the control; time is read from `now`, in milliseconds. */
export function createFloodControl(limits: FloodLimits, now = Date.now): FloodControl {
  const chats = new Map<string, Bucket>();
  const everybody: Bucket = { tokens: limits.messagesPerSecond, atMs: now() };

  /** Fills a bucket by the time passed and tells for how many seconds it is still empty. */
  function fill(bucket: Bucket, perSecond: number, capacity: number): number {
    const passedSeconds = (now() - bucket.atMs) / 1000;
    bucket.tokens = Math.min(capacity, bucket.tokens + passedSeconds * perSecond);
    bucket.atMs = now();
    return Math.max(0, (1 - bucket.tokens) / perSecond);
  }

  return {
    check(method, fields) {
      if (!/^(send(?!ChatAction)|forward|copy|edit)/.test(method)) return;
      const chatId = fields.text('chat_id') ?? '';
      const chat = chats.get(chatId) ?? { tokens: limits.chatBurst, atMs: now() };
      chats.set(chatId, chat);
      const waitSeconds = Math.max(
        fill(chat, limits.chatMessagesPerSecond, limits.chatBurst),
        fill(everybody, limits.messagesPerSecond, limits.messagesPerSecond),
      );
      if (waitSeconds > 0) throw tooManyRequests(Math.ceil(waitSeconds));
      chat.tokens -= 1;
      everybody.tokens -= 1;
    },
  };
}

/** The refusal of flood control. */
export function tooManyRequests(retryAfterSeconds: number): BotApiError {
  const text = `Too Many Requests: retry after ${retryAfterSeconds}`;
  return new BotApiError(429, text, { retry_after: retryAfterSeconds });
}
