/**
 * Wraps `fetch` so that one `init` object is sent over the wire once: asked again with the same
 * object, it gives the first outcome again, be it a response or an error.
 *
 * The `replicate` client calls its fetch up to six times with the same `init` on any network error
 * and on 429, for POST too, without a pause that would help. A create that was accepted before the
 * connection broke would so be bought six times: the API knows no idempotency key.
 * @see https://github.com/replicate/replicate-javascript/blob/v1.4.0/lib/util.js (withAutomaticRetries)
 */
export function createOneShotFetch(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
  const outcomes = new WeakMap<RequestInit, Promise<Response>>();
  return (input, init) => {
    if (!init) return fetch(input);
    const earlier = outcomes.get(init);
    if (earlier) return earlier;
    const outcome = fetch(input, init);
    outcomes.set(init, outcome);
    return outcome;
  };
}
