import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import ffmpeg from '@ffmpeg-installer/ffmpeg';
import { z } from 'zod';
import { createOpenApiCheck } from './openapi-check.ts';
import type { CallFault } from './replicate-faults.ts';
import {
  listen,
  parseBody,
  readBody,
  sendBytes,
  sendJson,
  UploadedPart,
} from './replicate-http.ts';
import {
  type ClipRequest,
  createPredictionBoard,
  type DownloadFault,
  type PredictionScript,
  type Script,
  type ServedPrediction,
} from './replicate-predictions.ts';
import {
  createWebhookSecret,
  createWebhookSender,
  type WebhookDelivery,
} from './replicate-webhooks.ts';
import { createSampleClips } from './sample-clip.ts';

export { type CallFault, refusals, throttled } from './replicate-faults.ts';
export type {
  ClipRequest,
  DownloadFault,
  PredictionScript,
  Script,
  ServedPrediction,
} from './replicate-predictions.ts';
export { signWebhook, type WebhookDelivery, type WebhookScript } from './replicate-webhooks.ts';

export interface ReplicateServerOptions {
  readonly token?: string;
  /** How long a prediction takes when its script does not say, in milliseconds; 30 by default. */
  readonly delayMs?: number;
  /** Makes the outputs; without it they are a test pattern of the asked length. */
  readonly makeClip?: (request: ClipRequest) => Promise<Buffer>;
  readonly ffmpegPath?: string;
  /** The OpenAPI document all traffic is held against; `REPLICATE_OPENAPI` by default. */
  readonly specPath?: string;
  /** The folder of the models' input schemas; `REPLICATE_SCHEMAS` by default. */
  readonly schemasDir?: string;
  /** How long an uploaded file lives, in milliseconds; an hour by default. */
  readonly fileLifetimeMs?: number;
  /** Predictions in one page of the listing; 100 by default. */
  readonly pageSize?: number;
}

export type Endpoint = 'create' | 'get' | 'list' | 'cancel' | 'upload' | 'secret' | 'model';

export interface ServedRequest {
  readonly endpoint: Endpoint | 'file' | 'download' | 'unknown';
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
  readonly requests: readonly ServedRequest[];
  readonly deliveries: readonly WebhookDelivery[];
  /** Whatever a client, or this server, did against the rules of the API. */
  readonly violations: readonly string[];
  /** Predictions that are not over: now, and at most at once. */
  readonly running: { readonly now: number; readonly peak: number };
  /** Decides about each prediction that `next` says nothing about. */
  script(script: Script): void;
  /** Decides about the next predictions, one each. */
  next(...scripts: readonly PredictionScript[]): void;
  /** The next calls of an endpoint go wrong, one each. */
  fault(endpoint: Endpoint, ...faults: readonly CallFault[]): void;
  /** Every call of an endpoint goes wrong, until undefined is given. */
  faultAlways(endpoint: Endpoint, fault: CallFault | undefined): void;
  /** The next downloads of outputs go wrong, one each. */
  faultDownload(...faults: readonly DownloadFault[]): void;
  /** The bytes behind a file URL of this server, or a data URI. */
  fileBytes(url: string): Buffer | undefined;
  /** Deletes the output of a prediction, as happens an hour after completion. */
  expire(predictionId: string): void;
  close(): Promise<void>;
}

interface StoredFile {
  readonly id: string;
  readonly bytes: Buffer;
  readonly contentType: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

const createBody = z.object({
  version: z.string().optional(),
  input: z.record(z.string(), z.unknown()),
  webhook: z.string().optional(),
  webhook_events_filter: z.array(z.string()).optional(),
});

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
  const sampleClip = createSampleClips(options.ffmpegPath ?? ffmpeg.path);
  const requests: ServedRequest[] = [];
  const violations: string[] = [];
  const files = new Map<string, StoredFile>();
  const nextScripts: PredictionScript[] = [];
  const nextFaults = new Map<Endpoint, CallFault[]>();
  const standingFaults = new Map<Endpoint, CallFault>();
  const downloadFaults: DownloadFault[] = [];
  let script: Script = () => undefined;

  const api = await listen(serveApi, violations);
  const delivery = await listen(serveOutput, violations);
  const baseUrl = `${api.origin}/v1`;

  const board = createPredictionBoard({
    delayMs: options.delayMs ?? 30,
    apiUrl: () => baseUrl,
    outputsUrl: () => delivery.origin,
    scriptOf: (prediction) => nextScripts.shift() ?? script(prediction),
    makeClip: options.makeClip ?? (({ seconds }) => sampleClip(seconds)),
    bytesOf,
    webhooks,
    violation: (text) => violations.push(text),
  });

