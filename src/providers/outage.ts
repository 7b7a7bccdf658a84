import type { Provider } from './provider.ts';

/** A provider that breaks down at a wish, so that one can watch what becomes of an order. */
export interface Outage {
  /** The next so many transitions fail at every attempt; all others are rendered. */
  failNext(transitions: number): void;
  /** The same provider, with the wished failures. */
  over(provider: Provider): Provider;
}

/** @see Outage */
export function createOutage(): Outage {
  let wished = 0;
  const doomed = new Set<string>();
  return {
    failNext(transitions) {
      wished += transitions;
    },
    over: (provider) => ({
      ...provider,
      async create(attempt, signal) {
        const asked = JSON.stringify(attempt.request.input);
        if (wished > 0 && !doomed.has(asked)) {
          wished -= 1;
          doomed.add(asked);
        }
        return doomed.has(asked)
          ? { kind: 'failed', failure: { kind: 'provider_error' } }
          : provider.create(attempt, signal);
      },
    }),
  };
}
