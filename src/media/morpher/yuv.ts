import type { PlaneSize } from './plane.ts';

/**
 * A picture as video stores it, BT.709 in the range of television: all of Y, then U, then V, the latter two at
 * half the size. What ffmpeg calls yuv420p. Width and height are even.
 */
export type YuvFrame = Uint8Array<ArrayBufferLike>;

/** One of the three planes of a frame. */
export interface YuvPlane extends PlaneSize {
  readonly offset: number;
}

/** Where the planes of a frame are: Y, U, V. */
export function planesOf({ width, height }: PlaneSize): [YuvPlane, YuvPlane, YuvPlane] {
  const half = { width: width / 2, height: height / 2 };
  const luma = width * height;
  return [
    { width, height, offset: 0 },
    { ...half, offset: luma },
    { ...half, offset: luma + half.width * half.height },
  ];
}

/** In bytes. */
export function frameBytes({ width, height }: PlaneSize): number {
  return (width * height * 3) / 2;
}

/** https://www.itu.int/rec/R-REC-BT.709: shares of red, green and blue in the lightness. */
const RED = 0.2126;
const GREEN = 0.7152;
const BLUE = 0.0722;
const LUMA_RANGE = 219 / 255;
const CHROMA_RANGE = 224 / 255;

/** @returns Y, from 16 to 235. */
export function lumaOf(red: number, green: number, blue: number): number {
  return 16 + LUMA_RANGE * (RED * red + GREEN * green + BLUE * blue);
}

/** @returns U and V, from 16 to 240. */
export function chromaOf(red: number, green: number, blue: number): [u: number, v: number] {
  const grey = RED * red + GREEN * green + BLUE * blue;
  return [
    128 + (CHROMA_RANGE * (blue - grey)) / (2 * (1 - BLUE)),
    128 + (CHROMA_RANGE * (red - grey)) / (2 * (1 - RED)),
  ];
}

/**
 * Turns RGB into a frame.
 * @param rgb three bytes a pixel.
 */
export function writeYuv(rgb: Uint8Array, size: PlaneSize, frame: YuvFrame): void {
  const [luma, u, v] = planesOf(size);
  for (let i = 0, p = 0; i < u.offset; i += 1, p += 3) {
    frame[luma.offset + i] = Math.round(lumaOf(rgb[p] ?? 0, rgb[p + 1] ?? 0, rgb[p + 2] ?? 0));
  }
  const down = 3 * size.width;
  // The mean colour of each two by two pixels.
  const mean = (p: number) =>
    ((rgb[p] ?? 0) + (rgb[p + 3] ?? 0) + (rgb[p + down] ?? 0) + (rgb[p + down + 3] ?? 0)) / 4;
  for (let y = 0, i = 0; y < u.height; y += 1) {
    for (let x = 0; x < u.width; x += 1, i += 1) {
      const p = 2 * y * down + 6 * x;
      const red = mean(p);
      const green = mean(p + 1);
      const blue = mean(p + 2);
      const [cb, cr] = chromaOf(red, green, blue);
      frame[u.offset + i] = Math.round(cb);
      frame[v.offset + i] = Math.round(cr);
    }
  }
}
