import { stat } from 'node:fs/promises';
import sharp, { type Sharp, type SharpOptions } from 'sharp';
import { z } from 'zod';
import { MAX_PICTURE_PIXELS } from '../domain/skip-reason.ts';
import { createLimiter } from './concurrency.ts';
import { sniffFile } from './picture-format.ts';
import { writeWhole } from './storage.ts';

/** Telegram's limits for photos: https://core.telegram.org/bots/api#sendphoto. */
const PHOTO_BYTES = 10_000_000;
const PHOTO_RATIO = 20;
/** No chat shows more. Two such sides are far from the 10000 px that both may have together. */
const PHOTO_SIDE = 2560;
const BEST_QUALITY = 92;
/** Tried where a photo is too large; pure noise, the worst there is, takes 4 MB at the first of them. */
const LESSER_QUALITIES = [80, 60, 40];
/** Fills what is transparent, and what a picture lacks to an allowed ratio. */
const PAPER = '#ffffff';

const DECODE: SharpOptions = { failOn: 'error', limitInputPixels: MAX_PICTURE_PIXELS };
/** A large picture takes up to 250 MB while it is decoded. */
const DECODES_AT_ONCE = 2;

/** What a picture that a model made is. */
export const imageInfoSchema = z.object({
  /** Pixels as it is looked at, its orientation applied. */
  width: z.number(),
  height: z.number(),
  /** By its bytes, whatever its name says. */
  format: z.enum(['jpeg', 'png', 'webp']),
  sizeBytes: z.number(),
});
export type ImageInfo = z.infer<typeof imageInfoSchema>;

/** The picture is none, damaged, or too large to be decoded: trying again is of no use. */
export class BrokenImageError extends Error {
  readonly retryable = false;

  constructor(reason: string, options?: ErrorOptions) {
    super(`The picture is of no use: ${reason}`, options);
    this.name = 'BrokenImageError';
  }
}

export interface ChatPhotoJob {
  readonly input: string;
  readonly output: string;
  readonly signal?: AbortSignal | undefined;
}

/** Everything done to pictures that models made; two of them are in work at once. */
export interface Images {
  /**
   * What a picture is, after all of it has been decoded.
   * @throws BrokenImageError when it is no JPEG, PNG or WebP, has too many pixels, or is damaged.
   */
  checkImage(path: string): Promise<ImageInfo>;
  /**
   * The picture as a photo that a chat takes: a JPEG in sRGB without metadata, of at most 10 MB, at most
   * 2560 px a side (smaller ones are not enlarged), padded where it is more than 20 times as long as wide.
   * Written whole or not at all.
   * @throws BrokenImageError as `checkImage`; StorageFullError.
   */
  toChatPhoto(job: ChatPhotoJob): Promise<ImageInfo>;
}

/** @see Images */
export function createImages(): Images {
  const limit = createLimiter(DECODES_AT_ONCE);
  // Files are read once, and the cache would hold their pixels.
  sharp.cache(false);

  return {
    checkImage: (path) =>
      limit(async () => {
        const header = await readHeader(path);
        // Every row is decoded, and none kept.
        await decode(sharp(path, DECODE).resize(16, 16, { fit: 'fill' }));
        return { ...header, sizeBytes: (await stat(path)).size };
      }),

    toChatPhoto: ({ input, output, signal }) =>
      limit(async () => {
        signal?.throwIfAborted();
        await readHeader(input);
        const picture = await decode(shrink(sharp(input, DECODE)));
        signal?.throwIfAborted();
        const { data, info } = await encode(picture);
        await writeWhole(output, data);
        return { width: info.width, height: info.height, format: 'jpeg', sizeBytes: data.length };
      }),
  };
}

type Encoded = Awaited<ReturnType<typeof toBuffer>>;

/** The size and format of a picture, which may be decoded. */
async function readHeader(path: string): Promise<Omit<ImageInfo, 'sizeBytes'>> {
  const format = await sniffFile(path);
  if (!format || format === 'heic') throw new BrokenImageError('not a JPEG, PNG or WebP');
  const { autoOrient } = await sharp(path, { ...DECODE, limitInputPixels: false })
    .metadata()
    .catch((cause: unknown) => {
      throw new BrokenImageError('its header is damaged', { cause });
    });
  const { width, height } = autoOrient;
  if (width * height > MAX_PICTURE_PIXELS) throw new BrokenImageError('too many pixels');
  return { width, height, format };
}

async function decode(image: Sharp): Promise<Encoded> {
  try {
    return await toBuffer(image.raw());
  } catch (cause) {
    throw new BrokenImageError('it is damaged', { cause });
  }
}

function shrink(image: Sharp): Sharp {
  return image
    .autoOrient()
    .flatten({ background: PAPER })
    .resize(PHOTO_SIDE, PHOTO_SIDE, { fit: 'inside', withoutEnlargement: true })
    .removeAlpha()
    .toColourspace('srgb');
}

/** The picture as a JPEG, of the best quality that is small enough. */
async function encode({ data, info }: Encoded): Promise<Encoded> {
  const { width, height } = info;
  const missing = {
    width: Math.max(0, Math.ceil(height / PHOTO_RATIO) - width),
    height: Math.max(0, Math.ceil(width / PHOTO_RATIO) - height),
  };
  const jpeg = (quality: number) =>
    toBuffer(
      sharp(data, { raw: { width, height, channels: 3 } })
        .extend({
          left: Math.floor(missing.width / 2),
          right: Math.ceil(missing.width / 2),
          top: Math.floor(missing.height / 2),
          bottom: Math.ceil(missing.height / 2),
          background: PAPER,
        })
        .jpeg({ quality, chromaSubsampling: quality > 90 ? '4:4:4' : '4:2:0' }),
    );
  let photo = await jpeg(BEST_QUALITY);
  for (const quality of LESSER_QUALITIES) {
    if (photo.data.length <= PHOTO_BYTES) break;
    photo = await jpeg(quality);
  }
  return photo;
}

function toBuffer(image: Sharp) {
  return image.toBuffer({ resolveWithObject: true });
}
