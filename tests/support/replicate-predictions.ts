import { randomBytes } from 'node:crypto';
import { fileKindOf } from './file-kind.ts';
import type { WebhookScript, WebhookSender } from './replicate-webhooks.ts';

export type Input = Readonly<Record<string, unknown>>;

export type ServedStatus =
  | 'starting'
  | 'processing'
  | 'succeeded'
  | 'failed'
  | 'canceled'
  | 'aborted';

/** A prediction or training that the server accepted, as it is now. */
export interface ServedPrediction {
  readonly kind: 'prediction' | 'training';
  readonly id: string;
  /** `owner/name`; of a training the trainer. */
  readonly model: string;
  readonly version: string;
  readonly input: Input;
  /** The model that a training pushes to. */
  readonly destination?: string | undefined;
  readonly createdAt: Date;
  readonly deadline?: Date | undefined;
  /** The attempt id in its webhook. */
  readonly attempt?: string | undefined;
  readonly webhook?: string | undefined;
  status: ServedStatus;
  startedAt?: Date;
  completedAt?: Date;
  /** When a cancel was asked for. */
  cancelledAt?: Date;
  error?: string;
  /** The value of `output`. */
  output?: unknown;
  dataRemoved: boolean;
}

/** What a scripted prediction is asked for, with its files. */
export interface ClipRequest {
  readonly model: string;
  readonly input: Input;
  /** The bytes behind each field that holds files. */
  readonly files: Readonly<Record<string, readonly Buffer[]>>;
  readonly startImage: Buffer | undefined;
  readonly endImage: Buffer | undefined;
  readonly seconds: number;
}

/** What a prediction gives: files by their URLs (one alone as a string, unless `shape` says otherwise), or a value. */
export type ServedOutput =
  | { readonly files: readonly Buffer[]; readonly shape?: 'string' | 'array' }
  | { readonly value: unknown };

export type DownloadFault =
  | { readonly kind: 'answer'; readonly status: number; readonly headers?: Record<string, string> }
  /** Half of the bytes, then the connection breaks. */
  | { readonly kind: 'truncated' }
  /** Half of the bytes, then nothing more. */
  | { readonly kind: 'stall' }
  /** In ten parts with a pause between them, without a length. */
  | { readonly kind: 'slow'; readonly pauseMs: number }
  /** Half of the bytes, and the others after this. */
  | { readonly kind: 'held'; readonly until: Promise<unknown> };

/** What becomes of one prediction. All is optional: by default it succeeds with what its model makes. */
export interface PredictionScript {
  /** From acceptance to the end, in milliseconds. */
  readonly delayMs?: number;
  /** Beside the delay: it does not end before this. */
  readonly until?: Promise<unknown>;
  /** `hang` runs until it is cancelled or meets its deadline. */
  readonly outcome?: 'succeed' | 'fail' | 'hang' | 'aborted' | 'canceled';
  /** The error text of a failed prediction. */
  readonly error?: string;
  /** The bytes of the output file, or of several. */
  readonly output?: Buffer | readonly Buffer[] | ((request: ClipRequest) => Promise<Buffer>);
  /** Given as `output` as it is, in place of a file's URL. */
  readonly value?: unknown;
  /** Whether the URL comes alone or in an array. */
  readonly shape?: 'string' | 'array';
  /** It succeeds, but over an hour ago: the output is gone. */
  readonly expired?: boolean;
  /** Every download of its output goes this way. */
  readonly download?: DownloadFault;
  readonly webhook?: WebhookScript | 'none';
}

export type Script = (prediction: ServedPrediction) => PredictionScript | undefined;

export interface PredictionBoard {
  readonly list: readonly ServedPrediction[];
  readonly running: { now: number; peak: number };
  accept(asked: {
    readonly kind: 'prediction' | 'training';
    readonly destination?: string;
    readonly model: string;
    readonly version: string;
    readonly input: Input;
    readonly webhook: string | undefined;
    readonly cancelAfterMs: number | undefined;
  }): ServedPrediction;
  cancel(prediction: ServedPrediction): void;
  /** What Replicate does an hour after completion. */
  expire(prediction: ServedPrediction): void;
  /** A file of its output, counted from 0. */
  outputOf(
    id: string,
    index: number,
  ): { readonly bytes: Buffer; readonly fault: DownloadFault | undefined } | undefined;
  toJson(prediction: ServedPrediction): object;
  stop(): void;
}

