import type { IncomingMessage } from 'node:http';
import { BotApiError, badRequest } from './bot-api-error.ts';

/** A file inside a multipart request. */
export interface UploadedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly mimeType: string | undefined;
}

/**
 * The arguments of one call, however they were sent. Telegram reads every argument as a string,
 * so `5` and `"5"`, or an array and its JSON text, are the same.
 */
export interface Fields {
  /** The arguments as sent: JSON values for a JSON body, strings otherwise. */
  readonly values: Readonly<Record<string, unknown>>;
  readonly files: ReadonlyMap<string, UploadedFile>;
  /** True when the body was JSON, so that its values have types. */
  readonly isTyped: boolean;
  text(name: string): string | undefined;
  integer(name: string): number | undefined;
  flag(name: string): boolean;
  /** The argument decoded from JSON if it was sent as text. */
  json(name: string): unknown;
}

/** Wraps arguments for reading. */
export function createFields(
  values: Readonly<Record<string, unknown>>,
  files: ReadonlyMap<string, UploadedFile> = new Map(),
  isTyped = true,
): Fields {
  function text(name: string): string | undefined {
    const value = values[name];
    if (value === undefined || value === null) return undefined;
    return typeof value === 'object' ? JSON.stringify(value) : String(value);
  }
  return {
    values,
    files,
    isTyped,
    text,
    integer(name) {
      const value = text(name);
      return value !== undefined && /^-?\d+$/.test(value.trim()) ? Number(value) : undefined;
    },
    flag: (name) => /^(true|yes|1)$/i.test(text(name) ?? ''),
    json(name) {
      const value = values[name];
      if (typeof value !== 'string') return value ?? undefined;
      if (value === '') return undefined;
      try {
        return JSON.parse(value) as unknown;
      } catch {
        throw badRequest(`can't parse ${name}: the value is not valid JSON`);
      }
    },
  };
}

/**
 * Reads the arguments of a call from its query string and its JSON, urlencoded or multipart body.
 *
 * @throws {BotApiError} 413 when the body is larger than `maxBytes`; the rest of it is swallowed,
 * so that the client gets to read the answer.
 */
export async function readFields(
  request: IncomingMessage,
  query: URLSearchParams,
  maxBytes: number,
): Promise<Fields> {
  const body = await readBody(request, maxBytes);
  const fromQuery = Object.fromEntries(query);
  const contentType = request.headers['content-type'] ?? '';
  if (contentType.startsWith('multipart/form-data')) {
    const { values, files } = parseMultipart(body, contentType);
    return createFields({ ...fromQuery, ...values }, files, false);
  }
  if (contentType.startsWith('application/json')) {
    return createFields({ ...fromQuery, ...parseJsonObject(body) });
  }
  const form = Object.fromEntries(new URLSearchParams(body.toString('utf8')));
  return createFields({ ...fromQuery, ...form }, new Map(), false);
}

async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes <= maxBytes) chunks.push(chunk);
  }
  if (sizeBytes > maxBytes) throw new BotApiError(413, 'Request Entity Too Large');
  return Buffer.concat(chunks);
}

function parseJsonObject(body: Buffer): Record<string, unknown> {
  if (body.length === 0) return {};
  try {
    const value = JSON.parse(body.toString('utf8')) as unknown;
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw badRequest("can't parse JSON object");
}

/**
 * Splits a multipart body. Written out because Telegram accepts what strict parsers refuse:
 * grammY sends unquoted file names and headers without a space after the colon.
 */
function parseMultipart(
  body: Buffer,
  contentType: string,
): { values: Record<string, string>; files: Map<string, UploadedFile> } {
  const boundary = /boundary="?([^";]+)"?/i.exec(contentType)?.[1];
  if (boundary === undefined) throw badRequest('boundary is missing in the multipart request');
  const values: Record<string, string> = {};
  const files = new Map<string, UploadedFile>();
  const delimiter = Buffer.from(`--${boundary}`);
  const nextDelimiter = Buffer.from(`\r\n--${boundary}`);

  let at = body.indexOf(delimiter);
  while (at !== -1) {
    const partStart =
      at + (body.indexOf(nextDelimiter, at) === at ? nextDelimiter : delimiter).length;
    if (body.toString('latin1', partStart, partStart + 2) === '--') break;
    const headersEnd = body.indexOf('\r\n\r\n', partStart);
    const partEnd = body.indexOf(nextDelimiter, headersEnd + 2);
    if (headersEnd === -1 || partEnd === -1) throw badRequest('multipart request is cut off');
    const headers = body.toString('utf8', partStart, headersEnd);
    const bytes = body.subarray(Math.min(headersEnd + 4, partEnd), partEnd);
    const name = /[\s;]name="?([^";\r\n]+)"?/i.exec(headers)?.[1];
    const fileName = /filename=(?:"([^"\r\n]*)"|([^;\r\n]*))/i.exec(headers);
    if (name !== undefined && fileName !== null) {
      files.set(name, {
        name: fileName[1] ?? fileName[2] ?? '',
        bytes,
        mimeType: /content-type:\s*([^;\r\n]+)/i.exec(headers)?.[1],
      });
    } else if (name !== undefined) {
      values[name] = bytes.toString('utf8');
    }
    at = partEnd;
  }
  return { values, files };
}
