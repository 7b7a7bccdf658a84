import { availableParallelism } from 'node:os';
import { FfmpegError } from '../ffmpeg.ts';
import { createEngine } from './engine.ts';
import type { EngineFailure, EngineMessage, EngineRequest, EngineTask } from './engine-messages.ts';

/** More threads than these wait for the encoder, and each takes memory. */
const MAX_THREADS = 4;

const [modelsDirectory] = process.argv.slice(2);
const running = new Map<number, AbortController>();
const engine = createEngine({
  threads: Math.min(MAX_THREADS, availableParallelism()),
  modelsDirectory,
  onDetectionUnavailable: (reason) => send({ detectionUnavailable: reason }),
});

process.on('message', (request: EngineRequest) => {
  if ('cancel' in request) running.get(request.id)?.abort();
  else void handle(request.id, request.task);
});

// Whether the parent lets go or has died: nothing is left to do, and nothing may be left running.
process.once('disconnect', async () => {
  for (const task of running.values()) task.abort();
  await engine.stop();
});

async function handle(id: number, task: EngineTask): Promise<void> {
  const cancel = new AbortController();
  running.set(id, cancel);
  try {
    const answer =
      task.kind === 'render'
        ? await engine.render(task.job, cancel.signal)
        : await engine.findFaces(task.picture);
    send({ id, answer });
  } catch (error) {
    send({ id, failure: describeFailure(error, cancel.signal) });
  } finally {
    running.delete(id);
  }
}

function describeFailure(error: unknown, signal: AbortSignal): EngineFailure {
  if (signal.aborted) return { kind: 'cancelled' };
  if (error instanceof FfmpegError) {
    return { kind: 'ffmpeg', error: error.kind, message: error.message };
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : `${error}`;
  return { kind: 'broken', message };
}

function send(message: EngineMessage): void {
  if (process.connected) process.send?.(message);
}
