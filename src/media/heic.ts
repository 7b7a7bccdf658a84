import { Worker } from 'node:worker_threads';
import { createLimiter } from './concurrency.ts';
import type { HeicTask, RgbaPicture } from './heic-worker.ts';

const DECODE_TIMEOUT_MS = 60_000;

/**
 * The main picture of a HEIC file in sRGB, turned upright; undefined when it cannot be decoded.
 */
export type HeicDecoder = (task: HeicTask) => Promise<RgbaPicture | undefined>;

/**
 * A decoder that takes one picture at a time (12 megapixels need 250 MB), each in a thread of its own,
 * whose memory goes with it.
 */
export function createHeicDecoder(): HeicDecoder {
  const oneAtATime = createLimiter(1);
  return (task) => oneAtATime(() => decodeInWorker(task));
}

async function decodeInWorker(task: HeicTask): Promise<RgbaPicture | undefined> {
  const worker = new Worker(new URL('./heic-worker.ts', import.meta.url), { workerData: task });
  const timer = setTimeout(() => worker.terminate(), DECODE_TIMEOUT_MS);
  try {
    return await new Promise<RgbaPicture | undefined>((resolve) => {
      worker.once('message', (picture: RgbaPicture) => resolve(picture));
      worker.once('error', () => resolve(undefined));
      worker.once('exit', () => resolve(undefined));
    });
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}
