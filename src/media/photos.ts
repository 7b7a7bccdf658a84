import type { Canvas, PictureSize } from '../domain/canvas.ts';
import type { PhotoLook } from '../domain/photo-look.ts';
import { MAX_PICTURE_PIXELS, MIN_PICTURE_SIDE, type SkipReason } from '../domain/skip-reason.ts';
import { drawContactSheets, type SheetJob } from './contact-sheet.ts';
import { freeMemory } from './free-memory.ts';
import type { FindFaces } from './photo-look.ts';
import { BrokenPictureError, blame, createPictureReader } from './picture.ts';
import { type PictureFormat, sniffFile } from './picture-format.ts';
import { writeWhole } from './storage.ts';

export type { SheetJob, SheetPhoto } from './contact-sheet.ts';
export { BrokenPictureError } from './picture.ts';
export { type PictureFormat, sniffPicture } from './picture-format.ts';

/** Models that take a photo in its own shape look at no more. In pixels. */
const UPRIGHT_SIDE = 2048;

/**
 * High enough that a model sees no artefacts; a 1080p photo takes about 1 MB. Tables made for each picture
 * would save 8 % of that, and double the time of writing it.
 */
const CANVAS_JPEG = { quality: 92, chromaSubsampling: '4:4:4', optimiseCoding: false };

export type PhotoInspection =
  | {
      readonly kind: 'photo';
      /** Pixels as the photo is looked at, its orientation applied. */
      readonly width: number;
      readonly height: number;
      readonly format: PictureFormat;
    }
  | { readonly kind: 'refused'; readonly reason: SkipReason };

export interface CanvasJob extends UprightJob {
  readonly canvas: Canvas;
}

export interface UprightJob {
  readonly input: string;
  readonly output: string;
  readonly signal?: AbortSignal | undefined;
}

/** Everything done to photos; two of them are in work at once, however often it is asked. */
export interface Photos {
  /**
   * Whether a file can become a photo of an order. One that is cut short is found now; damage in the middle
   * of a picture may show only when it is brought to its canvas.
   * @throws Error with a `code` when this machine kept it from being looked at: that says nothing about the photo.
   */
  inspectPhoto(path: string): Promise<PhotoInspection>;
  /**
   * Brings a photo to the order's canvas as a JPEG in sRGB with no metadata (no place, no camera), around
   * its faces; returns how it looks. The output appears whole or not at all, its directory included.
   * @throws BrokenPictureError when the photo cannot be decoded; StorageFullError; any other error says nothing
   * about the photo.
   */
  toCanvas(job: CanvasJob): Promise<PhotoLook>;
  /**
   * The same, but in the photo's own shape: upright, its longest side at most 2048 px, never enlarged.
   * @throws as `toCanvas`.
   */
  toUpright(job: UprightJob): Promise<PhotoLook>;
  /**
   * Pictures of the photos in a grid, each with its number, as one JPEG up to 29 photos and as several from
   * 30 on. Returns their paths: `output` itself, or `output` with -1, -2 … before its extension.
   * @throws RangeError when there is no photo; StorageFullError; Error when a photo cannot be decoded.
   */
  contactSheet(job: SheetJob): Promise<string[]>;
}

/**
 * One for a process, because what its limit protects, memory, belongs to the process.
 * @param deps.findFaces unset, photos are cut as if they had none.
 */
export function createPhotos(deps: { readonly findFaces?: FindFaces } = {}): Photos {
  const reader = createPictureReader(deps.findFaces);
  const photos: Photos = {
    async inspectPhoto(path) {
      const format = await sniffFile(path);
      if (!format) return refused('not_a_picture');
      try {
        const { width, height } = await reader.readSize(path);
        if (width * height > MAX_PICTURE_PIXELS) return refused('too_many_pixels');
        if (Math.min(width, height) < MIN_PICTURE_SIDE) return refused('too_small');
        await reader.proveWhole(path, format);
        return { kind: 'photo', width, height, format };
      } catch (error) {
        const blamed = await blame(path, error);
        if (blamed instanceof BrokenPictureError) return refused('broken_picture');
        throw blamed;
      }
    },

    async toCanvas({ input, output, canvas, signal }) {
      signal?.throwIfAborted();
      const { jpeg, look } = await reader.renderJpeg(input, canvas, CANVAS_JPEG);
      signal?.throwIfAborted();
      await writeWhole(output, jpeg);
      freeMemory(jpeg);
      return look;
    },

    async toUpright(job) {
      const size = await reader.readSize(job.input).catch(async (cause: unknown) => {
        throw await blame(job.input, cause);
      });
      return photos.toCanvas({ ...job, canvas: shrinkTo(size, UPRIGHT_SIDE) });
    },

    contactSheet: (job) => drawContactSheets(reader, job),
  };
  return photos;
}

function shrinkTo({ width, height }: PictureSize, longestSide: number): Canvas {
  const factor = Math.min(1, longestSide / Math.max(width, height));
  const shrink = (side: number) => Math.max(1, Math.round(side * factor));
  return { width: shrink(width), height: shrink(height) };
}

function refused(reason: SkipReason) {
  return { kind: 'refused', reason } as const;
}
