import { Worker } from 'node:worker_threads';
import type { StatsPicture } from './picture.ts';

const TIMEOUT_MS = 30_000;

/**
 * Draws a picture as PNG in a thread of its own, whose memory goes with it: neither the drawing nor
 * loading what draws (a second or two) holds up a chat.
 * @throws Error when it cannot be drawn.
 */
export async function drawStatsAside(picture: StatsPicture): Promise<Uint8Array> {
  const url = new URL('./stats-worker.ts', import.meta.url);
  const worker = new Worker(url, { workerData: picture });
  const timer = setTimeout(() => worker.terminate(), TIMEOUT_MS);
  try {
    return await new Promise<Uint8Array>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', () => reject(new Error('The picture was not drawn in time')));
    });
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}
