import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import ffmpeg from '@ffmpeg-installer/ffmpeg';
import { z } from 'zod';
import { createOpenApiCheck } from './openapi-check.ts';
import { deliver } from './replicate-delivery.ts';
import type { CallFault } from './replicate-faults.ts';
import { createFileBoard } from './replicate-files.ts';
import { listen, parseBody, readBody, sendBytes, sendJson } from './replicate-http.ts';
import { createModelBoard, type LiveSchemas, type ServedModel } from './replicate-models.ts';
import { createDefaultOutputs } from './replicate-outputs.ts';
import {
  type ClipRequest,
  createPredictionBoard,
  type DownloadFault,
  type PredictionScript,
  type Script,
  type ServedOutput,
  type ServedPrediction,
} from './replicate-predictions.ts';
import { type Endpoint, routeCall } from './replicate-routes.ts';
import {
  createWebhookSecret,
  createWebhookSender,
  type WebhookDelivery,
} from './replicate-webhooks.ts';

export { type CallFault, refusals, throttled } from './replicate-faults.ts';
export type { LiveSchemas, ServedModel } from './replicate-models.ts';
export type {
  ClipRequest,
  DownloadFault,
  PredictionScript,
  Script,
  ServedOutput,
  ServedPrediction,
} from './replicate-predictions.ts';
export type { Endpoint } from './replicate-routes.ts';
export { signWebhook, type WebhookDelivery, type WebhookScript } from './replicate-webhooks.ts';

export interface ReplicateServerOptions {
  readonly token?: string;
  /** How long a prediction takes when its script does not say, in milliseconds; 30 by default. */
  readonly delayMs?: number;
  /** Makes the clips; without it they are a test pattern of the asked length. */
  readonly makeClip?: (request: ClipRequest) => Promise<Buffer>;
  /** What models give; where it says nothing, what their names let expect. */
  readonly outputOf?: (
    request: ClipRequest,
  ) => ServedOutput | undefined | Promise<ServedOutput | undefined>;
  readonly ffmpegPath?: string;
  /** The OpenAPI document all traffic is held against; `REPLICATE_OPENAPI` by default. */
  readonly specPath?: string;
  /** The folder of the models' input schemas; `REPLICATE_SCHEMAS` by default. */
  readonly schemasDir?: string;
  /** How long an uploaded file lives, in milliseconds; an hour by default. */
  readonly fileLifetimeMs?: number;
  /** Predictions in one page of the listing; 100 by default. */
  readonly pageSize?: number;
  /** Who the token belongs to; `loopback` by default. */
  readonly username?: string;
  /** Models that the account has from the start. */
  readonly models?: readonly (Partial<ServedModel> & { readonly name: string })[];
  /** Hardware there is, by SKU. */
  readonly skus?: readonly string[];
}

export interface ServedRequest {
  readonly endpoint: Endpoint | 'download' | 'unknown';
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Parsed JSON; for an upload the parts by name. */
  readonly body: unknown;
}

export interface ReplicateServer {
  /** With `/v1`. */
  readonly baseUrl: string;
  /** Outputs come from an origin of their own, as with the real one. */
  readonly outputsUrl: string;
  readonly token: string;
  readonly webhookSecret: string;
  /** In order of acceptance. */
  readonly predictions: readonly ServedPrediction[];
  readonly trainings: readonly ServedPrediction[];
  /** The account's own models, as they are now. */
  readonly models: readonly ServedModel[];
  readonly requests: readonly ServedRequest[];
  readonly deliveries: readonly WebhookDelivery[];
  /** Whatever a client, or this server, did against the rules of the API. */
  readonly violations: readonly string[];
  /** Predictions and trainings that are not over: now, and at most at once. */
  readonly running: { readonly now: number; readonly peak: number };
  /** Decides about each prediction or training that `next` says nothing about. */
  script(script: Script): void;
  /** Decides about the next predictions, one each. */
  next(...scripts: readonly PredictionScript[]): void;
  /** The next calls of an endpoint go wrong, one each. */
  fault(endpoint: Endpoint, ...faults: readonly CallFault[]): void;
  /** Every call of an endpoint goes wrong, until undefined is given. */
  faultAlways(endpoint: Endpoint, fault: CallFault | undefined): void;
  /** The next downloads of outputs go wrong, one each. */
  faultDownload(...faults: readonly DownloadFault[]): void;
  /** Every download of an output goes wrong, until undefined is given. */
  faultDownloadAlways(fault: DownloadFault | undefined): void;
  /** The bytes behind a file URL of this server, or a data URI. */
  fileBytes(url: string): Buffer | undefined;
  /** Puts a live schema in place of a model's published one; `none` answers 404. */
  setSchemas(model: string, schemas: LiveSchemas | 'none'): void;
  /** Deletes the output of a prediction, as happens an hour after completion. */
  expire(predictionId: string): void;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly body?: unknown;
}