const START_FIELDS = ['start_image', 'image', 'first_frame_image'];
const END_FIELDS = ['end_image', 'last_frame_image', 'last_frame', 'last_image'];
const OVER: ReadonlySet<ServedStatus> = new Set(['succeeded', 'failed', 'canceled', 'aborted']);

/** The life of predictions, by script. */
export function createPredictionBoard(deps: {
  readonly delayMs: number;
  readonly apiUrl: () => string;
  readonly outputsUrl: () => string;
  readonly scriptOf: Script;
  readonly makeOutput: (request: ClipRequest) => Promise<ServedOutput>;
  /** Pushes a new version to the destination of a training, and gives its id. */
  readonly pushVersion: (destination: string) => string;
  /** The bytes behind a file URL of this server or a data URI; undefined when there are none. */
  readonly bytesOf: (url: string) => Buffer | undefined;
  readonly webhooks: WebhookSender;
  readonly violation: (text: string) => void;
}): PredictionBoard {
  const list: ServedPrediction[] = [];
  const running = { now: 0, peak: 0 };
  const outputs = new Map<string, { files: readonly Buffer[]; fault: DownloadFault | undefined }>();
  const scripts = new Map<string, PredictionScript>();
  const timers = new Set<NodeJS.Timeout>();

  function after(delayMs: number, act: () => void | Promise<void>): void {
    const timer = setTimeout(() => {
      timers.delete(timer);
      void Promise.resolve(act()).catch((error) => deps.violation(`script: ${error}`));
    }, delayMs);
    timers.add(timer);
  }

  function end(prediction: ServedPrediction, status: ServedStatus, error?: string): void {
    if (OVER.has(prediction.status)) return;
    prediction.status = status;
    prediction.completedAt = new Date();
    if (error !== undefined) prediction.error = error;
    running.now -= 1;
    const script = scripts.get(prediction.id)?.webhook ?? {};
    if (!prediction.webhook || script === 'none') return;
    deps.webhooks.send({
      predictionId: prediction.id,
      url: prediction.webhook,
      body: JSON.stringify(toJson(prediction)),
      script,
    });
  }

  async function finish(prediction: ServedPrediction, script: PredictionScript): Promise<void> {
    await script.until;
    const lost = Object.values(prediction.input)
      .flat()
      .find((value) => isFileUrl(value) && !deps.bytesOf(value));
    if (lost) return end(prediction, 'failed', `Failed to download input file ${lost}`);
    switch (script.outcome ?? 'succeed') {
      case 'hang':
        return;
      case 'fail':
        return end(prediction, 'failed', script.error ?? 'Prediction failed. (E1000)');
      case 'aborted':
        return end(prediction, 'aborted');
      case 'canceled':
        return end(prediction, 'canceled');
      case 'succeed': {
        const output = await makeOutput(prediction, script);
        if (OVER.has(prediction.status)) return;
        prediction.output = output;
        if (script.expired) expire(prediction);
        return end(prediction, 'succeeded');
      }
    }
  }

  async function makeOutput(prediction: ServedPrediction, script: PredictionScript) {
    if (script.value !== undefined) return script.value;
    if (prediction.kind === 'training') return trainedModel(prediction, script);
    const made = await makeScripted(prediction, script);
    if ('value' in made) return made.value;
    const urls = publish(prediction, made.files, script);
    const isAlone = (script.shape ?? made.shape) !== 'array' && urls.length === 1;
    return isAlone ? urls[0] : urls;
  }

  async function makeScripted(
    prediction: ServedPrediction,
    { output }: PredictionScript,
  ): Promise<ServedOutput> {
    const request = clipRequest(prediction);
    if (output === undefined) return deps.makeOutput(request);
    if (typeof output === 'function') return { files: [await output(request)] };
    return { files: Buffer.isBuffer(output) ? [output] : output };
  }

  function trainedModel(prediction: ServedPrediction, script: PredictionScript) {
    const { destination = '' } = prediction;
    const [weights] = publish(prediction, [Buffer.from(`weights of ${prediction.id}`)], script);
    return { version: `${destination}:${deps.pushVersion(destination)}`, weights };
  }

  function publish(
    { id }: ServedPrediction,
    files: readonly Buffer[],
    script: PredictionScript,
  ): string[] {
    outputs.set(id, { files, fault: script.download });
    const folder = `${deps.outputsUrl()}/outputs/${id}`;
    return files.map((bytes, index) => `${folder}/${index}/output.${fileKindOf(bytes).extension}`);
  }

  function clipRequest({ model, input }: ServedPrediction): ClipRequest {
    const files: Record<string, Buffer[]> = {};
    for (const [field, value] of Object.entries(input)) {
      const held = [value].flat().flatMap((each) => {
        const bytes = typeof each === 'string' ? deps.bytesOf(each) : undefined;
        return bytes ? [bytes] : [];
      });
      if (held.length > 0) files[field] = held;
    }
    const picture = (fields: string[]) => fields.flatMap((field) => files[field] ?? [])[0];
    return {
      model,
      input,
      files,
      startImage: picture(START_FIELDS),
      endImage: picture(END_FIELDS),
      seconds: Number(input['duration']) || 5,
    };
  }

  function isFileUrl(value: unknown): value is string {
    return typeof value === 'string' && value.startsWith(`${deps.apiUrl()}/files/`);
  }

  function expire(prediction: ServedPrediction): void {
    prediction.output = null;
    prediction.dataRemoved = true;
    outputs.delete(prediction.id);
  }

  function toJson(prediction: ServedPrediction): object {
    const { id, model, version, webhook, startedAt, completedAt, deadline } = prediction;
    const get = `${deps.apiUrl()}/${prediction.kind}s/${id}`;
    const isPrediction = prediction.kind === 'prediction';
    return {
      id,
      model,
      version,
      input: prediction.dataRemoved ? {} : prediction.input,
      logs: '',
      // A training has no output until there is one.
      ...((isPrediction || prediction.output !== undefined) && {
        output: prediction.output ?? null,
      }),
      ...(isPrediction && { data_removed: prediction.dataRemoved }),
      error: prediction.error ?? null,
      source: 'api',
      status: prediction.status,
      created_at: prediction.createdAt.toISOString(),
      ...(startedAt && { started_at: startedAt.toISOString() }),
      ...(completedAt && { completed_at: completedAt.toISOString() }),
      ...(deadline && { deadline: deadline.toISOString() }),
      ...(webhook && { webhook, webhook_events_filter: ['completed'] }),
      ...(startedAt &&
        completedAt && {
          metrics: {
            predict_time: (completedAt.getTime() - startedAt.getTime()) / 1000,
            total_time: (completedAt.getTime() - prediction.createdAt.getTime()) / 1000,
          },
        }),
      urls: { web: `https://replicate.com/p/${id}`, get, cancel: `${get}/cancel` },
    };
  }

  return {
    list,
    running,
    expire,
    toJson,

    accept({ kind, destination, model, version, input, webhook, cancelAfterMs }) {
      const createdAt = new Date();
      const prediction: ServedPrediction = {
        kind,
        id: randomBytes(13).toString('hex'),
        model,
        version,
        input,
        destination,
        webhook,
        attempt: (webhook && URL.parse(webhook)?.searchParams.get('attempt')) || undefined,
        createdAt,
        deadline:
          cancelAfterMs === undefined ? undefined : new Date(createdAt.getTime() + cancelAfterMs),
        status: 'starting',
        dataRemoved: false,
      };
      list.push(prediction);
      running.now += 1;
      running.peak = Math.max(running.peak, running.now);
      const script = deps.scriptOf(prediction) ?? {};
      scripts.set(prediction.id, script);
      const delayMs = script.delayMs ?? deps.delayMs;
      if (script.outcome !== 'aborted') {
        after(delayMs / 4, () => {
          if (prediction.status !== 'starting') return;
          prediction.status = 'processing';
          prediction.startedAt = new Date();
        });
      }
      after(delayMs, () => finish(prediction, script));
      if (cancelAfterMs !== undefined) {
        after(cancelAfterMs, () =>
          end(prediction, prediction.status === 'starting' ? 'aborted' : 'canceled'),
        );
      }
      return prediction;
    },

    cancel(prediction) {
      if (OVER.has(prediction.status)) return;
      prediction.cancelledAt = new Date();
      end(prediction, 'canceled');
    },

    outputOf(id, index) {
      const output = outputs.get(id);
      const bytes = output?.files[index];
      return bytes && { bytes, fault: output?.fault };
    },

    stop() {
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
    },
  };
}
