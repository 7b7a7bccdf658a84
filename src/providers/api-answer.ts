import { z } from 'zod';
import type { Failure } from '../domain/failure.ts';

/** A refusal is an answer with a status outside 2xx. Its words are not kept: they may quote what a person wrote, or the key. */
export interface Refusal {
  readonly kind: 'refused';
  readonly status: number;
  readonly retryAfterMs?: number;
}

/**
 * What came of one request. `answered`: a 2xx, its body parsed as JSON (`undefined` when it is not
 * JSON). `lost`: no whole answer; `sent` is false only when the request surely never left.
 */
export type ApiAnswer =
  | { readonly kind: 'answered'; readonly body: unknown }
  | Refusal
  | { readonly kind: 'lost'; readonly sent: boolean };

export async function readRefusal(response: Response): Promise<Refusal> {
  const text = await response.text().catch(() => '');
  const retryAfterMs = parseRetryAfter(response.headers.get('retry-after'), text);
  return {
    kind: 'refused',
    status: response.status,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

/** What may be logged of an answer. */
export function describeAnswer(answer: ApiAnswer): { readonly status?: number } {
  return answer.kind === 'refused' ? { status: answer.status } : {};
}

/** The answer that an error of `fetch` means. */
export function lostBy(error: unknown): ApiAnswer {
  return { kind: 'lost', sent: !failedToConnect(error) };
}

/** The failure that an answer means, for calls that buy nothing. */
export function failureOf(answer: ApiAnswer): Failure {
  if (answer.kind === 'lost') return { kind: 'network' };
  if (answer.kind === 'answered') return { kind: 'provider_error' };
  switch (answer.status) {
    case 402:
      return { kind: 'out_of_credit' };
    case 401:
    case 403:
      return { kind: 'unauthorized' };
    case 429:
      return answer.retryAfterMs === undefined
        ? { kind: 'rate_limit' }
        : { kind: 'rate_limit', retryAfterMs: answer.retryAfterMs };
    case 400:
    case 404:
    case 413:
    case 422:
      return { kind: 'bad_input' };
    default:
      return { kind: 'provider_error' };
  }
}

/** The failure of a call that was to buy something: it may have been bought all the same. */
export function failureOfPurchase(answer: ApiAnswer): Failure {
  const failure = failureOf(answer);
  return mayHaveBeenAccepted(answer) ? { ...failure, ambiguous: true } : failure;
}

/** Whether the provider may have acted on a request although its answer is no success. */
function mayHaveBeenAccepted(answer: ApiAnswer): boolean {
  if (answer.kind === 'lost') return answer.sent;
  if (answer.kind === 'answered') return true;
  return answer.status >= 500 || answer.status === 408;
}

const throttled = z.object({ retry_after: z.number().nonnegative() });

/** How long a refusal asks to wait, in milliseconds: from its header (seconds or a date), the body's `retry_after`, or its "resets in ~5s". */
export function parseRetryAfter(header: string | null, text: string): number | undefined {
  if (header) {
    const seconds = Number(header);
    if (Number.isFinite(seconds)) return Math.max(0, Math.ceil(seconds * 1000));
    const date = Date.parse(header);
    if (!Number.isNaN(date)) return Math.max(0, date - Date.now());
  }
  const body = throttled.safeParse(parseJson(text));
  if (body.success) return Math.ceil(body.data.retry_after * 1000);
  const [, amount, unit] = /resets in ~?(\d+(?:\.\d+)?)\s*(s|m)/i.exec(text) ?? [];
  if (amount && unit) return Math.ceil(Number(amount) * (unit.toLowerCase() === 'm' ? 60e3 : 1e3));
  return undefined;
}

/** Undefined for what is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const socketError = z.object({ code: z.string().optional(), syscall: z.string().optional() });
const severalErrors = z.object({ errors: z.array(z.unknown()).min(1) });

/** Undici wraps what the socket said in `cause`; a name with two addresses fails once for each. */
function failedToConnect(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  const several = severalErrors.safeParse(cause);
  return several.success
    ? several.data.errors.every(isConnectError)
    : cause !== undefined && isConnectError(cause);
}

function isConnectError(cause: unknown): boolean {
  const { code, syscall } = socketError.safeParse(cause).data ?? {};
  return syscall === 'connect' || syscall === 'getaddrinfo' || code === 'UND_ERR_CONNECT_TIMEOUT';
}
