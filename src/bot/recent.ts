/** What is remembered of chats is of use for minutes; an hour covers the slowest turn. */
const KEEP_MS = 3_600_000;

/** A memory that forgets by itself what was not written again for an hour. */
export interface Recent<K, V> {
  get(key: K): V | undefined;
  set(key: K, value: V): void;
  readonly size: number;
}

/** @param now the clock, in milliseconds. */
export function createRecent<K, V>(now: () => number = Date.now): Recent<K, V> {
  const entries = new Map<K, { readonly value: V; readonly at: number }>();

  /** A map keeps the order of writing, so the oldest stand in front. */
  const forget = () => {
    for (const [key, { at }] of entries) {
      if (now() - at < KEEP_MS) return;
      entries.delete(key);
    }
  };

  return {
    get: (key) => {
      forget();
      return entries.get(key)?.value;
    },
    set(key, value) {
      forget();
      entries.delete(key);
      entries.set(key, { value, at: now() });
    },
    get size() {
      return entries.size;
    },
  };
}
