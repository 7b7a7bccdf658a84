import { setTimeout as sleep } from 'node:timers/promises';
import { autoRetry } from '@grammyjs/auto-retry';
import { type FileApiFlavor, hydrateFiles } from '@grammyjs/files';
import { type Api, Bot, HttpError, InputFile, type Transformer } from 'grammy';
import type { BotContext } from './context.ts';
import { toGrammySignal } from './telegram-errors.ts';

/** The API of our bot: getFile's results know their address. */
export type BotApi = FileApiFlavor<Api>;

export interface TransportOptions {
  readonly token: string;
  /** `https://api.telegram.org`, or a Bot API server of one's own. */
  readonly apiRoot: string;
  /** Pause before the first repeat after a cut connection or a 5xx; it doubles. In milliseconds. */
  readonly retryPauseMs: number;
}

/** Repeats after a cut connection or a 5xx. */
const MAX_RETRIES = 3;

/** A call that moves no file is answered within this, or its connection is dead. In milliseconds. */
const CALL_TIMEOUT_MS = 30_000;

/** Flood waits longer than this are not sat out: the caller hears of them. In seconds. */
const MAX_FLOOD_WAIT_SECONDS = 60;

/**
 * A bot whose calls survive flood limits, cut connections and a server in trouble. Sending a video or
 * a document from disk is never repeated here: its caller knows what was sent and repeats by itself.
 */
export function createTransport(options: TransportOptions): Bot<BotContext, BotApi> {
  const apiRoot = options.apiRoot.replace(/\/+$/, '');
  const bot = new Bot<BotContext, BotApi>(options.token, { client: { apiRoot } });
  const waitOutFlood = autoRetry({
    maxRetryAttempts: 3,
    maxDelaySeconds: MAX_FLOOD_WAIT_SECONDS,
    rethrowHttpErrors: true,
    rethrowInternalServerErrors: true,
  });
  bot.api.config.use(
    repeatWhenCut(options.retryPauseMs),
    (call, method, payload, signal) =>
      isRepeatedByCaller(method, payload)
        ? call(method, payload, signal)
        : waitOutFlood(call, method, payload, signal),
    hydrateFiles(options.token, { apiRoot }),
  );
  return bot;
}

function repeatWhenCut(pauseMs: number): Transformer {
  return async (call, method, payload, signal) => {
    if (isRepeatedByCaller(method, payload)) return call(method, payload, signal);
    for (let attempt = 0; ; attempt += 1) {
      const last = attempt === MAX_RETRIES || signal?.aborted === true;
      const limit = new AbortController();
      const abort = () => limit.abort();
      const timer = setTimeout(abort, holdsUpload(payload) ? 5 * CALL_TIMEOUT_MS : CALL_TIMEOUT_MS);
      signal?.addEventListener('abort', abort);
      try {
        const response = await call(method, payload, toGrammySignal(limit.signal));
        if (response.ok || response.error_code < 500 || last) return response;
      } catch (error) {
        if (!(error instanceof HttpError) || last || signal?.aborted) throw error;
      } finally {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
      }
      await sleep(pauseMs * 2 ** attempt);
    }
  };
}

function isRepeatedByCaller(method: string, payload: object): boolean {
  if (method === 'getUpdates') return true;
  return (method === 'sendVideo' || method === 'sendDocument') && holdsUpload(payload);
}

function holdsUpload(value: unknown): boolean {
  if (value instanceof InputFile) return true;
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some(holdsUpload);
}
