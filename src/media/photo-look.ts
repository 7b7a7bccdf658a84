import sharp from 'sharp';
import type { Region } from '../domain/canvas.ts';
import { type PhotoLook, THUMB_SIDE } from '../domain/photo-look.ts';
import { freeMemory } from './free-memory.ts';
import type { FaceBox, RgbPicture } from './morpher/morpher.ts';

/** Photos are looked at in this size; larger ones would only take longer. In pixels. */
const LOOK_SIDE = 640;
/** Sharpness is that of the best tile: a soft background is meant so. */
const TILES = 4;
/** Weights of red, green and blue in luma: https://www.itu.int/rec/R-REC-BT.709. */
const LUMA = [0.2126, 0.7152, 0.0722] as const;

/** Finds the faces of an upright picture, in its pixels; undefined when nobody can look for them. */
export type FindFaces = (picture: RgbPicture) => Promise<readonly FaceBox[] | undefined>;

/** Looks at a photo: its faces, and whether it is sharp and bright. */
export async function lookAtPhoto(
  picture: RgbPicture,
  findFaces: FindFaces | undefined,
): Promise<PhotoLook> {
  const { data, info } = await sharp(picture.data, rawOf(picture))
    .resize({ width: LOOK_SIDE, height: LOOK_SIDE, fit: 'inside', withoutEnlargement: true })
    .raw()
    .toBuffer({ resolveWithObject: true });
  const small = { data, width: info.width, height: info.height };
  const thumb = await sharp(data, rawOf(small))
    .resize(THUMB_SIDE, THUMB_SIDE, { fit: 'fill' })
    .raw()
    .toBuffer();
  const found = await findFaces?.(small);
  const luma = lumaOf(small);
  freeMemory(data);
  return {
    faces: found?.map((box) => inShares(box, small)) ?? null,
    sharpness: sharpestTile(luma, small.width, small.height),
    brightness: mean(luma),
    thumb: thumb.toString('base64'),
  };
}

function rawOf({ width, height }: RgbPicture) {
  return { raw: { width, height, channels: 3 } } as const;
}

function inShares(box: FaceBox, { width, height }: RgbPicture): Region {
  const left = Math.max(0, box.x / width);
  const top = Math.max(0, box.y / height);
  const right = Math.min(1, (box.x + box.width) / width);
  const bottom = Math.min(1, (box.y + box.height) / height);
  return { x: left, y: top, width: right - left, height: bottom - top };
}

function lumaOf({ data, width, height }: RgbPicture): Float32Array {
  const luma = new Float32Array(width * height);
  for (let pixel = 0, at = 0; pixel < luma.length; pixel += 1, at += 3) {
    luma[pixel] =
      LUMA[0] * (data[at] ?? 0) + LUMA[1] * (data[at + 1] ?? 0) + LUMA[2] * (data[at + 2] ?? 0);
  }
  return luma;
}

/** Counted by hand: `reduce` and `for of` take over ten times as long. */
function mean(values: Float32Array): number {
  let sum = 0;
  for (let index = 0; index < values.length; index += 1) sum += values[index] ?? 0;
  return sum / values.length;
}

/** The largest variance of the Laplacian among `TILES`² tiles. */
function sharpestTile(luma: Float32Array, width: number, height: number): number {
  let best = 0;
  for (let row = 0; row < TILES; row += 1) {
    for (let column = 0; column < TILES; column += 1) {
      const tile = {
        left: Math.max(1, Math.floor((column * width) / TILES)),
        right: Math.min(width - 1, Math.floor(((column + 1) * width) / TILES)),
        top: Math.max(1, Math.floor((row * height) / TILES)),
        bottom: Math.min(height - 1, Math.floor(((row + 1) * height) / TILES)),
      };
      best = Math.max(best, laplacianVariance(luma, width, tile));
    }
  }
  return best;
}

interface Tile {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Detail makes the second derivative vary: https://doi.org/10.1109/ICPR.2000.903548. */
function laplacianVariance(luma: Float32Array, width: number, tile: Tile): number {
  let sum = 0;
  let squares = 0;
  let count = 0;
  const at = (index: number) => luma[index] ?? 0;
  for (let y = tile.top; y < tile.bottom; y += 1) {
    for (let x = tile.left; x < tile.right; x += 1) {
      const i = y * width + x;
      const value = at(i - width) + at(i + width) + at(i - 1) + at(i + 1) - 4 * at(i);
      sum += value;
      squares += value * value;
      count += 1;
    }
  }
  return count === 0 ? 0 : squares / count - (sum / count) ** 2;
}
