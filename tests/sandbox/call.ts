import type { ApiMethods, Opts } from 'grammy/types';
import type { BotApiServer } from '../../src/sandbox/bot-api-server.ts';
import { testToken } from '../support/sandbox.ts';

/** What came back: the result, or the refusal as "code description". */
export type Outcome<R> = { result: R } | { refused: string; retryAfter?: number };

interface RawAnswer {
  ok: boolean;
  result: unknown;
  error_code: number;
  description: string;
  parameters?: { retry_after?: number };
}

/** Calls a method with a JSON body, without any client library. */
export async function call<M extends keyof ApiMethods>(
  server: Pick<BotApiServer, 'url'>,
  method: M,
  payload: Opts<M> | Record<string, unknown> = {},
  signal?: AbortSignal,
): Promise<Outcome<ReturnType<ApiMethods[M]>>> {
  const response = await fetch(`${server.url}/bot${testToken}/${method}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(payload),
    signal: signal ?? null,
  });
  return readOutcome(response);
}

/** Calls a method with a multipart body. */
export async function upload<M extends keyof ApiMethods>(
  server: Pick<BotApiServer, 'url'>,
  method: M,
  fields: Record<string, string | number | { bytes: Uint8Array; name: string }>,
): Promise<Outcome<ReturnType<ApiMethods[M]>>> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value !== 'object') form.set(name, String(value));
    else form.set(name, new Blob([new Uint8Array(value.bytes)]), value.name);
  }
  const url = `${server.url}/bot${testToken}/${method}`;
  return readOutcome(await fetch(url, { method: 'POST', body: form }));
}

/** Calls a method that must succeed. */
export async function ok<R>(outcome: Promise<Outcome<R>>): Promise<R> {
  const done = await outcome;
  if ('refused' in done) throw new Error(`refused: ${done.refused}`);
  return done.result;
}

/** Calls a method that must be refused and returns "code description". */
export async function refusal(outcome: Promise<Outcome<unknown>>): Promise<string> {
  const done = await outcome;
  return 'refused' in done ? done.refused : `accepted: ${JSON.stringify(done.result)}`;
}

async function readOutcome<R>(response: Response): Promise<Outcome<R>> {
  const answer = (await response.json()) as RawAnswer;
  if (answer.ok) return { result: answer.result as R };
  const retryAfter = answer.parameters?.retry_after;
  return {
    refused: `${answer.error_code} ${answer.description}`,
    ...(retryAfter === undefined ? {} : { retryAfter }),
  };
}
