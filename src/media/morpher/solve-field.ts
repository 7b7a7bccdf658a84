import type { PhotoFeatures } from './features.ts';
import type { Field, Guide } from './field.ts';
import {
  clamp,
  createBlur,
  type Plane,
  type PlaneSize,
  resizePlane,
  shrinkPlane,
  smoothStep,
} from './plane.ts';
import { unfold } from './unfold.ts';

/** Rounds of the search at each size, the full grid first; each further size is half of the one before. */
const ROUNDS = [30, 40, 50, 60, 60] as const;
const SMALLEST_SIDE = 8;

/** How boldly a round moves towards a better match. */
const STEP = 0.5;
/** In samples. */
const LONGEST_STEP = 0.5;
/** Blur of each round's step and of the field itself, in samples: the field yields, but does not tear. */
const STEP_BLUR = 1;
const FIELD_BLUR = 1.3;
/** The border of the frame stays where it is; this share of the width further in, everything may move. */
const STILL_BORDER = 0.035;

/** Values of a feature map and their slopes: value, d/dx, d/dy of each map, sample by sample. */
interface SlopedMaps {
  readonly size: PlaneSize;
  readonly maps: number;
  readonly data: Float32Array;
}

/**
 * Finds the field by which two photos match best: from coarse to fine, each sample looks from both sides for
 * the direction in which its features agree more. After J.-P. Thirion, "Image matching as a diffusion process"
 * (Medical Image Analysis 2, 1998), in its symmetric form.
 * @param guide what faces ask for.
 */
export function solveField(
  from: PhotoFeatures,
  to: PhotoFeatures,
  size: PlaneSize,
  guide: Guide | undefined,
): Field {
  let field: Field | undefined;
  for (let level = ROUNDS.length - 1; level >= 0; level -= 1) {
    const shrunk = sizeAt(size, level);
    const scaledGuide = guide && scaleGuide(guide, shrunk);
    const start: Field = field
      ? scaleField(field, shrunk)
      : {
          size: shrunk,
          x: scaledGuide?.x.slice() ?? new Float32Array(shrunk.width * shrunk.height),
          y: scaledGuide?.y.slice() ?? new Float32Array(shrunk.width * shrunk.height),
        };
    const maps = [from, to].map((photo) => withSlopes(photo.maps, size, shrunk));
    const [left, right] = maps;
    if (left && right) improve(start, left, right, scaledGuide, ROUNDS[level] ?? 0);
    field = start;
  }
  return unfold(field ?? { size, x: new Float32Array(0), y: new Float32Array(0) });
}

function sizeAt(size: PlaneSize, level: number): PlaneSize {
  return {
    width: Math.max(SMALLEST_SIDE, Math.round(size.width / 2 ** level)),
    height: Math.max(SMALLEST_SIDE, Math.round(size.height / 2 ** level)),
  };
}

function scaleField(field: Field, size: PlaneSize): Field {
  return {
    size,
    x: resizePlane(field.x, field.size, size, size.width / field.size.width),
    y: resizePlane(field.y, field.size, size, size.height / field.size.height),
  };
}

function scaleGuide(guide: Guide, size: PlaneSize): Guide {
  return {
    ...scaleField(guide, size),
    strength: resizePlane(guide.strength, guide.size, size),
  };
}

/** Lets the field follow the photos, held together by its own stiffness, the guide and the still border. */
function improve(
  { size, x, y }: Field,
  from: SlopedMaps,
  to: SlopedMaps,
  guide: Guide | undefined,
  rounds: number,
): void {
  const step = { x: new Float32Array(x.length), y: new Float32Array(y.length) };
  const blurStep = createBlur(size, STEP_BLUR);
  const blurField = createBlur(size, FIELD_BLUR);
  const mobility = borderWindow(size);
  const obeyGuide = () => {
    if (!guide) return;
    pullTowards(x, guide.x, guide.strength);
    pullTowards(y, guide.y, guide.strength);
  };
  for (let round = 0; round < rounds; round += 1) {
    findStep(from, to, { size, x, y }, step);
    add(x, blurStep(step.x, step.x));
    add(y, blurStep(step.y, step.y));
    obeyGuide();
    blurField(x, x);
    blurField(y, y);
    obeyGuide();
    multiply(x, mobility);
    multiply(y, mobility);
  }
}

