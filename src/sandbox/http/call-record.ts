import { createHash } from 'node:crypto';
import type { Fields, UploadedFile } from './request-fields.ts';

/** A file that came with a call, without its bytes. */
export interface ApiCallFile {
  readonly name: string;
  /** Size in bytes. */
  readonly bytes: number;
  readonly sha256: string;
}

/** One call of a Bot API method, as a test wants to look at it. */
export interface ApiCall {
  /** Counts the calls from 0; 0 is the first one of this server's life. */
  readonly number: number;
  readonly method: string;
  /** The arguments with their JSON types, whatever encoding they came in; files described. */
  readonly payload: Readonly<Record<string, unknown>>;
  /** When it arrived, in Unix milliseconds. */
  readonly at: number;
  /** The HTTP status of the answer; 0 while there is none, or when the connection was cut. */
  readonly status: number;
}

/** A call that is still to be answered. */
export type OpenCall = { -readonly [Key in keyof ApiCall]: ApiCall[Key] };

/** The latest calls; what is older is forgotten, for a sandbox may run for weeks. */
export interface CallRecord {
  readonly calls: ApiCall[];
  /** Takes down a call that has just arrived. */
  begin(method: string): OpenCall;
}

const keptCalls = 5_000;

/** Creates an empty record. */
export function createCallRecord(): CallRecord {
  const calls: ApiCall[] = [];
  let number = 0;
  return {
    calls,
    begin(method) {
      const call: OpenCall = { number, method, payload: {}, at: Date.now(), status: 0 };
      number += 1;
      calls.push(call);
      if (calls.length > keptCalls) calls.shift();
      return call;
    },
  };
}

/** Turns the arguments of a call into the payload of an {@link ApiCall}. */
export function describePayload(fields: Fields): Record<string, unknown> {
  const described = new Map<string, ApiCallFile>();
  for (const [name, file] of fields.files) described.set(name, describeFile(file));
  const attached = new Set<string>();

  function resolve(value: unknown): unknown {
    if (typeof value === 'string') {
      const reference = /^attach:\/\/(.+)$/.exec(value)?.[1];
      const file = reference === undefined ? undefined : described.get(reference);
      if (reference === undefined || file === undefined) return value;
      attached.add(reference);
      return file;
    }
    if (Array.isArray(value)) return value.map(resolve);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, resolve(one)]));
  }

  const payload: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields.values)) {
    payload[name] = resolve(typeof value === 'string' ? restoreType(name, value, fields) : value);
  }
  for (const [name, file] of described) if (!attached.has(name)) payload[name] = file;
  return payload;
}

function describeFile({ name, bytes }: UploadedFile): ApiCallFile {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { name, bytes: bytes.byteLength, sha256 };
}

const integerNames =
  /(^|_)(chat_id|message_id|user_id|width|height|duration|limit|offset|timeout|time|period)$/;

/** Multipart and urlencoded arguments are all strings; objects are sent as JSON in any encoding. */
function restoreType(name: string, value: string, fields: Fields): unknown {
  if (/^(text|caption)$/.test(name)) return value;
  if (/^[[{]/.test(value)) {
    try {
      return JSON.parse(value) as unknown;
    } catch {
      return value;
    }
  }
  if (fields.isTyped) return value;
  if (value === 'true' || value === 'false') return value === 'true';
  return integerNames.test(name) && /^-?\d+$/.test(value) ? Number(value) : value;
}
