import { createHash } from 'node:crypto';
import type { Provider } from './provider.ts';

/** A provider that breaks down at a wish, so that one can watch what becomes of an order. */
export interface Outage {
  /**
   * The next so many transitions fail at every attempt, and those that have begun to in another process; all
   * others are rendered.
   */
  failNext(transitions: number, struck?: readonly string[]): void;
  /** Nothing fails any more but predictions that have failed already. */
  clear(): void;
  /** The same provider, with the wished failures. */
  over(provider: Provider): Provider;
}

/**
 * @param onStruck is told of each transition when it begins to fail, by a name that means the same in every process.
 * @see Outage
 */
export function createOutage(onStruck: (transition: string) => void = () => {}): Outage {
  let wished = 0;
  /** Transitions, by what is asked for. */
  const doomed = new Set<string>();
  /** External ids of predictions. */
  const failed = new Set<string>();
  return {
    failNext(transitions, struck = []) {
      wished += transitions;
      for (const transition of struck) doomed.add(transition);
    },
    clear() {
      wished = 0;
      doomed.clear();
    },
    over: (provider) => ({
      ...provider,
      async create(attempt, signal) {
        const input = JSON.stringify(attempt.request.input);
        const asked = createHash('sha256').update(input).digest('hex');
        if (wished > 0 && !doomed.has(asked)) {
          wished -= 1;
          doomed.add(asked);
          onStruck(asked);
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