interface Call extends ReturnType<typeof routeCall> {
  readonly path: string;
  readonly url: URL;
  readonly body: unknown;
  readonly headers: IncomingHttpHeaders;
}

const createBody = z.object({
  version: z.string().optional(),
  input: z.record(z.string(), z.unknown()),
  webhook: z.string().optional(),
  webhook_events_filter: z.array(z.string()).optional(),
});
const trainBody = createBody.omit({ version: true }).extend({ destination: z.string() });

/**
 * A Replicate on this machine, by script. It keeps the wire format of the real one, so that any
 * client of the real one can be pointed at it.
 */
export async function startReplicateServer(
  options: ReplicateServerOptions = {},
): Promise<ReplicateServer> {
  const token = options.token ?? 'r8_loopback_token_that_must_not_leak';
  const schemasDir = options.schemasDir ?? process.env['REPLICATE_SCHEMAS'];
  const specPath = options.specPath ?? process.env['REPLICATE_OPENAPI'];
  const openApi = createOpenApiCheck({ specPath, schemasDir });
  const webhookSecret = createWebhookSecret();
  const webhooks = createWebhookSender(webhookSecret);
  const requests: ServedRequest[] = [];
  const violations: string[] = [];
  const nextScripts: PredictionScript[] = [];
  const nextFaults = new Map<Endpoint, CallFault[]>();
  const standingFaults = new Map<Endpoint, CallFault>();
  const downloadFaults: DownloadFault[] = [];
  let standingDownloadFault: DownloadFault | undefined;
  let script: Script = () => undefined;

  const api = await listen(serveApi, violations);
  const delivery = await listen(serveOutput, violations);
  const baseUrl = `${api.origin}/v1`;

  const violation = (text: string) => void violations.push(text);
  const lifetimeMs = options.fileLifetimeMs ?? 3_600_000;
  const files = createFileBoard({ baseUrl, lifetimeMs, violation });
  const models = createModelBoard({
    username: options.username ?? 'loopback',
    skus: options.skus,
    schemasDir,
    violation,
  });
  for (const model of options.models ?? []) models.add(model);
  const defaultOutput = createDefaultOutputs({
    ffmpegPath: options.ffmpegPath ?? ffmpeg.path,
    makeClip: options.makeClip,
  });
  const board = createPredictionBoard({
    delayMs: options.delayMs ?? 30,
    apiUrl: () => baseUrl,
    outputsUrl: () => delivery.origin,
    scriptOf: (prediction) => nextScripts.shift() ?? script(prediction),
    makeOutput: async (asked) => (await options.outputOf?.(asked)) ?? defaultOutput(asked),
    pushVersion(destination) {
      const version = randomBytes(32).toString('hex');
      models.find(destination)?.versions.push(version);
      return version;
    },
    bytesOf: files.bytesOf,
    webhooks,
    violation,
  });
  const predictions: ServedPrediction[] = [];
  const trainings: ServedPrediction[] = [];

  async function serveApi(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', headers } = request;
    const url = new URL(request.url ?? '/', api.origin);
    const path = url.pathname.replace(/^\/v1/, '');
    const { endpoint, model, version, id } = routeCall(method, path);
    const raw = await readBody(request);
    const body = await parseBody(raw, headers['content-type']);
    requests.push({ endpoint, method, path: `${path}${url.search}`, headers, body });

    if (path.endsWith('/download')) {
      const bytes = files.bytesOf(url.href);
      return bytes
        ? sendBytes(response, bytes)
        : sendJson(response, problem(404, 'File not found'));
    }
    if (headers.authorization !== `Bearer ${token}`) {
      violations.push(`${method} ${path}: without the token`);
      return sendJson(response, problem(401, 'You did not pass a valid authentication token'));
    }
    violations.push(...openApi.request(method, path, asJson(body)));
    const fault = takeFault(endpoint);
    if (fault?.kind === 'reset') return void request.socket.resetAndDestroy();
    if (fault?.kind === 'hang') return;
    if (fault?.kind === 'answer') return sendJson(response, fault, fault.headers);

    const answer = answerCall({ endpoint, model, version, id, path, url, body, headers });
    violations.push(...openApi.response(method, path, answer.status, answer.body));
    if (fault?.kind === 'reset_after') return void request.socket.resetAndDestroy();
    if (fault?.kind === 'hang_after') return;
    if (fault?.kind === 'garbled_after') return void response.writeHead(201).end('<html>');
    sendJson(response, answer);
  }

  function takeFault(endpoint: ServedRequest['endpoint']): CallFault | undefined {
    if (endpoint === 'unknown' || endpoint === 'download') return undefined;
    return nextFaults.get(endpoint)?.shift() ?? standingFaults.get(endpoint);
  }

  function answerCall(call: Call): Answer {
    const { endpoint, model, version, id, body } = call;
    switch (endpoint) {
      case 'create':
        return create(call);
      case 'create_training':
        return train(call);
      case 'list':
      case 'list_trainings':
        return list(call);
      case 'get':
      case 'get_training':
      case 'cancel':
      case 'cancel_training': {
        const all = endpoint.endsWith('_training') ? trainings : predictions;
        const found = all.find((prediction) => prediction.id === id);
        if (!found) return problem(404, 'The requested resource could not be found.');
        if (endpoint.startsWith('cancel')) board.cancel(found);
        return { status: 200, body: board.toJson(found) };
      }
      case 'upload':
        return files.upload(body);
      case 'file':
        return files.describe(id);
      case 'secret':
        return { status: 200, body: { key: webhookSecret } };
      case 'account':
        return models.account();
      case 'hardware':
        return models.hardware();
      case 'create_model':
        return models.create(body);
      case 'model':
        return models.describe(model);
      case 'version':
        return models.describeVersion(model, version);
      case 'delete_version':
        return models.deleteVersion(model, version);
      default:
        violations.push(`${call.path}: no such route`);
        return problem(404, 'The requested resource could not be found.');
    }
  }

  function create({ path, body, headers, model: routed }: Call): Answer {
    const parsed = createBody.strict().safeParse(body);
    if (!parsed.success) {
      violations.push(`POST ${path}: ${z.prettifyError(parsed.error)}`);
      return problem(422, 'Input validation failed');
    }
    const { input, webhook } = parsed.data;
    const [model = '', version = 'hidden'] = (parsed.data.version ?? routed).split(':');
    const own = models.find(model);
    if (own && !own.versions.includes(version)) {
      return problem(422, 'The specified version does not exist (or perhaps you cannot use it).');
    }
    violations.push(...openApi.input(model, input));
    checkWebhook(path, parsed.data);
    const cancelAfter = headers['cancel-after'];
    const cancelAfterMs = parseDuration(cancelAfter);
    if (cancelAfter !== undefined && !(cancelAfterMs && cancelAfterMs >= 5000)) {
      violations.push(`POST ${path}: Cancel-After ${cancelAfter}`);
    }
    const asked = { kind: 'prediction', model, version, input, webhook, cancelAfterMs } as const;
    const prediction = board.accept(asked);
    predictions.push(prediction);
    return { status: 201, body: board.toJson(prediction) };
  }

  function train({ path, body, headers, model, version }: Call): Answer {
    const parsed = trainBody.strict().safeParse(body);
    if (!parsed.success) {
      violations.push(`POST ${path}: ${z.prettifyError(parsed.error)}`);
      return problem(422, 'Input validation failed');
    }
    const { input, webhook, destination } = parsed.data;
    const pushed = models.find(destination);
    if (!pushed) return problem(404, 'The destination does not exist.');
    if (pushed.visibility !== 'private') violations.push(`POST ${path}: into a public model`);
    if (headers['cancel-after']) violations.push(`POST ${path}: takes no Cancel-After`);
    checkWebhook(path, parsed.data);
    const cancelAfterMs = undefined;
    const asked = { kind: 'training', destination, model, version, input, webhook } as const;
    const training = board.accept({ ...asked, cancelAfterMs });
    trainings.push(training);
    return { status: 201, body: board.toJson(training) };
  }

  function checkWebhook(path: string, asked: z.infer<typeof createBody>): void {
    if (asked.webhook && asked.webhook_events_filter?.join() !== 'completed') {
      violations.push(`POST ${path}: a webhook for other events than completion`);
    }
  }

  function list({ endpoint, path, url }: Call): Answer {
    const isTrainings = endpoint === 'list_trainings';
    const createdAfter = url.searchParams.get('created_after');
    const since = createdAfter === null ? 0 : Date.parse(createdAfter);
    if (Number.isNaN(since)) violations.push(`GET ${path}: created_after ${createdAfter}`);
    if (isTrainings && createdAfter !== null) {
      violations.push(`GET ${path}: takes no created_after`);
    }
    const pageSize = options.pageSize ?? 100;
    const skipped = Number(url.searchParams.get('cursor') ?? 0);
    const all = (isTrainings ? trainings : predictions)
      .filter(({ createdAt }) => createdAt.getTime() >= since)
      .reverse();
    const page = (cursor: number) => {
      const next = new URL(`${baseUrl}${path}?cursor=${cursor}`);
      if (createdAfter !== null) next.searchParams.set('created_after', createdAfter);
      return next.href;
    };
    return {
      status: 200,
      body: {
        previous: skipped > 0 ? page(Math.max(0, skipped - pageSize)) : null,
        next: skipped + pageSize < all.length ? page(skipped + pageSize) : null,
        results: all.slice(skipped, skipped + pageSize).map(board.toJson),
      },
    };
  }

  async function serveOutput(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { url: path = '/', method = 'GET', headers } = request;
    requests.push({ endpoint: 'download', method, path, headers, body: undefined });
    if (headers.authorization) violations.push('GET of an output: the token was sent to its host');
    const [, id = '', index] = /^\/outputs\/(\w+)\/(\d+)\//.exec(path) ?? [];
    const output = board.outputOf(id, Number(index));
    if (!output) return sendJson(response, problem(404, 'Not found'));
    const fault = downloadFaults.shift() ?? standingDownloadFault ?? output.fault;
    await deliver(response, output.bytes, fault);
  }

  return {
    baseUrl,
    outputsUrl: delivery.origin,
    token,
    webhookSecret,
    predictions,
    trainings,
    models: models.list,
    setSchemas: models.setSchemas,
    requests,
    deliveries: webhooks.deliveries,
    violations,
    running: board.running,
    script(decide) {
      script = decide;
    },
    next(...scripts) {
      nextScripts.push(...scripts);
    },
    fault(endpoint, ...faults) {
      nextFaults.set(endpoint, [...(nextFaults.get(endpoint) ?? []), ...faults]);
    },
    faultAlways(endpoint, fault) {
      if (fault) standingFaults.set(endpoint, fault);
      else standingFaults.delete(endpoint);
    },
    faultDownload(...faults) {
      downloadFaults.push(...faults);
    },
    faultDownloadAlways(fault) {
      standingDownloadFault = fault;
    },
    fileBytes: files.bytesOf,
    expire(predictionId) {
      const prediction = board.list.find(({ id }) => id === predictionId);
      if (prediction) board.expire(prediction);
    },
    async close() {
      board.stop();
      await Promise.all([webhooks.stop(), api.close(), delivery.close()]);
    },
  };
}

/** `90`, `90s`, `5m`, `1h30m45s`, in milliseconds. */
function parseDuration(text: string | string[] | undefined): number | undefined {
  const [whole, h, m, s] = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?$/.exec(String(text ?? '')) ?? [];
  if (!whole) return undefined;
  return (Number(h ?? 0) * 3600 + Number(m ?? 0) * 60 + Number(s ?? 0)) * 1000;
}

function asJson(body: unknown): unknown {
  return body === undefined ? undefined : JSON.parse(JSON.stringify(body));
}

function problem(status: number, detail: string): Answer {
  return { status, body: { detail, status } };
}
