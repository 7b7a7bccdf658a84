import type { Provider } from './provider.ts';

/** A provider that breaks down at a wish, so that one can watch what becomes of an order. */
export interface Outage {
  /** The next so many transitions fail at every attempt; all others are rendered. */
  failNext(transitions: number): void;
  /** Nothing fails any more but predictions that have failed already. */
  clear(): void;
  /** The same provider, with the wished failures. */
  over(provider: Provider): Provider;
}

/** @see Outage */
export function createOutage(): Outage {
  let wished = 0;
  /** Transitions, by what is asked for. */
  const doomed = new Set<string>();
  /** External ids of predictions. */
  const failed = new Set<string>();
  return {
    failNext(transitions) {
      wished += transitions;
    },
    clear() {
      wished = 0;
      doomed.clear();
    },
    over: (provider) => ({
      ...provider,
      async create(attempt, signal) {
        const asked = JSON.stringify(attempt.request.input);
        if (wished > 0 && !doomed.has(asked)) {
          wished -= 1;
          doomed.add(asked);
        }
        const isDoomed = doomed.has(asked);
        const created = await provider.create(attempt, signal);
        // It fails once it is bought: a refused purchase would be repeated within the same attempt.
        if (isDoomed && created.kind === 'created') {
          failed.add(created.externalId);
          await provider.cancel(created.externalId, signal);
        }
        return created;
      },
      async check(externalId, signal) {
        return failed.has(externalId)
          ? {
              kind: 'seen',
              status: { kind: 'failed', failure: { kind: 'provider_error' } },
            }
          : provider.check(externalId, signal);
      },
    }),
  };
}
