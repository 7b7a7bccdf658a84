/** `seamless` ends on the last photo; `loop` adds one transition from the last photo back to the first. */
export type MorphMode = 'seamless' | 'loop';

export const MORPH_MODES = ['seamless', 'loop'] as const satisfies readonly MorphMode[];

/** One transition: positions of its first and last photo, counted from 0. */
export interface Transition {
  readonly from: number;
  readonly to: number;
}

/**
 * The transitions of a morph over `photoCount` photos, in playing order: n−1, and one more for a loop.
 * @throws RangeError below two photos: there is nothing to morph into.
 */
export function planTransitions(photoCount: number, mode: MorphMode): Transition[] {
  if (!Number.isInteger(photoCount) || photoCount < 2) {
    throw new RangeError(`A morph needs at least 2 photos, got ${photoCount}`);
  }
  const count = mode === 'loop' ? photoCount : photoCount - 1;
  return Array.from({ length: count }, (_, from) => ({ from, to: (from + 1) % photoCount }));
}
