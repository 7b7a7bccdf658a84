import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { fileKindOf } from './file-kind.ts';
import { makeJpeg } from './pictures.ts';
import { deliver } from './replicate-delivery.ts';
import type { CallFault } from './replicate-faults.ts';
import { listen, readBody, sendJson } from './replicate-http.ts';
import type { DownloadFault } from './replicate-predictions.ts';

export type BflEndpoint = 'create' | 'get';

/** What becomes of one task. All is optional: by default it is ready with a JPEG. */
export interface TaskScript {
  /** From acceptance to the end, in milliseconds. */
  readonly delayMs?: number;
  /** The status at the end; `Pending` never ends. */
  readonly status?: string;
  readonly output?: Buffer;
  /** In place of the server's own. */
  readonly pollingUrl?: string | null;
  readonly download?: DownloadFault;
}

/** A task that the server accepted. */
export interface ServedTask {
  readonly id: string;
  readonly model: string;
  /** The body, without pictures. */
  readonly input: Readonly<Record<string, unknown>>;
  /** The bytes behind `input_image`, `input_image_2` and so on. */
  readonly images: Readonly<Record<string, Buffer>>;
  readonly endsAt: number;
  readonly script: TaskScript;
  /** Whether its output is gone, as it is after ten minutes. */
  expired: boolean;
}

export interface BflServer {
  /** Without `/v1`. */
  readonly baseUrl: string;
  readonly key: string;
  /** In order of acceptance. */
  readonly tasks: readonly ServedTask[];
  readonly requests: readonly {
    readonly endpoint: BflEndpoint | 'download' | 'unknown';
    readonly path: string;
    readonly headers: IncomingHttpHeaders;
  }[];
  /** Whatever a client did against the rules of the API. */
  readonly violations: readonly string[];
  /** Decides about each task that `next` says nothing about. */
  script(script: (input: ServedTask['input']) => TaskScript | undefined): void;
  /** Decides about the next tasks, one each. */
  next(...scripts: readonly TaskScript[]): void;
  /** The next calls of an endpoint go wrong, one each. */
  fault(endpoint: BflEndpoint, ...faults: readonly CallFault[]): void;
  close(): Promise<void>;
}

const MODELS = /^\/v1\/(flux-(?:2-[a-z0-9-]+|kontext-(?:pro|max)|pro-1\.1(?:-ultra)?|dev))$/;

const createBody = z
  .object({
    prompt: z.string().min(1),
    seed: z.int().optional(),
    width: z.int().min(64).multipleOf(16).optional(),
    height: z.int().min(64).multipleOf(16).optional(),
    aspect_ratio: z.string().optional(),
    prompt_upsampling: z.boolean().optional(),
    safety_tolerance: z.int().min(0).max(6).optional(),
    output_format: z.enum(['jpeg', 'png']).optional(),
  })
  .catchall(z.string());

const IMAGE = /^input_image(_[2-8])?$/;

