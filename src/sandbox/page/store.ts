/** A value that tells when it changes. */
export interface Store<T> {
  get(): T;
  set(change: (before: T) => T): void;
  /** Returns what ends the subscription. */
  subscribe(listener: () => void): () => void;
}

/** Creates a store with its first value. */
export function createStore<T>(first: T): Store<T> {
  const listeners = new Set<() => void>();
  let value = first;
  return {
    get: () => value,
    set(change) {
      const next = change(value);
      if (next === value) return;
      value = next;
      for (const listener of listeners) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
