import { readFile } from 'node:fs/promises';
import sharp, { type JpegOptions, type Metadata, type Sharp, type SharpOptions } from 'sharp';
import { type Canvas, chooseCrop, type PictureSize, type Region } from '../domain/canvas.ts';
import type { PhotoLook } from '../domain/photo-look.ts';
import { MAX_PICTURE_PIXELS } from '../domain/skip-reason.ts';
import { createLimiter } from './concurrency.ts';
import { freeMemory } from './free-memory.ts';
import { createHeicDecoder } from './heic.ts';
import { type FindFaces, lookAtPhoto } from './photo-look.ts';
import { type PictureFormat, sniffFile } from './picture-format.ts';
import { isProvenWhole } from './picture-structure.ts';

/** Transparent pictures stand on this. */
const PAPER = '#ffffff';
/** The backdrop of a padded picture is blurred at this fraction of its size: quick, and soft enough. */
const BACKDROP_SCALE = 1 / 8;
const BACKDROP_BLUR = 6;
const BACKDROP_BRIGHTNESS = 0.75;

const DECODE: SharpOptions = { failOn: 'error', limitInputPixels: MAX_PICTURE_PIXELS };

/** Where so many faces are found, others are too small to be: nothing of such a picture is cut off. */
const CROWD = 30;

/** A large photo takes up to 250 MB while it is decoded. */
const DECODES_AT_ONCE = 2;

/** What was decoded takes 8 MB: while some are looked at and written, the next are decoded. */
const RENDERS_AT_ONCE = 4;

/** An RGB picture, eight bits a channel. */
export interface RawPicture {
  readonly data: Buffer;
  readonly width: number;
  readonly height: number;
}

/** The picture itself is damaged: trying again is of no use. */
export class BrokenPictureError extends Error {
  constructor(options?: ErrorOptions) {
    super('The picture cannot be decoded', options);
    this.name = 'BrokenPictureError';
  }
}

/** Decodes pictures of every accepted format, two at once however often it is asked. */
export interface PictureReader {
  /**
   * Size in pixels as the picture is looked at, from the header alone.
   * @throws Error when the header is broken.
   */
  readSize(path: string): Promise<PictureSize>;
  /**
   * Makes sure that nothing of a picture is missing: by its structure where that tells, else by decoding
   * every row. Damage in its middle may pass until it is rendered.
   * @throws Error when it is broken or cut short.
   */
  proveWhole(path: string, format: PictureFormat): Promise<void>;
  /**
   * A picture brought to exactly `canvas`: upright, in sRGB, without transparency; cut to fill it, or shown
   * whole over a blurred copy of itself when the cut would take too much.
   * @throws BrokenPictureError when it cannot be decoded.
   */
  renderOnCanvas(path: string, canvas: Canvas): Promise<RawPicture>;
  /**
   * The same as a JPEG, cut around its faces, and how the photo looks.
   * @throws BrokenPictureError when it cannot be decoded.
   */
  renderJpeg(
    path: string,
    canvas: Canvas,
    options: JpegOptions,
  ): Promise<{ readonly jpeg: Buffer; readonly look: PhotoLook }>;
}

/** @see PictureReader */
export function createPictureReader(findFaces: FindFaces | undefined): PictureReader {
  const limit = createLimiter(DECODES_AT_ONCE);
  const limitRenders = createLimiter(RENDERS_AT_ONCE);
  const decodeHeic = createHeicDecoder();
  // Files are read once, and the cache would hold their pixels.
  sharp.cache(false);

  return {
    async readSize(path) {
      return (await readHeader(path)).autoOrient;
    },

    async proveWhole(path, format) {
      if (await isProvenWhole(path, format)) return;
      await limit(async () => {
        if (format === 'heic') await openHeic(path);
        else await sharp(path, DECODE).resize(16, 16, { fit: 'fill' }).raw().toBuffer();
      });
    },

    renderOnCanvas: (path, canvas) =>
      limit(async () => {
        const { decoded, size } = await decode(path, canvas);
        return toRaw(await placeOnCanvas(decoded, chooseCrop(size, canvas, []), canvas));
      }),

    renderJpeg: (path, canvas, options) =>
      limitRenders(async () => {
        const { decoded, size } = await limit(() => decode(path, canvas));
        const look = await lookAtPhoto(decoded, findFaces);
        const faces = look.faces ?? [];
        const window = faces.length < CROWD ? chooseCrop(size, canvas, faces) : undefined;
        const placed = await placeOnCanvas(decoded, window, canvas);
        const jpeg = await inSrgb(placed).jpeg(options).toBuffer();
        freeMemory(decoded.data);
        return { jpeg, look };
      }),
  };

  async function decode(path: string, canvas: Canvas) {
    try {
      const { image, size } = await openPicture(path);
      return { decoded: await decodeFor(image, size, canvas), size };
    } catch (cause) {
      throw await blame(path, cause);
    }
  }

  async function openPicture(path: string): Promise<{ image: Sharp; size: PictureSize }> {
    if ((await sniffFile(path)) === 'heic') return openHeic(path);
    const { autoOrient: size } = await readHeader(path);
    return { image: sharp(path, DECODE).autoOrient(), size };
  }

  async function openHeic(path: string): Promise<{ image: Sharp; size: PictureSize }> {
    const header = await readHeader(path);
    const picture = await decodeHeic({ path, displayP3: isDisplayP3(header.icc) });
    if (!picture) throw new Error('The HEIC picture cannot be decoded');
    const { width, height, data } = picture;
    const image = sharp(data, { ...DECODE, raw: { width, height, channels: 4 } });
    return { image, size: { width, height } };
  }
}

