import type { Field } from '../../src/media/morpher/field.ts';
import {
  type FaceLandmarks,
  type FacePair,
  interOcularDistance,
  type Point,
} from '../../src/media/morpher/landmarks.ts';
import type { RgbPicture } from '../../src/media/morpher/morpher.ts';
import { type PlaneSize, sampleAt } from '../../src/media/morpher/plane.ts';
import { BREATH } from '../../src/media/morpher/render-frame.ts';

/** The brightness of pictures, a byte a pixel: the first plane of a frame. */
export type Luma = Uint8Array;

/** What a cross-fade shows half-way. */
export function crossFade(a: Luma, b: Luma): Luma {
  return a.map((value, i) => Math.round((value + (b[i] ?? 0)) / 2));
}

/**
 * How much crisp detail a picture has, by its squared gradients, against the mean of two others. A cross-fade
 * of unrelated pictures has one half of it.
 */
export function measureCrispness(middle: Luma, a: Luma, b: Luma, size: PlaneSize): number {
  return (2 * gradientEnergy(middle, size)) / (gradientEnergy(a, size) + gradientEnergy(b, size));
}

/** Of the pixels where two pictures clearly differ, the share that shows half of each. A cross-fade: 1. */
export function measureGhosts(middle: Luma, a: Luma, b: Luma): number {
  let different = 0;
  let ghosts = 0;
  for (const [i, value] of middle.entries()) {
    const [p, q] = [a[i] ?? 0, b[i] ?? 0];
    const distance = Math.abs(p - q);
    if (distance <= 40) continue;
    different += 1;
    if (Math.abs(value - (p + q) / 2) < 0.2 * distance) ghosts += 1;
  }
  return ghosts / Math.max(1, different);
}

/** Mean absolute difference of two pictures. */
export function meanDifference(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((sum, value, i) => sum + Math.abs(value - (b[i] ?? 0)), 0) / a.length;
}

/** The largest difference of two pictures in one sample. */
export function largestDifference(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((max, value, i) => Math.max(max, Math.abs(value - (b[i] ?? 0))), 0);
}

/**
 * Half-way between two faces, where a frame at half-time should show one.
 * @param breath how much larger the frame is then.
 */
export function middleOf(
  a: FaceLandmarks,
  b: FaceLandmarks,
  size: PlaneSize,
  breath = BREATH,
): Point[] {
  const zoom = (value: number, length: number) =>
    (value - (length - 1) / 2) * (1 + breath) + (length - 1) / 2;
  return a.points.map(([ax, ay], k) => {
    const [bx, by] = b.points[k] ?? [ax, ay];
    return [zoom((ax + bx) / 2, size.width), zoom((ay + by) / 2, size.height)];
  });
}

/** Mean distance of the nearest face's landmarks from where they should be, in inter-ocular distances. */
export function landmarkError(faces: readonly FaceLandmarks[], wanted: readonly Point[]): number {
  const errors = faces.map(({ points }) => {
    const sum = points.reduce((total, [x, y], k) => {
      const [wx, wy] = wanted[k] ?? [x, y];
      return total + Math.hypot(x - wx, y - wy);
    }, 0);
    return sum / points.length / interOcularDistance(wanted);
  });
  return Math.min(Number.POSITIVE_INFINITY, ...errors);
}

/**
 * Mean distance in which a field leaves the landmarks of a pair, in inter-ocular distances half-way.
 * @param size of the clip, whose pixels the landmarks are in.
 */
export function measureGap({ from, to }: FacePair, field: Field, size: PlaneSize): number {
  const [perX, perY] = [size.width / field.size.width, size.height / field.size.height];
  const middle = middleOf(from, to, size, 0);
  const gaps = middle.map(([x, y], k) => {
    const [[ax, ay], [bx, by]] = [from.points[k] ?? [x, y], to.points[k] ?? [x, y]];
    const at = [(x + 0.5) / perX - 0.5, (y + 0.5) / perY - 0.5] as const;
    const goesX = 2 * perX * sampleAt(field.x, field.size, ...at);
    const goesY = 2 * perY * sampleAt(field.y, field.size, ...at);
    return Math.hypot(bx - ax - goesX, by - ay - goesY);
  });
  return gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length / interOcularDistance(middle);
}

/** A photo in the planes Y, U, V of BT.709 television, colours at half the size, reckoned from its pixels. */
export function toVideo({ data, width, height }: RgbPicture): Uint8Array {
  const colour = (x: number, y: number) => {
    const at = 3 * (y * width + x);
    return [data[at] ?? 0, data[at + 1] ?? 0, data[at + 2] ?? 0] as const;
  };
  const grey = ([r, g, b]: readonly [number, number, number]) =>
    0.2126 * r + 0.7152 * g + 0.0722 * b;
  const lumas: number[] = [];
  const us: number[] = [];
  const vs: number[] = [];
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      lumas.push(16 + (219 * grey(colour(x, y))) / 255);
      if (x % 2 === 1 || y % 2 === 1) continue;
      const four = [colour(x, y), colour(x + 1, y), colour(x, y + 1), colour(x + 1, y + 1)];
      const mean = (of: (one: readonly [number, number, number]) => number) =>
        four.reduce((sum, one) => sum + of(one), 0) / 4;
      us.push(128 + (224 * mean((one) => one[2] - grey(one))) / 255 / 1.8556);
      vs.push(128 + (224 * mean((one) => one[0] - grey(one))) / 255 / 1.5748);
    }
  }
  return Uint8Array.from([...lumas, ...us, ...vs], Math.round);
}

function gradientEnergy(luma: Luma, { width, height }: PlaneSize): number {
  let sum = 0;
  for (let y = 1; y < height - 1; y += 1) {
    for (let x = 1; x < width - 1; x += 1) {
      const i = y * width + x;
      const dx = (luma[i + 1] ?? 0) - (luma[i - 1] ?? 0);
      const dy = (luma[i + width] ?? 0) - (luma[i - width] ?? 0);
      sum += dx * dx + dy * dy;
    }
  }
  return sum;
}
