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

/**
 * `Promise.all` over `items`, at most `size` at once, results in the order of the items. After a failure
 * nothing new begins, and the promise rejects only when what had begun is over.
 */
export async function mapLimit<T, R>(
  items: readonly T[],
  size: number,
  map: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const limit = createLimiter(size);
  let failed = false;
  const results = await Promise.allSettled(
    items.map((item, index) =>
      limit(async () => {
        if (failed) throw new Error('Not begun: another item failed');
        try {
          return await map(item, index);
        } catch (error) {
          failed = true;
          throw error;
        }
      }),
    ),
  );
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}
