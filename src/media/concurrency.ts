/** Runs tasks, never more than a fixed number at once; the others wait in the order they came. */
export type Limiter = <T>(task: () => Promise<T>) => Promise<T>;

/** A limiter of `size` tasks at once. */
export function createLimiter(size: number): Limiter {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (task) => {
    if (running >= size) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await task();
    } finally {
      // The place goes straight to the next in line, so that a newcomer cannot slip in between.
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}
