import type { PhotoFeatures } from './features.ts';
import type { Field, Guide } from './field.ts';
import { clamp, createBlur, maxOf, type Plane, type PlaneSize, sampleAt } from './plane.ts';

/** In the unit of the clip's length. */
const LIKENESS_SPREAD = 0.2;
const NOISE_SPREAD = 0.1;
const REACH = 0.1;
/** A face changes slowly and as a whole: its features are in the same places. */
const FACE_REACH = 0.34;
const NOISE_SEED = 12_345;

export interface Switches {
  readonly time: Plane;
  readonly reach: Plane;
}

/**
 * When and how quickly each place turns from one photo into the other. Where both photos are alike it is early,
 * where they differ most it is late, so that at any time most places show one photo alone: a picture that is
 * half of each everywhere shows everything double.
 */
export function timeSwitches(
  from: PhotoFeatures,
  to: PhotoFeatures,
  field: Field,
  guide: Guide | undefined,
): Switches {
  const { size } = field;
  const order = rank(createBlur(size, size.width / 45)(measureUnlikeness(from, to, field)));
  const noise = drawNoise(size);
  const delay = createBlur(
    size,
    1.5,
  )(order.map((share, i) => (2 * share - 1) * LIKENESS_SPREAD + NOISE_SPREAD * (noise[i] ?? 0)));
  const inFace = (i: number) => clamp((guide?.strength[i] ?? 0) * 1.05, 0, 1);
  return {
    time: delay.map((value, i) => 0.5 + (1 - inFace(i)) * value),
    reach: delay.map((_, i) => REACH + inFace(i) * (FACE_REACH - REACH)),
  };
}

/** How far apart the colours are that the field lays over each other. */
function measureUnlikeness(from: PhotoFeatures, to: PhotoFeatures, { size, x, y }: Field): Plane {
  return Float32Array.from(x, (vx, i) => {
    const column = i % size.width;
    const row = Math.floor(i / size.width);
    const vy = y[i] ?? 0;
    const squares = from.lab.map((plane, channel) => {
      const other = to.lab[channel] ?? plane;
      const here = sampleAt(plane, size, column - vx, row - vy);
      return (here - sampleAt(other, size, column + vx, row + vy)) ** 2;
    });
    return Math.sqrt(squares.reduce((sum, square) => sum + square, 0));
  });
}

/** Each value's place among all of them, from 0 for the smallest to 1 for the largest. */
function rank(values: Plane): Plane {
  const order = Uint32Array.from(values.keys()).sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0));
  const ranks = new Float32Array(values.length);
  for (const [place, index] of order.entries()) ranks[index] = place / (values.length - 1);
  return ranks;
}

/** Soft noise between -1 and 1, the same each time. */
function drawNoise(size: PlaneSize): Plane {
  let state = NOISE_SEED;
  const raw = Float32Array.from({ length: size.width * size.height }, () => {
    // A linear congruential generator (Numerical Recipes, 2nd ed., p. 284).
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32 - 0.5;
  });
  const soft = createBlur(size, size.width / 22)(raw);
  const scale = 1 / maxOf(soft.map(Math.abs));
  return soft.map((value) => value * scale);
}
