import Replicate from 'replicate';
import { type ApiAnswer, lostBy, parseJson, type Refusal, readRefusal } from '../api-answer.ts';
import { createOneShotFetch } from './one-shot-fetch.ts';

/** One request to the API. `route` is relative to the base URL, or a URL of the same origin. */
export interface ApiCall {
  readonly route: string | URL;
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly params?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly data?: object;
  /** How much longer than other requests it may take, in milliseconds: for large bodies. */
  readonly extraMs?: number;
}

/** Sends one request over the wire, once. Never throws and never repeats. */
export type CallApi = (call: ApiCall, signal: AbortSignal) => Promise<ApiAnswer>;

/** Thrown inside the client in place of its ApiError, which would hold the Authorization header. */
class ApiRefusal extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(`Refused with status ${refusal.status}`);
    this.name = 'ApiRefusal';
    this.refusal = refusal;
  }
}

/** @param timeoutMs how long one request may take, answer included. */
export function createCallApi(deps: {
  readonly token: string;
  readonly baseUrl: string;
  readonly fetch: typeof globalThis.fetch;
  readonly timeoutMs: number;
}): CallApi {
  const client = new Replicate({
    auth: deps.token,
    baseUrl: deps.baseUrl,
    useFileOutput: false,
    fetch: createOneShotFetch(refusingFetch(deps)),
  });

  return async (call, signal) => {
    if (signal.aborted) return { kind: 'lost', sent: false };
    const { route, extraMs = 0, ...options } = call;
    try {
      const response = await client.request(route, {
        ...options,
        signal: AbortSignal.any([signal, AbortSignal.timeout(deps.timeoutMs + extraMs)]),
      });
      return { kind: 'answered', body: parseJson(await response.text()) };
    } catch (error) {
      return error instanceof ApiRefusal ? error.refusal : lostBy(error);
    }
  };
}

function refusingFetch(deps: { readonly fetch: typeof globalThis.fetch }): typeof globalThis.fetch {
  return async (input, init) => {
    // A followed redirect would be a second request, and could carry a POST elsewhere.
    const response = await deps.fetch(input, { ...init, redirect: 'manual' });
    if (response.ok) return response;
    throw new ApiRefusal(await readRefusal(response));
  };
}
