import { clamp, createBlur, maxOf, type Plane, type PlaneSize } from './plane.ts';

/** The number of planes in `PhotoFeatures.maps`. */
export const FEATURE_COUNT = 6;

/** How much each kind of likeness counts when two photos are laid over each other. */
const WEIGHTS = { contrast: 0.35, colour: 0.8, edges: 0.5, salience: 1.2 };

/** What a photo looks like on the grid, in the terms by which two photos are matched. */
export interface PhotoFeatures {
  /** Weighted: lightness with local contrast evened out, L*, a*, b*, amount of detail, salience. */
  readonly maps: readonly Plane[];
  /** L*, a* and b* as they are, in hundredths. */
  readonly lab: readonly [Plane, Plane, Plane];
}

/** @param rgb three bytes a sample, of the size of the grid. */
export function describeFeatures(rgb: Uint8Array, size: PlaneSize): PhotoFeatures {
  const lab = toLab(rgb);
  const [lightness, a, b] = lab;
  const { contrast, colour, edges, salience } = WEIGHTS;
  return {
    lab,
    maps: [
      weighted(evenOutContrast(lightness, size), contrast),
      ...[lightness, a, b].map((plane) => weighted(plane, colour)),
      weighted(measureDetail(lightness, size), edges),
      weighted(measureSalience(lab, size), salience),
    ],
  };
}

function weighted(plane: Plane, weight: number): Plane {
  return plane.map((value) => value * weight);
}

/** CIE L*a*b* under D65, each divided by 100: https://www.w3.org/TR/css-color-4/#lab-colors */
function toLab(rgb: Uint8Array): [Plane, Plane, Plane] {
  const linear = Float32Array.from({ length: 256 }, (_, value) => toLinear(value / 255));
  const count = rgb.length / 3;
  const lab: [Plane, Plane, Plane] = [
    new Float32Array(count),
    new Float32Array(count),
    new Float32Array(count),
  ];
  for (let i = 0; i < count; i += 1) {
    const red = linear[rgb[3 * i] ?? 0] ?? 0;
    const green = linear[rgb[3 * i + 1] ?? 0] ?? 0;
    const blue = linear[rgb[3 * i + 2] ?? 0] ?? 0;
    const x = labCurve((0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505);
    const y = labCurve(0.2126 * red + 0.7152 * green + 0.0722 * blue);
    const z = labCurve((0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089);
    lab[0][i] = (116 * y - 16) / 100;
    lab[1][i] = 5 * (x - y);
    lab[2][i] = 2 * (y - z);
  }
  return lab;
}

function toLinear(value: number): number {
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}

function labCurve(value: number): number {
  return value > 0.008856 ? Math.cbrt(value) : 7.787 * value + 16 / 116;
}

/** Lightness against its surroundings, in standard deviations: the same in sun and in shade. */
function evenOutContrast(lightness: Plane, size: PlaneSize): Plane {
  const blur = createBlur(size, size.width / 20);
  const mean = blur(lightness);
  const variance = blur(lightness.map((value, i) => (value - (mean[i] ?? 0)) ** 2));
  return lightness.map((value, i) =>
    clamp((value - (mean[i] ?? 0)) / (Math.sqrt(variance[i] ?? 0) + 0.06), -2, 2),
  );
}

/** How much is going on around each sample: 0.25 on average, at most 1.5. */
function measureDetail(lightness: Plane, size: PlaneSize): Plane {
  const { width, height } = size;
  const gradient = new Float32Array(lightness.length);
  for (let y = 1; y < height - 1; y += 1) {
    for (let x = 1; x < width - 1; x += 1) {
      const i = y * width + x;
      gradient[i] = Math.hypot(
        (lightness[i + 1] ?? 0) - (lightness[i - 1] ?? 0),
        (lightness[i + width] ?? 0) - (lightness[i - width] ?? 0),
      );
    }
  }
  const detail = createBlur(size, width / 100)(gradient);
  const mean = detail.reduce((sum, value) => sum + value, 0) / detail.length;
  return detail.map((value) => Math.min(1.5, value / (4 * mean + 1e-3)));
}

/**
 * What stands out, from 0 to 1: colours far from those of the frame's border, more so near the middle. The
 * border mostly shows background (W. Zhu et al., "Saliency Optimization from Robust Background Detection",
 * CVPR 2014).
 */
function measureSalience(lab: readonly [Plane, Plane, Plane], size: PlaneSize): Plane {
  const { width, height } = size;
  const background = findBorderColours(lab, size);
  const raw = new Float32Array(width * height);
  for (let y = 0, i = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, i += 1) {
      const colour = colourAt(lab, i);
      const distance = Math.min(...background.map((each) => colourDistance(each, colour, 0.7)));
      const offCentre = (x / width - 0.5) ** 2 + (y / height - 0.5) ** 2;
      raw[i] = distance * Math.exp(-2 * offCentre);
    }
  }
  const smooth = createBlur(size, width / 40)(raw);
  const scale = 1 / (maxOf(smooth) || 1);
  return smooth.map((value) => value * scale);
}

type Colour = readonly [number, number, number];

const BORDER_COLOURS = 4;
const BORDER_ROUNDS = 6;

/** The main colours along the left, right and upper border, by k-means. */
function findBorderColours(lab: readonly [Plane, Plane, Plane], size: PlaneSize): Colour[] {
  const { width, height } = size;
  const depth = Math.max(2, Math.floor(width * 0.04));
  const border: number[] = [];
  for (let i = 0; i < width * height; i += 1) {
    const x = i % width;
    if (x < depth || x >= width - depth || i < depth * width) border.push(i);
  }
  let centres = Array.from({ length: BORDER_COLOURS }, (_, k) =>
    colourAt(lab, border[Math.floor(((k + 0.5) / BORDER_COLOURS) * border.length)] ?? 0),
  );
  for (let round = 0; round < BORDER_ROUNDS; round += 1)
    centres = moveCentres(lab, border, centres);
  return centres;
}

function moveCentres(
  lab: readonly [Plane, Plane, Plane],
  samples: readonly number[],
  centres: readonly Colour[],
): Colour[] {
  const sums = centres.map(() => ({ colour: [0, 0, 0] as [number, number, number], count: 0 }));
  for (const i of samples) {
    const colour = colourAt(lab, i);
    const distances = centres.map((centre) => colourDistance(centre, colour));
    const sum = sums[distances.indexOf(Math.min(...distances))];
    if (!sum) continue;
    for (const c of [0, 1, 2] as const) sum.colour[c] += colour[c];
    sum.count += 1;
  }
  return sums.map(({ colour: [l, a, b], count }, k) =>
    count ? [l / count, a / count, b / count] : (centres[k] ?? [0, 0, 0]),
  );
}

function colourAt([l, a, b]: readonly [Plane, Plane, Plane], i: number): Colour {
  return [l[i] ?? 0, a[i] ?? 0, b[i] ?? 0];
}

function colourDistance(p: Colour, q: Colour, lightnessWeight = 1): number {
  return Math.hypot(lightnessWeight * (p[0] - q[0]), p[1] - q[1], p[2] - q[2]);
}
