import { randomBytes } from 'node:crypto';
import type { WebhookScript, WebhookSender } from './replicate-webhooks.ts';

export type Input = Readonly<Record<string, unknown>>;

export type ServedStatus =
  | 'starting'
  | 'processing'
  | 'succeeded'
  | 'failed'
  | 'canceled'
  | 'aborted';

/** A prediction that the server accepted, as it is now. */
export interface ServedPrediction {
  readonly id: string;
  readonly model: string;
  readonly version: string;
  readonly input: Input;
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

/** What a scripted prediction is asked for, with its pictures. */
export interface ClipRequest {
  readonly model: string;
  readonly input: Input;
  readonly startImage: Buffer | undefined;
  readonly endImage: Buffer | undefined;
  readonly seconds: number;
}

export type DownloadFault =
  | { readonly kind: 'answer'; readonly status: number; readonly headers?: Record<string, string> }
  /** Half of the bytes, then the connection breaks. */
  | { readonly kind: 'truncated' }
  /** Half of the bytes, then nothing more. */
  | { readonly kind: 'stall' }
  /** In ten parts with a pause between them, without a length. */
  | { readonly kind: 'slow'; readonly pauseMs: number };

/** What becomes of one prediction. All is optional: by default it succeeds with a clip. */
export interface PredictionScript {
  /** From acceptance to the end, in milliseconds. */
  readonly delayMs?: number;
  /** `hang` runs until it is cancelled or meets its deadline. */
  readonly outcome?: 'succeed' | 'fail' | 'hang' | 'aborted' | 'canceled';
  /** The error text of a failed prediction. */
  readonly error?: string;
  /** The bytes of the output file. */
  readonly output?: Buffer | ((request: ClipRequest) => Promise<Buffer>);
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
    readonly model: string;
    readonly version: string;
    readonly input: Input;
    readonly webhook: string | undefined;
    readonly cancelAfterMs: number | undefined;
  }): ServedPrediction;
  cancel(prediction: ServedPrediction): void;
  /** What Replicate does an hour after completion. */
  expire(prediction: ServedPrediction): void;
  outputOf(
    id: string,
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
  readonly makeClip: (request: ClipRequest) => Promise<Buffer>;
  /** The bytes behind a file URL of this server or a data URI; undefined when there are none. */
  readonly bytesOf: (url: string) => Buffer | undefined;
  readonly webhooks: WebhookSender;
  readonly violation: (text: string) => void;
}): PredictionBoard {
  const list: ServedPrediction[] = [];
  const running = { now: 0, peak: 0 };
  const outputs = new Map<string, { bytes: Buffer; fault: DownloadFault | undefined }>();
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
    const lost = Object.values(prediction.input).find(
      (value) => isFileUrl(value) && !deps.bytesOf(value),
    );
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
    const make = script.output ?? deps.makeClip;
    const bytes = Buffer.isBuffer(make) ? make : await make(clipRequest(prediction));
    outputs.set(prediction.id, { bytes, fault: script.download });
    const url = `${deps.outputsUrl()}/outputs/${prediction.id}/output.mp4`;
    return script.shape === 'array' ? [url] : url;
  }

  function clipRequest({ model, input }: ServedPrediction): ClipRequest {
    const picture = (fields: string[]) => {
      const url = fields.map((field) => input[field]).find((value) => typeof value === 'string');
      return url ? deps.bytesOf(url) : undefined;
    };
    return {
      model,
      input,
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
    const get = `${deps.apiUrl()}/predictions/${id}`;
    return {
      id,
      model,
      version,
      input: prediction.dataRemoved ? {} : prediction.input,
      logs: '',
      output: prediction.output ?? null,
      data_removed: prediction.dataRemoved,
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

    accept({ model, version, input, webhook, cancelAfterMs }) {
      const createdAt = new Date();
      const prediction: ServedPrediction = {
        id: randomBytes(13).toString('hex'),
        model,
        version,
        input,
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

    outputOf: (id) => outputs.get(id),

    stop() {
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
    },
  };
}
