import { setTimeout as sleep } from 'node:timers/promises';

/**
 * How a sleeping handler is told that something happened to its row, inside one process. Nothing
 * depends on it: whoever is not told looks again by itself.
 */
export interface Watch {
  /** Ends early when the topic is woken; rejects when the signal fires. */
  sleep(topic: string, ms: number, signal: AbortSignal): Promise<void>;
  wake(topic: string): void;
}

export function createWatch(): Watch {
  const sleepers = new Map<string, Set<AbortController>>();
  return {
    async sleep(topic, ms, signal) {
      signal.throwIfAborted();
      const alarm = new AbortController();
      const others = sleepers.get(topic) ?? new Set();
      sleepers.set(topic, others.add(alarm));
      try {
        await sleep(ms, undefined, { signal: AbortSignal.any([signal, alarm.signal]) });
      } catch {
        signal.throwIfAborted();
      } finally {
        others.delete(alarm);
        if (others.size === 0) sleepers.delete(topic);
      }
    },
    wake(topic) {
      for (const alarm of sleepers.get(topic) ?? []) alarm.abort();
    },
  };
}
