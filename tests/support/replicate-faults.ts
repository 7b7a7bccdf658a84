/** What goes wrong with a call. The `_after` kinds do what was asked, and lose the answer. */
export type CallFault =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly body?: unknown;
      readonly headers?: Record<string, string>;
    }
  | { readonly kind: 'reset' | 'reset_after' | 'hang' | 'hang_after' | 'garbled_after' };

/** Answers as the real API words them. */
export const refusals = {
  outOfCredit: {
    kind: 'answer',
    status: 402,
    body: {
      title: 'Insufficient credit',
      detail: 'You have insufficient credit to run this model.',
      status: 402,
    },
  },
  invalidInput: {
    kind: 'answer',
    status: 422,
    body: { title: 'Input validation failed', detail: '- input.prompt is required\n', status: 422 },
  },
  unavailable: { kind: 'answer', status: 503, body: { title: 'Service unavailable', status: 503 } },
} as const satisfies Record<string, CallFault>;

/** A rate limit, told in the header and the body. */
export function throttled(seconds: number): CallFault {
  const detail = `Request was throttled. Your rate limit resets in ~${seconds}s.`;
  return {
    kind: 'answer',
    status: 429,
    headers: { 'retry-after': String(seconds) },
    body: { title: 'Request was throttled', detail, status: 429, retry_after: seconds },
  };
}