/** A BFL on this machine, by script, with the wire format of the real one. */
export async function startBflServer(
  options: { readonly key?: string; readonly delayMs?: number } = {},
): Promise<BflServer> {
  const key = options.key ?? 'bfl-loopback-key-that-must-not-leak';
  const tasks: ServedTask[] = [];
  const requests: BflServer['requests'][number][] = [];
  const violations: string[] = [];
  const nextScripts: TaskScript[] = [];
  const faults: Record<BflEndpoint, CallFault[]> = { create: [], get: [] };
  let script: (input: ServedTask['input']) => TaskScript | undefined = () => undefined;

  const api = await listen(serveApi, violations);
  const delivery = await listen(serveOutput, violations);

  async function serveApi(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, headers } = request;
    const url = new URL(request.url ?? '/', api.origin);
    const [, model] = (method === 'POST' && MODELS.exec(url.pathname)) || [];
    const isLook = method === 'GET' && url.pathname === '/v1/get_result';
    const endpoint = model ? 'create' : isLook ? 'get' : 'unknown';
    const raw = await readBody(request);
    requests.push({ endpoint, path: `${url.pathname}${url.search}`, headers });
    if (headers['x-key'] !== key) {
      violations.push(`${method} ${url.pathname}: without the key`);
      return sendJson(response, { status: 403, body: { detail: 'Not authenticated' } });
    }
    if (endpoint === 'unknown') {
      violations.push(`${method} ${url.pathname}: no such route`);
      return sendJson(response, { status: 404, body: { detail: 'Not Found' } });
    }
    const fault = faults[endpoint].shift();
    if (fault?.kind === 'reset') return void request.socket.resetAndDestroy();
    if (fault?.kind === 'hang') return;
    if (fault?.kind === 'answer') return sendJson(response, fault, fault.headers);
    const answer = model ? create(model, raw) : look(url.searchParams.get('id') ?? '');
    if (fault?.kind === 'reset_after') return void request.socket.resetAndDestroy();
    if (fault?.kind === 'hang_after') return;
    if (fault?.kind === 'garbled_after') return void response.writeHead(200).end('<html>');
    sendJson(response, answer);
  }

  function create(model: string, raw: Buffer) {
    const parsed = createBody.safeParse(JSON.parse(raw.toString()));
    if (!parsed.success) {
      violations.push(`POST of ${model}: ${z.prettifyError(parsed.error)}`);
      return { status: 422, body: { detail: parsed.error.issues } };
    }
    const images: Record<string, Buffer> = {};
    const input: Record<string, unknown> = {};
    for (const [field, value] of Object.entries(parsed.data)) {
      if (!IMAGE.test(field)) {
        if (!(field in createBody.shape)) violations.push(`POST of ${model}: no field ${field}`);
        input[field] = value;
        continue;
      }
      const bytes = Buffer.from(String(value), 'base64');
      if (bytes.toString('base64') !== value) violations.push(`${field} is not base64`);
      images[field] = bytes;
    }
    const decided = nextScripts.shift() ?? script(input) ?? {};
    const id = randomUUID();
    const endsAt = Date.now() + (decided.delayMs ?? options.delayMs ?? 30);
    tasks.push({ id, model, input, images, endsAt, script: decided, expired: false });
    const polling_url = decided.pollingUrl ?? `${api.origin}/v1/get_result?id=${id}`;
    const told = decided.pollingUrl === null ? {} : { polling_url };
    return { status: 200, body: { id, ...told, cost: 4.5, input_mp: 1, output_mp: 1 } };
  }

  function look(id: string) {
    const task = tasks.find((each) => each.id === id);
    const status = !task
      ? 'Task not found'
      : task.endsAt > Date.now()
        ? 'Pending'
        : (task.script.status ?? 'Ready');
    const sample = `${delivery.origin}/results/${id}/sample.jpeg?sig=loopback`;
    const result = status === 'Ready' ? { sample, prompt: task?.input['prompt'] } : null;
    return { status: 200, body: { id, status, result, progress: null, details: null } };
  }

  async function serveOutput(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { url: path = '/', headers } = request;
    requests.push({ endpoint: 'download', path, headers });
    if (headers['x-key']) violations.push('GET of an output: the key was sent to its host');
    const task = tasks.find(({ id }) => path.startsWith(`/results/${id}/`));
    if (!task || task.expired) return sendJson(response, { status: 403 });
    const bytes = task.script.output ?? (await makeJpeg({ width: 256, height: 256 }));
    if (!fileKindOf(bytes).contentType.startsWith('image/')) violations.push('no picture');
    await deliver(response, bytes, task.script.download);
  }

  return {
    baseUrl: api.origin,
    key,
    tasks,
    requests,
    violations,
    script(decide) {
      script = decide;
    },
    next(...scripts) {
      nextScripts.push(...scripts);
    },
    fault(endpoint, ...given) {
      faults[endpoint].push(...given);
    },
    async close() {
      await Promise.all([api.close(), delivery.close()]);
    },
  };
}
