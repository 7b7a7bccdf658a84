import { rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createLimiter } from '../concurrency.ts';
import { FfmpegError, type FfmpegTools, probe, runFfmpeg } from '../ffmpeg.ts';
import { dissolveCommand, framesEncoding } from '../video-commands.ts';
import { withWorkDirectory } from '../work-directory.ts';
import { countFrames } from './clip-frames.ts';
import { createEngineProcess, EngineBrokenError, EngineDiedError } from './engine-process.ts';
import { drawMark } from './mark.ts';
import type { FaceBox, Morpher, MorphJob, MorphMethod } from './morpher.ts';
import { shrinkForDetection } from './shrink-picture.ts';

const IDLE_MS = 60_000;
const FADE_TIMEOUT_MS = 20 * 60_000;
/** Ten times of what a busy machine takes. */
const FIND_TIMEOUT_MS = 60_000;
const RENDER_TIMEOUT_MS = 60_000;
const FRAME_TIMEOUT_MS = 1_000;
export interface MorpherDeps {
  readonly tools: FfmpegTools;
  readonly log: {
    warn(fields: object, message: string): void;
  };
  /** How long the engine's process is kept without a call; a minute by default. */
  readonly idleMs?: number | undefined;
  /** Where the face models are, instead of the package that brings them. */
  readonly modelsDirectory?: string | undefined;
}

/** @see Morpher */
export function createMorpher({ tools, log, idleMs, modelsDirectory }: MorpherDeps): Morpher {
  const oneAtATime = createLimiter(1);
  let warned = false;
  const engine = createEngineProcess({
    idleMs: idleMs ?? IDLE_MS,
    modelsDirectory,
    onDetectionUnavailable: (reason) => {
      if (!warned) log.warn({ reason }, 'Faces cannot be found here: morphs go without them');
      warned = true;
    },
  });

  return {
    morph: (job) => inTurn(() => morph(job), job.signal),

    async findFaces(picture, signal) {
      const { picture: small, scale } = await shrinkForDetection(picture);
      const faces = await twice(() =>
        engine.request(
          { kind: 'findFaces', picture: small },
          { timeoutMs: FIND_TIMEOUT_MS, signal },
        ),
      ).catch((error: unknown) => {
        signal?.throwIfAborted();
        if (!isEngineFailure(error)) throw error;
        log.warn({ err: error }, 'Faces could not be looked for');
        return undefined;
      });
      return faces?.map((face) => scaleBox(face, scale));
    },

    stop: () => engine.stop(),
  };

  /** One clip after the other; an abort while waiting rejects at once. */
  function inTurn<T>(task: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const leave = () => reject(signal?.reason);
      signal?.addEventListener('abort', leave, { once: true });
      oneAtATime(async () => {
        signal?.removeEventListener('abort', leave);
        signal?.throwIfAborted();
        return task();
      }).then(resolve, reject);
    });
  }

  function morph(job: MorphJob) {
    return withWorkDirectory(dirname(job.output), async (work) => {
      const mark = job.mark === undefined ? undefined : join(work, 'mark.png');
      if (mark !== undefined) await writeFile(mark, await drawMark(job.mark ?? '', job));
      const { draft, method } = await render(job, work, mark);
      const info = await probe(tools, draft, job.signal);
      const frames = countFrames(job);
      if (info.frames !== frames) {
        throw new FfmpegError('failed', `${info.frames} frames instead of ${frames}`);
      }
      await rename(draft, job.output);
      return { info, method };
    });
  }

  async function render(
    { signal, ...job }: MorphJob,
    work: string,
    mark: string | undefined,
  ): Promise<{ readonly draft: string; readonly method: MorphMethod }> {
    const timeoutMs = RENDER_TIMEOUT_MS + countFrames(job) * FRAME_TIMEOUT_MS;
    let tries = 0;
    let draft = '';
    try {
      const method = await twice(() => {
        // An encoder that outlives its engine for a moment still writes into its own file.
        tries += 1;
        draft = join(work, `morph-${tries}.mp4`);
        return engine.request(
          { kind: 'render', job: { ...job, output: draft, mark, tools } },
          { timeoutMs, signal },
        );
      });
      return { draft, method };
    } catch (error) {
      signal?.throwIfAborted();
      if (!isEngineFailure(error)) throw error;
      log.warn({ err: error }, 'The morph engine failed: one photo fades into the other instead');
      draft = join(work, 'fade.mp4');
      const { fps, width, height, from, to } = job;
      const encoding = framesEncoding(fps);
      const frames = countFrames(job);
      const command = { from, to, width, height, frames, encoding, mark, output: draft };
      await runFfmpeg(tools, dissolveCommand(command), { signal, timeoutMs: FADE_TIMEOUT_MS });
      return { draft, method: 'fade' };
    }
  }

  /** Asks a dead engine once more: it is started again. */
  async function twice<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof EngineDiedError)) throw error;
      log.warn({ err: error }, 'The morph engine died and is started again');
      return ask();
    }
  }
}

function isEngineFailure(error: unknown): boolean {
  return error instanceof EngineBrokenError || error instanceof EngineDiedError;
}

function scaleBox({ x, y, width, height }: FaceBox, scale: number): FaceBox {
  return { x: x * scale, y: y * scale, width: width * scale, height: height * scale };
}
