/** Stands in for what a test has no need of; whoever touches it is told so. */
export function unused<T extends object>(name: string): T {
  return new Proxy({} as T, {
    get(_, key) {
      if (typeof key === 'symbol') return undefined;
      throw new Error(`This test has no ${name}.${key}`);
    },
  });
}
