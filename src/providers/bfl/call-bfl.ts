import { type ApiAnswer, lostBy, parseJson, readRefusal } from '../api-answer.ts';

/** Sends one request over the wire, once: a POST when there is something to send. Never throws and never repeats. */
export type CallBfl = (
  url: URL,
  data: object | undefined,
  signal: AbortSignal,
) => Promise<ApiAnswer>;

/** @param timeoutMs how long one request may take, answer included. */
export function createCallBfl(deps: {
  readonly key: string;
  readonly fetch: typeof globalThis.fetch;
  readonly timeoutMs: number;
}): CallBfl {
  return async (url, data, signal) => {
    if (signal.aborted) return { kind: 'lost', sent: false };
    try {
      const response = await deps.fetch(url.href, {
        headers: { 'x-key': deps.key, accept: 'application/json' },
        ...(data && {
          method: 'POST',
          headers: { 'x-key': deps.key, 'content-type': 'application/json' },
          body: JSON.stringify(data),
        }),
        // A followed redirect would carry the key, or a POST, elsewhere.
        redirect: 'manual',
        signal: AbortSignal.any([signal, AbortSignal.timeout(deps.timeoutMs)]),
      });
      if (!response.ok) return await readRefusal(response);
      return { kind: 'answered', body: parseJson(await response.text()) };
    } catch (error) {
      return lostBy(error);
    }
  };
}
