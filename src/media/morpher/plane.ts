/** A rectangle of samples, stored row by row. */
export interface PlaneSize {
  readonly width: number;
  readonly height: number;
}

/** One number for each sample of a rectangle. */
export type Plane = Float32Array<ArrayBufferLike>;

/** Smooths a plane into another one, which may be the same; returns the second. */
export type Blur = (from: Plane, into?: Plane) => Plane;

const KERNEL_REACH = 2.5;

/**
 * A Gaussian blur of planes of one size, the outermost samples repeated beyond the border.
 * @param sigma in samples.
 */
export function createBlur({ width, height }: PlaneSize, sigma: number): Blur {
  const kernel = gaussianKernel(sigma);
  const reach = (kernel.length - 1) / 2;
  const rows = new Float32Array(width * height);
  return (from, into = new Float32Array(width * height)) => {
    for (let y = 0; y < height; y += 1) blurRow(from, y * width);
    for (let y = 0; y < height; y += 1) blurColumns(into, y);
    return into;
  };

  function blurRow(from: Plane, start: number): void {
    for (let x = 0; x < width; x += 1) {
      let sum = 0;
      if (x >= reach && x < width - reach) {
        const first = start + x - reach;
        for (let k = 0; k < kernel.length; k += 1) sum += (kernel[k] ?? 0) * (from[first + k] ?? 0);
      } else {
        for (let k = 0; k < kernel.length; k += 1) {
          sum += (kernel[k] ?? 0) * (from[start + clamp(x + k - reach, 0, width - 1)] ?? 0);
        }
      }
      rows[start + x] = sum;
    }
  }

  /** One row of the result from the rows around it: memory is walked in its order. */
  function blurColumns(into: Plane, y: number): void {
    const start = y * width;
    into.fill(0, start, start + width);
    for (let k = 0; k < kernel.length; k += 1) {
      const weight = kernel[k] ?? 0;
      const source = clamp(y + k - reach, 0, height - 1) * width;
      for (let x = 0; x < width; x += 1) {
        into[start + x] = (into[start + x] ?? 0) + weight * (rows[source + x] ?? 0);
      }
    }
  }
}

/** The value between samples, by bilinear interpolation; beyond the border the nearest one. */
export function sampleAt(plane: Plane, { width, height }: PlaneSize, x: number, y: number): number {
  const px = clamp(x, 0, width - 1);
  const py = clamp(y, 0, height - 1);
  const left = Math.floor(px);
  const top = Math.floor(py);
  const fx = px - left;
  const fy = py - top;
  const right = left < width - 1 ? 1 : 0;
  const i = top * width + left;
  const j = top < height - 1 ? i + width : i;
  const upper = (plane[i] ?? 0) * (1 - fx) + (plane[i + right] ?? 0) * fx;
  const lower = (plane[j] ?? 0) * (1 - fx) + (plane[j + right] ?? 0) * fx;
  return upper * (1 - fy) + lower * fy;
}

/** A plane brought to another size by interpolation, its values multiplied by `factor`. */
export function resizePlane(plane: Plane, from: PlaneSize, to: PlaneSize, factor = 1): Plane {
  const resized = new Float32Array(to.width * to.height);
  const stepX = from.width / to.width;
  const stepY = from.height / to.height;
  for (let y = 0, i = 0; y < to.height; y += 1) {
    const sourceY = (y + 0.5) * stepY - 0.5;
    for (let x = 0; x < to.width; x += 1, i += 1) {
      resized[i] = factor * sampleAt(plane, from, (x + 0.5) * stepX - 0.5, sourceY);
    }
  }
  return resized;
}

/** A plane brought to a smaller size; what is finer than the new samples is smoothed away first. */
export function shrinkPlane(plane: Plane, from: PlaneSize, to: PlaneSize): Plane {
  const sigma = Math.max(0.3, (0.45 * from.width) / to.width);
  return resizePlane(createBlur(from, sigma)(plane), from, to);
}

/** The largest value of a plane. */
export function maxOf(plane: Plane): number {
  return plane.reduce((max, value) => Math.max(max, value), Number.NEGATIVE_INFINITY);
}

export function clamp(value: number, min: number, max: number): number {
  return value < min ? min : value > max ? max : value;
}

/** Rises smoothly from 0 at `from` to 1 at `to`. */
export function smoothStep(from: number, to: number, value: number): number {
  const x = clamp((value - from) / (to - from), 0, 1);
  return x * x * (3 - 2 * x);
}

function gaussianKernel(sigma: number): Float32Array {
  const reach = Math.max(1, Math.ceil(sigma * KERNEL_REACH));
  const kernel = Float32Array.from({ length: 2 * reach + 1 }, (_, k) =>
    Math.exp(-((k - reach) ** 2) / (2 * sigma * sigma)),
  );
  const sum = kernel.reduce((total, weight) => total + weight, 0);
  return kernel.map((weight) => weight / sum);
}