/** For each sample the direction in which both photos agree more, over all maps at once. */
function findStep(
  from: SlopedMaps,
  to: SlopedMaps,
  field: Field,
  step: { readonly x: Plane; readonly y: Plane },
): void {
  const { width, height } = field.size;
  const stride = 3 * from.maps;
  const down = stride * width;
  const A = from.data;
  const B = to.data;
  // Just inside, so that the next sample to the right and below exists.
  const maxX = width - 1.001;
  const maxY = height - 1.001;
  for (let y = 0, i = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, i += 1) {
      const vx = field.x[i] ?? 0;
      const vy = field.y[i] ?? 0;
      const ax = clamp(x - vx, 0, maxX);
      const ay = clamp(y - vy, 0, maxY);
      const bx = clamp(x + vx, 0, maxX);
      const by = clamp(y + vy, 0, maxY);
      const afx = ax - Math.floor(ax);
      const afy = ay - Math.floor(ay);
      const bfx = bx - Math.floor(bx);
      const bfy = by - Math.floor(by);
      const a00 = (1 - afx) * (1 - afy);
      const a01 = afx * (1 - afy);
      const a10 = (1 - afx) * afy;
      const a11 = afx * afy;
      const b00 = (1 - bfx) * (1 - bfy);
      const b01 = bfx * (1 - bfy);
      const b10 = (1 - bfx) * bfy;
      const b11 = bfx * bfy;
      let p = Math.floor(ay) * down + Math.floor(ax) * stride;
      let q = Math.floor(by) * down + Math.floor(bx) * stride;
      let stepX = 0;
      let stepY = 0;
      let steepness = 0.02;
      for (let map = 0; map < from.maps; map += 1, p += 3, q += 3) {
        const difference =
          mix(A, p, stride, down, a00, a01, a10, a11) - mix(B, q, stride, down, b00, b01, b10, b11);
        const slopeX =
          mix(A, p + 1, stride, down, a00, a01, a10, a11) +
          mix(B, q + 1, stride, down, b00, b01, b10, b11);
        const slopeY =
          mix(A, p + 2, stride, down, a00, a01, a10, a11) +
          mix(B, q + 2, stride, down, b00, b01, b10, b11);
        stepX += difference * slopeX;
        stepY += difference * slopeY;
        steepness += slopeX * slopeX + slopeY * slopeY + 0.25 * difference * difference;
      }
      stepX *= STEP / steepness;
      stepY *= STEP / steepness;
      const length = Math.sqrt(stepX * stepX + stepY * stepY);
      const shorten = length > LONGEST_STEP ? LONGEST_STEP / length : 1;
      step.x[i] = stepX * shorten;
      step.y[i] = stepY * shorten;
    }
  }
}

/** The weighted mean of four neighbouring samples. */
function mix(
  data: Float32Array,
  index: number,
  right: number,
  down: number,
  w00: number,
  w01: number,
  w10: number,
  w11: number,
): number {
  return (
    (data[index] ?? 0) * w00 +
    (data[index + right] ?? 0) * w01 +
    (data[index + down] ?? 0) * w10 +
    (data[index + down + right] ?? 0) * w11
  );
}

function withSlopes(maps: readonly Plane[], from: PlaneSize, size: PlaneSize): SlopedMaps {
  const { width, height } = size;
  const stride = 3 * maps.length;
  const data = new Float32Array(width * height * stride);
  const same = from.width === width && from.height === height;
  for (const [index, map] of maps.entries()) {
    const plane = same ? map : shrinkPlane(map, from, size);
    for (let y = 0, i = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1, i += 1) {
        const left = x > 0 ? i - 1 : i;
        const right = x < width - 1 ? i + 1 : i;
        const above = y > 0 ? i - width : i;
        const below = y < height - 1 ? i + width : i;
        const at = i * stride + 3 * index;
        data[at] = plane[i] ?? 0;
        data[at + 1] = ((plane[right] ?? 0) - (plane[left] ?? 0)) / 2;
        data[at + 2] = ((plane[below] ?? 0) - (plane[above] ?? 0)) / 2;
      }
    }
  }
  return { size, maps: maps.length, data };
}

/** How freely each sample may move: 0 on the border of the frame, 1 inside. */
export function borderWindow({ width, height }: PlaneSize): Plane {
  const depth = STILL_BORDER * width;
  return Float32Array.from({ length: width * height }, (_, i) => {
    const x = i % width;
    const y = Math.floor(i / width);
    return smoothStep(0, depth, Math.min(x, y, width - 1 - x, height - 1 - y));
  });
}

function pullTowards(plane: Plane, target: Plane, strength: Plane): void {
  for (let i = 0; i < plane.length; i += 1) {
    const value = plane[i] ?? 0;
    plane[i] = value + ((target[i] ?? 0) - value) * (strength[i] ?? 0);
  }
}

function add(plane: Plane, other: Plane): void {
  for (let i = 0; i < plane.length; i += 1) plane[i] = (plane[i] ?? 0) + (other[i] ?? 0);
}

function multiply(plane: Plane, factors: Plane): void {
  for (let i = 0; i < plane.length; i += 1) plane[i] = (plane[i] ?? 0) * (factors[i] ?? 0);
}
