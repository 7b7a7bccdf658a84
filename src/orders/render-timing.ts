/** The rhythm of rendering, in milliseconds. Tests run the same code faster. */
export interface RenderTiming {
  /** One attempt may take this long from its creation; then it is cancelled at the provider. */
  readonly attemptMs: number;
  /** Pause before the second and third attempt; each is twice the one before. */
  readonly retryMs: number;
  /** Shortest and longest pause between two looks at a prediction. */
  readonly pollMinMs: number;
  readonly pollMaxMs: number;
  /** When to look again for a prediction whose create answer was lost: the listing may lag behind. */
  readonly findMs: readonly number[];
  /** What may be waited out is, until this long after the order was confirmed; then the stars go back. */
  readonly waitMs: number;
  /** Pause before models that did not tell their fields are asked again. */
  readonly recheckMs: number;
}

/** 15 minutes and 5 s, 10 s, 20 s are what people were promised. */
export const RENDER_TIMING: RenderTiming = {
  attemptMs: 15 * 60_000,
  retryMs: 5_000,
  pollMinMs: 250,
  pollMaxMs: 5_000,
  findMs: [0, 2_000, 5_000],
  waitMs: 24 * 3_600_000,
  recheckMs: 60_000,
};