/**
 * What to throw when a picture cannot be decoded: a BrokenPictureError, or what this machine is to blame for,
 * which the file system and Node tell by a code. To libvips a file that it cannot read is a broken picture
 * like any other, so the file is read once more.
 */
export async function blame(path: string, cause: unknown): Promise<Error> {
  const reading = hasCode(cause) ? cause : await readFile(path).catch((error: unknown) => error);
  // A file that is gone will not come back.
  return hasCode(reading) && reading.code !== 'ENOENT'
    ? reading
    : new BrokenPictureError({ cause });
}

function hasCode(error: unknown): error is Error & { readonly code: unknown } {
  return error instanceof Error && 'code' in error;
}

/** A raw picture as a sharp pipeline. */
function fromRaw({ data, width, height }: RawPicture): Sharp {
  return sharp(data, { raw: { width, height, channels: 3 } });
}

/** The header of a picture of any size: nothing is decoded. */
function readHeader(path: string): Promise<Metadata> {
  return sharp(path, { ...DECODE, limitInputPixels: false }).metadata();
}

/**
 * Whether a colour profile is Display P3, by the X of its red (0.515 there, 0.436 in sRGB, 0.610 in Adobe
 * RGB): names differ from maker to maker. Layout: https://www.color.org/specification/ICC.1-2022-05.pdf, 7.3.
 */
function isDisplayP3(profile: Buffer | undefined): boolean {
  if (!profile || profile.length < 132) return false;
  const end = Math.min(132 + 12 * profile.readUInt32BE(128), profile.length - 12);
  for (let tag = 132; tag <= end; tag += 12) {
    if (profile.toString('latin1', tag, tag + 4) !== 'rXYZ') continue;
    const value = profile.readUInt32BE(tag + 4) + 8;
    if (value + 4 > profile.length) return false;
    const x = profile.readInt32BE(value) / 0x10000;
    return x > 0.49 && x < 0.54;
  }
  return false;
}

/**
 * Decodes a picture once, no larger than its canvas needs it whichever way it will be placed. Against the
 * usual Lanczos kernel this one saves a tenth of the time, for a difference far below what the JPEG loses.
 */
function decodeFor(image: Sharp, size: PictureSize, canvas: Canvas): Promise<RawPicture> {
  const fit = chooseCrop(size, canvas, []) ? 'outside' : 'inside';
  const { width, height } = canvas;
  return toRaw(
    image.flatten({ background: PAPER }).resize({ width, height, fit, kernel: 'cubic' }),
  );
}

async function placeOnCanvas(
  picture: RawPicture,
  window: Region | undefined,
  canvas: Canvas,
): Promise<Sharp> {
  const { width, height } = canvas;
  if (!window)
    return pad(await toRaw(fromRaw(picture).resize({ width, height, fit: 'inside' })), canvas);
  const left = Math.min(Math.round(window.x * picture.width), picture.width - width);
  const top = Math.min(Math.round(window.y * picture.height), picture.height - height);
  return fromRaw(picture).extract({ left, top, width, height });
}

async function pad(picture: RawPicture, canvas: Canvas): Promise<Sharp> {
  const small = {
    width: Math.max(1, Math.round(canvas.width * BACKDROP_SCALE)),
    height: Math.max(1, Math.round(canvas.height * BACKDROP_SCALE)),
  };
  const backdrop = await toRaw(
    fromRaw(picture)
      .resize({ ...small, fit: 'cover' })
      .blur(BACKDROP_BLUR)
      .linear(BACKDROP_BRIGHTNESS, 0),
  );
  const { data, ...raw } = picture;
  return fromRaw(backdrop)
    .resize({ width: canvas.width, height: canvas.height, fit: 'fill' })
    .composite([{ input: data, raw: { ...raw, channels: 3 } }]);
}

async function toRaw(image: Sharp): Promise<RawPicture> {
  const { data, info } = await inSrgb(image).raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}

function inSrgb(image: Sharp): Sharp {
  return image.removeAlpha().toColourspace('srgb');
}
