import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import sharp from 'sharp';
import { FfmpegError, type FfmpegTools, runFfmpeg } from '../ffmpeg.ts';
import { framesCommand, framesEncoding } from '../video-commands.ts';
import { countFrames } from './clip-frames.ts';
import { createDrawThreads } from './draw-threads.ts';
import { createFaceMesh, DetectionUnavailableError } from './face-mesh.ts';
import { type FaceLandmarks, matchFaces, scaleFace } from './landmarks.ts';
import type { FaceBox, MorphJob, MorphMethod, RgbPicture } from './morpher.ts';
import { gridOf, type Photo } from './photo.ts';
import type { PlaneSize } from './plane.ts';
import type { DrawnPhoto } from './render-frame.ts';
import { renderInOrder } from './render-in-order.ts';
import { shrinkForDetection } from './shrink-picture.ts';

const ENCODE_TIMEOUT_MS = 20 * 60_000;
/** The neighbours of what is rendered, and a loop's first photo. */
const PHOTOS_KEPT = 6;

/** A clip to be rendered; `output` may be left unfinished by a failure. */
export interface ClipJob extends Omit<MorphJob, 'mark' | 'signal'> {
  readonly tools: FfmpegTools;
  /** Absolute path of a picture with transparency that is laid over the lower right corner. */
  readonly mark?: string | undefined;
}

/** What the process of the engine does. */
export interface Engine {
  /**
   * Writes a clip. Anything thrown but an FfmpegError and the signal's reason is a failure of the engine.
   */
  render(job: ClipJob, signal: AbortSignal): Promise<MorphMethod>;
  /** The largest first; undefined when detection is not available. */
  findFaces(picture: RgbPicture): Promise<readonly FaceBox[] | undefined>;
  stop(): Promise<void>;
}

export interface EngineDeps {
  readonly threads: number;
  readonly modelsDirectory?: string | undefined;
  /** Told once, with the reason. */
  readonly onDetectionUnavailable: (reason: string) => void;
}

/** What is known of a photo, for both of its clips. */
interface KnownPhoto {
  readonly photo: Promise<Photo>;
  readonly faces: Promise<readonly FaceLandmarks[]>;
}

/** @see Engine */
export function createEngine(deps: EngineDeps): Engine {
  const threads = createDrawThreads(deps.threads);
  const faceMesh = createFaceMesh(deps.modelsDirectory);
  const known = new Map<string, KnownPhoto>();
  // Photos are decoded once, and the cache would hold their pixels.
  sharp.cache(false);
  let clips = 0;
  let detectionWorks = true;

  return {
    async render(job, signal) {
      const size = { width: job.width, height: job.height };
      const [from, to] = await Promise.all([knowPhoto(job.from, size), knowPhoto(job.to, size)]);
      signal.throwIfAborted();
      const pairs = matchFaces(await from.faces, await to.faces, size);
      const photos = { from: await from.photo, to: await to.photo };
      signal.throwIfAborted();
      const plan = await threads.run({ kind: 'plan', ...photos, size, pairs });
      signal.throwIfAborted();
      clips += 1;
      const clip = clips;
      const source = { size, plan, from: forDrawing(photos.from), to: forDrawing(photos.to) };
      const count = countFrames(job);
      await encode(job, signal, (index) =>
        threads.run({ kind: 'draw', clip, source, time: index / (count - 1) }),
      );
      // For the photos of earlier clips, which the threads have let go: see draw-worker.
      globalThis.gc?.();
      return plan.faces.length > 0 ? 'faces' : 'field';
    },

    async findFaces(picture) {
      return whereAvailable(faceMesh.findBoxes(picture), undefined);
    },

    stop: () => threads.stop(),
  };

  async function encode(
    job: ClipJob,
    signal: AbortSignal,
    draw: (index: number) => Promise<Uint8Array>,
  ): Promise<void> {
    let failure: unknown;
    const frames = Readable.from(
      renderInOrder(draw, countFrames(job), threads.count + 1, (error) => {
        failure = error;
      }),
      { objectMode: false },
    );
    const command = framesCommand({ ...job, frames, encoding: framesEncoding(job.fps) });
    try {
      await runFfmpeg(job.tools, command, { signal, timeoutMs: ENCODE_TIMEOUT_MS });
    } catch (error) {
      signal.throwIfAborted();
      throw failure ?? error;
    } finally {
      frames.destroy();
    }
  }

  /** By its contents: the same photo may lie under another name for its next clip. */
  async function knowPhoto(path: string, size: PlaneSize): Promise<KnownPhoto> {
    const file = await readFile(path).catch((error: unknown) => {
      throw unreadable(error);
    });
    const digest = createHash('sha256').update(file).digest('base64');
    const key = `${size.width}x${size.height} ${digest}`;
    const photo = known.get(key) ?? study(file, size);
    known.delete(key);
    known.set(key, photo);
    for (const oldest of known.keys()) {
      if (known.size <= PHOTOS_KEPT) break;
      known.delete(oldest);
    }
    photo.photo.catch(() => known.delete(key));
    photo.faces.catch(() => known.delete(key));
    return photo;
  }

  function study(file: Buffer, size: PlaneSize): KnownPhoto {
    const decoded = decode(file, size);
    return {
      photo: decoded.then((photo) => threads.run({ kind: 'describe', photo, size })),
      faces: decoded.then(({ pixels }) =>
        whereAvailable(findLandmarks({ data: pixels, ...size }), []),
      ),
    };
  }

  async function findLandmarks(whole: RgbPicture): Promise<FaceLandmarks[]> {
    const { picture, scale } = await shrinkForDetection(whole);
    return (await faceMesh.findLandmarks(picture)).map((face) => scaleFace(face, scale));
  }

  async function whereAvailable<T, U>(detection: Promise<T>, otherwise: U): Promise<T | U> {
    try {
      return await detection;
    } catch (error) {
      if (!(error instanceof DetectionUnavailableError)) throw error;
      if (detectionWorks) deps.onDetectionUnavailable(error.message);
      detectionWorks = false;
      return otherwise;
    }
  }
}

function forDrawing({ frame, tones }: Photo): DrawnPhoto {
  return { frame, tones };
}

async function decode(file: Buffer, size: PlaneSize) {
  try {
    const pixels = await sharp(file, { failOn: 'error' })
      .autoOrient()
      .flatten({ background: '#ffffff' })
      .resize({ ...size, fit: 'fill' })
      .toColourspace('srgb')
      .raw()
      .toBuffer();
    const samples = await sharp(pixels, { raw: { ...size, channels: 3 } })
      .resize({ ...gridOf(size), fit: 'fill' })
      .raw()
      .toBuffer();
    return { pixels: toShared(pixels), samples: toShared(samples) };
  } catch (error) {
    throw unreadable(error);
  }
}

function toShared(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}

function unreadable(error: unknown): FfmpegError {
  const reason = error instanceof Error ? error.message : `${error}`;
  return new FfmpegError('invalid_media', 'A picture cannot be read', reason);
}
