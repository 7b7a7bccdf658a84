import sharp from 'sharp';
import type { RgbPicture } from './morpher.ts';

/** Faces are looked for in pictures of at most this side, in pixels: a larger one only takes memory. */
const DETECTION_SIDE = 960;

/** A picture small enough to look for faces in, and how many pixels of the original each of its pixels is. */
export async function shrinkForDetection(
  picture: RgbPicture,
): Promise<{ readonly picture: RgbPicture; readonly scale: number }> {
  const { width, height } = picture;
  const scale = Math.max(width, height) / DETECTION_SIDE;
  if (scale <= 1) return { picture, scale: 1 };
  const size = { width: Math.round(width / scale), height: Math.round(height / scale) };
  const data = await sharp(picture.data, { raw: { width, height, channels: 3 } })
    .resize({ ...size, fit: 'fill' })
    .raw()
    .toBuffer();
  return { picture: { data, ...size }, scale };
}
