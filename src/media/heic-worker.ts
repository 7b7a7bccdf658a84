import { readFile } from 'node:fs/promises';
import { parentPort, workerData } from 'node:worker_threads';
import decode from 'heic-decode';

export interface HeicTask {
  readonly path: string;
  /** The picture's colours are Display P3, not sRGB. */
  readonly displayP3: boolean;
}

export interface RgbaPicture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray<ArrayBuffer>;
}

/** `refused`: the decoder says that the picture is broken. */
export type HeicAnswer = RgbaPicture | 'refused';

const { path, displayP3 }: HeicTask = workerData;
const buffer = await readFile(path);
const picture = await decode({ buffer }).catch((error: unknown) => {
  // Out of memory, in JavaScript or in the decoder: this is no judgement.
  if (error instanceof Error && /^(?:Range|Runtime)Error$/.test(error.name)) throw error;
  return undefined;
});
if (picture) {
  const { width, height, data } = picture;
  if (displayP3) toSrgb(data);
  const answer: HeicAnswer = { width, height, data };
  parentPort?.postMessage(answer, [data.buffer]);
} else {
  const answer: HeicAnswer = 'refused';
  parentPort?.postMessage(answer);
}

/**
 * Phones store HEIC in Display P3, and the decoder hands over its numbers as they are: taken for sRGB
 * they look faded. Both spaces share one transfer curve, so a matrix on linear light is all it takes.
 */
function toSrgb(rgba: Uint8ClampedArray): void {
  const linear = Float64Array.from({ length: 256 }, (_, value) => toLinear(value / 255));
  const steps = 4095;
  const encoded = Uint8ClampedArray.from({ length: steps + 1 }, (_, step) =>
    Math.round(255 * toEncoded(step / steps)),
  );
  const at = (value: number) => linear[value] ?? 0;
  const encode = (light: number) =>
    encoded[Math.round(Math.min(1, Math.max(0, light)) * steps)] ?? 0;
  for (let i = 0; i < rgba.length; i += 4) {
    const r = at(rgba[i] ?? 0);
    const g = at(rgba[i + 1] ?? 0);
    const b = at(rgba[i + 2] ?? 0);
    // Display P3 to sRGB, both D65: https://www.w3.org/TR/css-color-4/#color-conversion-code
    rgba[i] = encode(1.2249402 * r - 0.2249402 * g);
    rgba[i + 1] = encode(-0.0420569 * r + 1.0420569 * g);
    rgba[i + 2] = encode(-0.0196376 * r - 0.0786361 * g + 1.0982736 * b);
  }
}

function toLinear(value: number): number {
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}

function toEncoded(light: number): number {
  return light <= 0.0031308 ? light * 12.92 : 1.055 * light ** (1 / 2.4) - 0.055;
}
