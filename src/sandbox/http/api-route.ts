import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { methods } from '../methods/index.ts';
import type { Call } from '../methods/method.ts';
import type { World } from '../world/world.ts';
import { BotApiError } from './bot-api-error.ts';
import { type ApiCall, createCallRecord, describePayload } from './call-record.ts';
import type { CallFault, FaultSource } from './faults.ts';
import { type FloodControl, tooManyRequests } from './flood-control.ts';
import { createFields, type Fields, readFields } from './request-fields.ts';
import type { SpecCheck } from './spec-check.ts';

/** Multipart headers, captions and thumbnails that travel with the largest file. */
const bodyOverheadBytes = 1024 * 1024;

/** An HTTP answer in Telegram's shape. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** Answers calls of Bot API methods. */
export interface ApiRoute {
  readonly calls: ApiCall[];
  /** Answers one request to `/bot<token>/<method>`. */
  handle(
    method: string,
    query: URLSearchParams,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void>;
  /** Runs the call that the answer to a webhook delivery may hold as JSON. */
  callFromWebhook(body: string): Promise<void>;
}

const canonicalNames = new Map(Object.keys(methods).map((name) => [name.toLowerCase(), name]));
const handlers = new Map<string, (call: Call) => unknown>(Object.entries(methods));

/** Creates the route; `closing` is aborted when the server stops. */
export function createApiRoute(deps: {
  /** Asked late: the world's webhook needs this route to run the calls it is answered with. */
  world: () => World;
  faults: FaultSource;
  /** None by default: nothing is refused for being too much. */
  flood: FloodControl | undefined;
  spec: SpecCheck | undefined;
  violations: string[];
  closing: AbortSignal;
}): ApiRoute {
  const { faults, flood, spec, violations, closing } = deps;
  const record = createCallRecord();

  async function run(method: string, fields: Fields, signal: AbortSignal): Promise<Answer> {
    violations.push(...(spec?.checkRequest(method, fields) ?? []));
    try {
      const handler = handlers.get(method);
      if (handler === undefined) throw new BotApiError(404, 'Not Found: method not found');
      flood?.check(method, fields);
      const result = await handler({ world: deps.world(), fields, signal });
      violations.push(...(spec?.checkResult(method, result) ?? []));
      return { status: 200, body: { ok: true, result } };
    } catch (error) {
      if (!(error instanceof BotApiError)) {
        violations.push(`${method}: the server itself failed: ${String(error)}`);
      }
      return refuse(error);
    }
  }

  /** Plays a fault; returns the answer it gives instead of handling the call, if any. */
  async function play(
    fault: CallFault | undefined,
    signal: AbortSignal,
  ): Promise<Answer | 'cut' | undefined> {
    switch (fault?.kind) {
      case '429':
        return refuse(tooManyRequests(fault.retryAfter));
      case '5xx':
        return refuse(new BotApiError(fault.status ?? 502, 'Bad Gateway'));
      case 'delay':
        await sleep(fault.ms, undefined, { signal }).catch(() => {});
        return undefined;
      case 'hang':
        if (!signal.aborted) {
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
        }
        return 'cut';
      case 'reset':
        return 'cut';
      default:
        return undefined;
    }
  }

  return {
    calls: record.calls,
    async handle(givenName, query, request, response) {
      const method = canonicalNames.get(givenName.toLowerCase()) ?? givenName;
      const call = record.begin(method);
      const fault = faults.takeForCall(method);
      const gone = new AbortController();
      response.on('close', () => gone.abort());
      const signal = AbortSignal.any([gone.signal, closing]);

      if (fault?.kind === 'reset') return void request.socket.destroy();
      let answer: Answer;
      try {
        const maxBytes = deps.world().limits.maxUploadBytes + bodyOverheadBytes;
        const fields = await readFields(request, query, maxBytes);
        call.payload = describePayload(fields);
        const played = await play(fault, signal);
        if (played === 'cut') return void request.socket.destroy();
        answer = played ?? (await run(method, fields, signal));
      } catch (error) {
        answer = refuse(error);
      }
      if (fault?.kind === 'reset-after' || signal.aborted) return void request.socket.destroy();
      call.status = answer.status;
      // What the bot was told must still be so after a crash.
      deps.world().store.flush();
      sendJson(response, answer);
    },
    async callFromWebhook(body) {
      const { method: name, ...values } = parseObject(body);
      if (typeof name !== 'string') return;
      const method = canonicalNames.get(name.toLowerCase()) ?? name;
      const fields = createFields(values);
      const call = record.begin(method);
      call.payload = describePayload(fields);
      call.status = (await run(method, fields, closing)).status;
    },
  };
}

function parseObject(json: string): Record<string, unknown> {
  try {
    const value = JSON.parse(json) as unknown;
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    // Anything else is a plain confirmation.
    return {};
  }
}

/** Sends an answer. */
export function sendJson(response: ServerResponse, { status, body }: Answer): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

/** Makes Telegram's answer of an error; what is not a refusal is a bug of this server. */
export function refuse(error: unknown): Answer {
  const refusal =
    error instanceof BotApiError
      ? error
      : new BotApiError(500, `Internal Server Error: ${String(error)}`);
  const { code, message, parameters } = refusal;
  return {
    status: code,
    body: {
      ok: false,
      error_code: code,
      description: message,
      ...(parameters === undefined ? {} : { parameters }),
    },
  };
}
