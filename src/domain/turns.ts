/** Runs work of one key in turns, in the order it was asked for; different keys do not wait for each other. */
export type Turns<K> = <T>(key: K, work: () => Promise<T>) => Promise<T>;

/** Makes an independent set of turns. */
export function createTurns<K>(): Turns<K> {
  const last = new Map<K, Promise<unknown>>();
  return (key, work) => {
    const turn = (last.get(key) ?? Promise.resolve()).then(work, work);
    const settled = turn.then(
      () => undefined,
      () => undefined,
    );
    last.set(key, settled);
    void settled.then(() => {
      if (last.get(key) === settled) last.delete(key);
    });
    return turn;
  };
}