  function bytesOf(url: string): Buffer | undefined {
    const [, data] = /^data:[^,]*;base64,(.*)$/s.exec(url) ?? [];
    if (data !== undefined) return Buffer.from(data, 'base64');
    const [, id] = /\/v1\/files\/(\w+)/.exec(url) ?? [];
    const file = id && url.startsWith(api.origin) ? files.get(id) : undefined;
    return file && file.expiresAt > new Date() ? file.bytes : undefined;
  }

  async function serveApi(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', headers } = request;
    const url = new URL(request.url ?? '/', api.origin);
    const path = url.pathname.replace(/^\/v1/, '');
    const endpoint = endpointOf(method, path);
    const raw = await readBody(request);
    const body = await parseBody(raw, headers['content-type']);
    requests.push({ endpoint, method, path: `${path}${url.search}`, headers, body });

    if (path.endsWith('/download')) {
      const bytes = bytesOf(url.href);
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

    const answer = answerCall(endpoint, path, url, body, headers);
    violations.push(...openApi.response(method, path, answer.status, answer.body));
    if (fault?.kind === 'reset_after') return void request.socket.resetAndDestroy();
    if (fault?.kind === 'hang_after') return;
    if (fault?.kind === 'garbled_after') return void response.writeHead(201).end('<html>');
    sendJson(response, answer);
  }

  function takeFault(endpoint: ServedRequest['endpoint']): CallFault | undefined {
    if (endpoint === 'unknown' || endpoint === 'file' || endpoint === 'download') return undefined;
    return nextFaults.get(endpoint)?.shift() ?? standingFaults.get(endpoint);
  }

  function answerCall(
    endpoint: ServedRequest['endpoint'],
    path: string,
    url: URL,
    body: unknown,
    headers: IncomingHttpHeaders,
  ): Answer {
    const [, , first = '', second = ''] = path.split('/');
    switch (endpoint) {
      case 'create':
        return create(path, body, headers);
      case 'list':
        return list(url);
      case 'get': {
        const prediction = board.list.find(({ id }) => id === first);
        return prediction
          ? { status: 200, body: board.toJson(prediction) }
          : problem(404, 'The requested resource could not be found.');
      }
      case 'cancel': {
        const prediction = board.list.find(({ id }) => id === first);
        if (!prediction) return problem(404, 'The requested resource could not be found.');
        board.cancel(prediction);
        return { status: 200, body: board.toJson(prediction) };
      }
      case 'upload':
        return upload(body);
      case 'file': {
        const file = files.get(first);
        return file ? { status: 200, body: fileJson(file) } : problem(404, 'File not found');
      }
      case 'secret':
        return { status: 200, body: { key: webhookSecret } };
      case 'model':
        return describeModel(first, second);
      default:
        violations.push(`${path}: no such route`);
        return problem(404, 'The requested resource could not be found.');
    }
  }

  function create(path: string, body: unknown, headers: IncomingHttpHeaders): Answer {
    const parsed = createBody.strict().safeParse(body);
    if (!parsed.success) {
      violations.push(`POST ${path}: ${z.prettifyError(parsed.error)}`);
      return problem(422, 'Input validation failed');
    }
    const { input, webhook, version } = parsed.data;
    const [, owner, name] = /^\/models\/([^/]+)\/([^/]+)/.exec(path) ?? [];
    const [model = '', versionId = 'hidden'] = (version ?? `${owner}/${name}`).split(':');
    violations.push(...openApi.input(model, input));
    if (webhook && parsed.data.webhook_events_filter?.join() !== 'completed') {
      violations.push(`POST ${path}: a webhook for other events than completion`);
    }
    const cancelAfter = headers['cancel-after'];
    const cancelAfterMs = parseDuration(cancelAfter);
    if (cancelAfter !== undefined && !(cancelAfterMs && cancelAfterMs >= 5000)) {
      violations.push(`POST ${path}: Cancel-After ${cancelAfter}`);
    }
    const prediction = board.accept({ model, version: versionId, input, webhook, cancelAfterMs });
    return { status: 201, body: board.toJson(prediction) };
  }

  function list(url: URL): Answer {
    const createdAfter = url.searchParams.get('created_after');
    const since = createdAfter === null ? 0 : Date.parse(createdAfter);
    if (Number.isNaN(since)) violations.push(`GET /predictions: created_after ${createdAfter}`);
    const pageSize = options.pageSize ?? 100;
    const skipped = Number(url.searchParams.get('cursor') ?? 0);
    const all = board.list.filter(({ createdAt }) => createdAt.getTime() >= since).reverse();
    const page = (cursor: number) => {
      const next = new URL(`${baseUrl}/predictions?cursor=${cursor}`);
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

  function upload(body: unknown): Answer {
    const content = z.object({ content: z.instanceof(UploadedPart) }).safeParse(body).data?.content;
    if (!content?.filename) {
      violations.push('POST /files: no content, or no file name');
      return problem(400, 'Missing content');
    }
    const createdAt = new Date();
    const file: StoredFile = {
      id: randomBytes(16).toString('hex'),
      bytes: content.bytes,
      contentType: content.type,
      createdAt,
      expiresAt: new Date(createdAt.getTime() + (options.fileLifetimeMs ?? 3_600_000)),
    };
    if (!content.type.startsWith('image/')) violations.push(`POST /files: type ${content.type}`);
    files.set(file.id, file);
    return { status: 201, body: fileJson(file) };
  }

  function fileJson(file: StoredFile): object {
    return {
      id: file.id,
      content_type: file.contentType,
      size: file.bytes.length,
      checksums: { sha256: createHash('sha256').update(file.bytes).digest('hex') },
      metadata: {},
      created_at: file.createdAt.toISOString(),
      expires_at: file.expiresAt.toISOString(),
      urls: { get: `${baseUrl}/files/${file.id}` },
    };
  }

  function describeModel(owner: string, name: string): Answer {
    const path = schemasDir && join(schemasDir, `${name}.schema.json`);
    if (!path || !existsSync(path))
      return problem(404, 'The requested resource could not be found.');
    const schemas = { Input: JSON.parse(readFileSync(path, 'utf8')) };
    return {
      status: 200,
      body: {
        url: `https://replicate.com/${owner}/${name}`,
        owner,
        name,
        visibility: 'public',
        is_official: true,
        run_count: 1,
        latest_version: { id: 'hidden', openapi_schema: { components: { schemas } } },
      },
    };
  }

  async function serveOutput(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { url: path = '/', method = 'GET', headers } = request;
    requests.push({ endpoint: 'download', method, path, headers, body: undefined });
    if (headers.authorization) violations.push('GET of an output: the token was sent to its host');
    const [, id = ''] = /^\/outputs\/(\w+)\//.exec(path) ?? [];
    const output = board.outputOf(id);
    if (!output) return sendJson(response, problem(404, 'Not found'));
    const fault = downloadFaults.shift() ?? output.fault;
    const half = output.bytes.subarray(0, output.bytes.length / 2);
    switch (fault?.kind) {
      case undefined:
        return sendBytes(response, output.bytes);
      case 'answer':
        return void response.writeHead(fault.status, fault.headers).end();
      case 'truncated':
        response.writeHead(200, { 'content-length': output.bytes.length });
        return void response.write(half, () => response.destroy());
      case 'stall':
        response.writeHead(200, { 'content-length': output.bytes.length });
        return void response.write(half);
      case 'slow': {
        response.writeHead(200);
        const size = Math.ceil(output.bytes.length / 10);
        for (let at = 0; at < output.bytes.length && !response.destroyed; at += size) {
          response.write(output.bytes.subarray(at, at + size));
          await sleep(fault.pauseMs);
        }
        return void response.end();
      }
    }
  }

  return {
    baseUrl,
    outputsUrl: delivery.origin,
    token,
    webhookSecret,
    predictions: board.list,
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
    fileBytes: bytesOf,
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

function endpointOf(method: string, path: string): ServedRequest['endpoint'] {
  const call = `${method} ${path}`;
  if (/^POST (\/models\/[^/]+\/[^/]+)?\/predictions$/.test(call)) return 'create';
  if (call === 'GET /predictions') return 'list';
  if (/^GET \/predictions\/[^/]+$/.test(call)) return 'get';
  if (/^POST \/predictions\/[^/]+\/cancel$/.test(call)) return 'cancel';
  if (call === 'POST /files') return 'upload';
  if (/^GET \/files\/[^/]+(\/download)?$/.test(call)) return 'file';
  if (call === 'GET /webhooks/default/secret') return 'secret';
  return /^GET \/models\/[^/]+\/[^/]+$/.test(call) ? 'model' : 'unknown';
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
