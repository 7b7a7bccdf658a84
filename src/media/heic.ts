import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { createLimiter } from './concurrency.ts';
import type { HeicAnswer, HeicTask, RgbaPicture } from './heic-worker.ts';

const DECODE_TIMEOUT_MS = 60_000;

/**
 * A thread that ended without an answer, or did not end, had too little memory or time. That may be this
 * machine's fault, so after a pause another one is asked; it may be what the picture was made for, so that
 * one is the last.
 */
const TRIES = 2;
const PAUSE_MS = 3_000;

/**
 * The main picture of a HEIC file in sRGB, turned upright; undefined when it cannot be decoded.
 * @throws Error with a `code` when the file could not be read, or no thread be started: that says nothing
 * about the picture.
 */
export type HeicDecoder = (task: HeicTask) => Promise<RgbaPicture | undefined>;

export interface HeicDecoderDeps {
  /** The module of the thread, in place of the one that decodes. */
  readonly thread?: URL;
  readonly timeoutMs?: number;
  readonly pauseMs?: number;
}

/**
 * A decoder that takes one picture at a time (12 megapixels need 250 MB), each in a thread of its own,
 * whose memory goes with it.
 */
export function createHeicDecoder({
  thread = new URL('./heic-worker.ts', import.meta.url),
  timeoutMs = DECODE_TIMEOUT_MS,
  pauseMs = PAUSE_MS,
}: HeicDecoderDeps = {}): HeicDecoder {
  const oneAtATime = createLimiter(1);
  return async (task) => {
    for (let tries = 1; ; tries += 1) {
      const answer = await oneAtATime(() => decodeInThread(thread, task, timeoutMs));
      if (answer === 'refused') return undefined;
      if (answer !== 'died') return answer;
      if (tries === TRIES) return undefined;
      await sleep(pauseMs);
    }
  };
}

async function decodeInThread(
  thread: URL,
  task: HeicTask,
  timeoutMs: number,
): Promise<HeicAnswer | 'died'> {
  const worker = new Worker(thread, { workerData: task });
  const timer = setTimeout(() => worker.terminate(), timeoutMs);
  try {
    return await new Promise<HeicAnswer | 'died'>((resolve, reject) => {
      worker.once('message', (answer: HeicAnswer) => resolve(answer));
      worker.once('error', (error) => (isDeath(error) ? resolve('died') : reject(error)));
      worker.once('exit', () => resolve('died'));
    });
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}

/** What a decoder dies of has no code, or Node's own for a thread out of memory. */
function isDeath(error: unknown): boolean {
  if (!(error instanceof Error && 'code' in error)) return true;
  return error.code === 'ERR_WORKER_OUT_OF_MEMORY';
}
