/** What a bench found, one line of the table. */
export interface Finding {
  readonly what: string;
  /** As a person reads it, with its unit. */
  readonly ours: string;
  readonly baseline: string;
  readonly ratio: Spread;
  /** Unset: the figure is for information. */
  readonly goal?: Goal;
}

export type Goal = { readonly atMost: number } | { readonly atLeast: number };

export interface Bench {
  readonly name: string;
  /** What is compared with what, in one sentence. */
  readonly about: string;
  run(): Promise<readonly Finding[]>;
}

/** The middle of several measurements and how far they lie apart. */
export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  const middle = (sorted.length - 1) / 2;
  const median = (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2;
  return { min: at(0), median, max: at(sorted.length - 1) };
}

/** Two ways to do the same work, measured in pairs; in seconds. */
export interface Pairs {
  readonly ours: Spread;
  readonly bare: Spread;
  /** Of ours to bare, pair by pair: what slows the machine down for a while slows both. */
  readonly ratio: Spread;
}

/**
 * Measures both ways by turns, the other one first each time, after one pair that does not count
 * (caches, compilation).
 * @param measure what one run of each takes, in seconds.
 * @param turns how often each runs in one repetition; their times are added up.
 */
export async function measurePairs(
  repetitions: number,
  measure: { readonly ours: () => Promise<number>; readonly bare: () => Promise<number> },
  turns = 1,
): Promise<Pairs> {
  const pairs: { readonly ours: number; readonly bare: number }[] = [];
  for (let round = 0; round <= repetitions; round += 1) {
    const sum = { ours: 0, bare: 0 };
    for (let turn = 0; turn < turns; turn += 1) {
      const order =
        (round + turn) % 2 === 0 ? (['ours', 'bare'] as const) : (['bare', 'ours'] as const);
      for (const way of order) sum[way] += await measure[way]();
    }
    if (round > 0) pairs.push(sum);
  }
  return {
    ours: spread(pairs.map(({ ours }) => ours)),
    bare: spread(pairs.map(({ bare }) => bare)),
    ratio: spread(pairs.map(({ ours, bare }) => ours / bare)),
  };
}

/** The other way round: of times, the ratio of speeds. */
export function inverse({ min, median, max }: Spread): Spread {
  return { min: 1 / max, median: 1 / median, max: 1 / min };
}

/** Seconds that a task takes. */
export async function timed(task: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await task();
  return (performance.now() - start) / 1000;
}

export function isReached(value: number, goal: Goal): boolean {
  return 'atMost' in goal ? value <= goal.atMost : value >= goal.atLeast;
}
