import type { Failure } from '../domain/failure.ts';

/** Nobody waits longer than this by themselves before a provider is tried again. */
const LONGEST_PAUSE_MS = 60_000;

/** What a provider asks for is believed up to here. */
const LONGEST_RETRY_AFTER_MS = 300_000;

/**
 * How long to wait after a failure, in milliseconds: what the provider asks for, or else twice as long each time.
 * A provider that asks for no pause at all (its date may be past by our clock) gets ours.
 * @param tries failures in a row before this one.
 * @param retryMs the first pause.
 */
export function pauseAfter(failure: Failure | undefined, tries: number, retryMs: number): number {
  return failure?.retryAfterMs
    ? Math.min(failure.retryAfterMs, LONGEST_RETRY_AFTER_MS)
    : Math.min(retryMs * 2 ** Math.min(tries, 10), LONGEST_PAUSE_MS);
}
