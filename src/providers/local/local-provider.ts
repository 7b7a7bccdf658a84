import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { Failure } from '../../domain/failure.ts';
import { FfmpegError } from '../../media/ffmpeg.ts';
import type { Morpher } from '../../media/morpher/morpher.ts';
import { createFileStorage, isDiskFull } from '../../media/storage.ts';
import type { PredictionStatus, Provider } from '../provider.ts';

/** A clip that nobody has taken is kept this long, like an output at a provider far away. */
const OUTPUT_LIFE_MS = 2 * 3_600_000;

/** Pixels of a clip by its shape. */
const SIZES = {
  '16:9': { width: 1280, height: 720 },
  '9:16': { width: 720, height: 1280 },
  '1:1': { width: 960, height: 960 },
} as const;

/** What the engine is asked for; the two pictures are absolute paths. */
const jobSchema = z.object({
  first_frame: z.string(),
  last_frame: z.string(),
  aspect_ratio: z.enum(['16:9', '9:16', '1:1']),
  seconds: z.number().positive(),
  fps: z.number().positive(),
});
type Job = z.infer<typeof jobSchema>;

export interface LocalProviderDeps {
  readonly morpher: Pick<Morpher, 'morph'>;
  /** The only model there is; other requests are refused. */
  readonly model: string;
  /** Where predictions are kept: each is a directory with its job and, once rendered, its clip. */
  readonly directory: string;
  readonly log: { warn(fields: object, message: string): void };
}

/**
 * The engine of this machine as a provider. A prediction's id is that of its attempt; what a killed
 * process left unrendered is rendered when somebody looks at it.
 */
export function createLocalProvider(deps: LocalProviderDeps): Provider {
  const { morpher, model, directory } = deps;
  const running = new Map<string, AbortController>();
  const failed = new Map<string, Failure>();

  const storage = createFileStorage(directory);
  // What another process has left may be the last that was ever rendered here.
  removeOld(directory).catch((error: unknown) => {
    deps.log.warn({ err: error }, 'old predictions could not be removed');
  });
  const jobKey = (id: string) => `${id}/job.json`;
  const clipKey = (id: string) => `${id}/clip.mp4`;

  function render(id: string, job: Job): void {
    const stop = new AbortController();
    running.set(id, stop);
    const { first_frame: from, last_frame: to, aspect_ratio, seconds, fps } = job;
    const output = storage.pathOf(clipKey(id));
    morpher
      .morph({ from, to, output, ...SIZES[aspect_ratio], seconds, fps, signal: stop.signal })
      .catch((error: unknown) => {
        if (stop.signal.aborted) return;
        // Rendered again when somebody looks: there may be room by then.
        if (error instanceof FfmpegError && error.kind === 'disk_full') return;
        deps.log.warn({ attemptId: id, err: error }, 'the local engine could not render a clip');
        failed.set(id, { kind: 'provider_error' });
      })
      .finally(() => running.delete(id));
  }

  async function look(id: string): Promise<PredictionStatus> {
    const failure = failed.get(id);
    if (failure) return { kind: 'failed', failure };
    if (running.has(id)) return { kind: 'running' };
    if (await storage.exists(clipKey(id))) {
      return { kind: 'succeeded', output: storage.pathOf(clipKey(id)) };
    }
    const job = await readJob(storage.pathOf(jobKey(id)));
    // Cancelled, or older than an output lives.
    if (!job) return { kind: 'failed', failure: { kind: 'output_lost' } };
    if (!running.has(id)) render(id, job);
    return { kind: 'running' };
  }

  return {
    name: 'local',

    async prepare(request) {
      const parsed = jobSchema.safeParse({ ...request.input, ...request.files });
      const { kind } = request;
      if (request.model !== model || kind !== 'prediction' || !parsed.success) {
        return { kind: 'failed', failure: { kind: 'bad_input' } };
      }
      // Nothing is ever looked for by its fingerprint: a prediction has the id of its attempt.
      return { kind: 'prepared', request: { kind, model, input: parsed.data, fingerprint: '' } };
    },

    async create({ attemptId, request }) {
      const parsed = jobSchema.safeParse(request.input);
      if (!parsed.success) return { kind: 'failed', failure: { kind: 'bad_input' } };
      await removeOld(directory);
      try {
        await storage.write(jobKey(attemptId), Buffer.from(JSON.stringify(parsed.data)));
      } catch (error) {
        deps.log.warn({ attemptId, err: error }, 'a prediction could not be written down');
        return { kind: 'failed', failure: { kind: 'network' } };
      }
      if (!running.has(attemptId)) render(attemptId, parsed.data);
      return { kind: 'created', externalId: attemptId };
    },

    async find({ attemptId }) {
      return (await storage.exists(jobKey(attemptId)))
        ? { kind: 'found', externalId: attemptId }
        : { kind: 'absent' };
    },

    async check(externalId) {
      return { kind: 'seen', status: await look(externalId) };
    },

    async cancel(externalId) {
      running.get(externalId)?.abort(new Error('The prediction is cancelled'));
      await storage.remove(externalId);
      return { kind: 'stopped' };
    },

    async download(output, path) {
      try {
        await mkdir(dirname(path), { recursive: true, mode: 0o700 });
        const { size: sizeBytes } = await stat(output);
        // Moved, so that nothing of a person's photos stays here; whoever asks again has it rendered again.
        await rename(output, path);
        return { kind: 'downloaded', sizeBytes };
      } catch (error) {
        const kind = isDiskFull(error) ? 'network' : 'output_lost';
        return { kind: 'failed', failure: { kind } };
      }
    },
  };
}

async function readJob(path: string): Promise<Job | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : jobSchema.parse(JSON.parse(text));
}

/** Predictions that nobody asks for any more. */
async function removeOld(directory: string): Promise<void> {
  for (const name of await readdir(directory).catch(() => [])) {
    const path = join(directory, name);
    const found = await stat(path).catch(() => undefined);
    if (found && Date.now() - found.mtimeMs > OUTPUT_LIFE_MS) {
      await rm(path, { recursive: true, force: true });
    }
  }
}
