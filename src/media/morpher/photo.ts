import { describeFeatures, type PhotoFeatures } from './features.ts';
import { createBlur, type Plane, type PlaneSize } from './plane.ts';
import { chromaOf, frameBytes, lumaOf, writeYuv, type YuvFrame } from './yuv.ts';

/** Samples along the longer side of the grid on which photos are matched. */
const GRID_SIDE = 160;
/** What is coarser than this is the broad tone of a photo, in samples of the grid. */
const TONE_BLUR = 1.2;

/** A photo made ready to be matched and drawn. All of it is in shared memory. */
export interface Photo {
  /** At the size of the clip. */
  readonly frame: YuvFrame;
  readonly features: PhotoFeatures;
  /** Broad tones on the grid: Y, U, V. */
  readonly tones: Tones;
}

export type Tones = readonly [Plane, Plane, Plane];

export interface RgbPhoto {
  /** Of the size of the clip. */
  readonly pixels: Uint8Array;
  /** The same photo at the size of the grid. */
  readonly samples: Uint8Array;
}

/** The grid of a clip. */
export function gridOf({ width, height }: PlaneSize): PlaneSize {
  const scale = GRID_SIDE / Math.max(width, height);
  return { width: Math.round(width * scale), height: Math.round(height * scale) };
}

/** @param size of the clip. */
export function describePhoto({ pixels, samples }: RgbPhoto, size: PlaneSize): Photo {
  const grid = gridOf(size);
  const frame = new Uint8Array(new SharedArrayBuffer(frameBytes(size)));
  writeYuv(pixels, size, frame);
  const { maps, lab } = describeFeatures(samples, grid);
  const [l, a, b] = lab;
  const [y, u, v] = takeTones(samples, grid);
  return {
    frame,
    features: { maps: maps.map(share), lab: [share(l), share(a), share(b)] },
    tones: [share(y), share(u), share(v)],
  };
}

function takeTones(samples: Uint8Array, grid: PlaneSize): Tones {
  const count = grid.width * grid.height;
  const y = new Float32Array(count);
  const u = new Float32Array(count);
  const v = new Float32Array(count);
  for (let i = 0; i < count; i += 1) {
    const red = samples[3 * i] ?? 0;
    const green = samples[3 * i + 1] ?? 0;
    const blue = samples[3 * i + 2] ?? 0;
    y[i] = lumaOf(red, green, blue);
    [u[i], v[i]] = chromaOf(red, green, blue);
  }
  const blur = createBlur(grid, TONE_BLUR);
  return [blur(y), blur(u), blur(v)];
}

/** A copy that all threads of the process see. */
export function share(plane: Plane): Plane {
  const copy = new Float32Array(new SharedArrayBuffer(plane.byteLength));
  copy.set(plane);
  return copy;
}
