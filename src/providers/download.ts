import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Failure } from '../domain/failure.ts';
import { parseRetryAfter } from './api-answer.ts';
import { checkOutputUrl } from './output-url.ts';
import type { DownloadOutcome } from './provider.ts';

/** Outputs come from delivery hosts of the provider's own, with a hop at most. */
const MAX_REDIRECTS = 3;

export interface DownloadLimits {
  /** How long nothing may arrive of a download, in milliseconds; 30 s by default. */
  readonly downloadIdleMs: number;
  /** A download as a whole, in milliseconds; 15 minutes by default. */
  readonly downloadMs: number;
  /** A download as a whole; 500 MB by default, far above any clip of the catalogue. */
  readonly downloadBytes: number;
}

export const DOWNLOAD_LIMITS: DownloadLimits = {
  downloadIdleMs: 30_000,
  downloadMs: 15 * 60_000,
  downloadBytes: 500 * 1024 * 1024,
};

export interface DownloadDeps {
  /** The provider's API: it tells where outputs may come from. */
  readonly baseUrl: string;
  /** What is shown to the API itself, should outputs live there, and to nobody else. */
  readonly apiHeaders: Readonly<Record<string, string>>;
  readonly fetch: typeof globalThis.fetch;
  readonly limits: DownloadLimits;
}

type Fetched =
  | { readonly kind: 'response'; readonly response: Response }
  | { readonly kind: 'failed'; readonly failure: Failure };

/**
 * Streams `output` to `path`: first beside it, moved there when whole.
 * @throws when this machine cannot write the file.
 */
export async function downloadOutput(
  deps: DownloadDeps,
  output: string,
  path: string,
  signal: AbortSignal,
): Promise<DownloadOutcome> {
  const { limits } = deps;
  const idle = new AbortController();
  const timer = setTimeout(() => idle.abort(), limits.downloadIdleMs);
  const part = `${path}.part`;
  try {
    const ends = AbortSignal.any([signal, idle.signal, AbortSignal.timeout(limits.downloadMs)]);
    const fetched = await fetchOutput(deps, output, ends);
    if (fetched.kind === 'failed') return fetched;

    await mkdir(dirname(part), { recursive: true, mode: 0o700 });
    const file = await open(part, 'w');
    let outcome: DownloadOutcome;
    try {
      outcome = await receive(fetched.response, file, limits.downloadBytes, () => timer.refresh());
      // It is paid for, and soon nowhere else: a row that names it must not outlive it in a power cut.
      if (outcome.kind === 'downloaded') await file.datasync();
    } finally {
      await file.close();
    }
    if (outcome.kind === 'downloaded') await rename(part, path);
    return outcome;
  } finally {
    clearTimeout(timer);
    idle.abort();
    await rm(part, { force: true });
  }
}

async function fetchOutput(
  deps: DownloadDeps,
  output: string,
  signal: AbortSignal,
): Promise<Fetched> {
  let target = output;
  for (let hop = 0; hop <= MAX_REDIRECTS; hop += 1) {
    const url = checkOutputUrl(target, deps.baseUrl);
    if (!url) return failed('provider_error');
    const isApi = url.origin === new URL(deps.baseUrl).origin;
    const headers = new Headers(isApi ? deps.apiHeaders : undefined);
    let response: Response;
    try {
      response = await deps.fetch(url.href, { redirect: 'manual', signal, headers });
    } catch {
      return failed('network');
    }
    if (response.ok) return { kind: 'response', response };
    await response.body?.cancel().catch(() => undefined);
    const location = response.headers.get('location');
    if (response.status < 300 || response.status > 399 || !location) {
      return { kind: 'failed', failure: failureOf(response) };
    }
    target = URL.parse(location, url.href)?.href ?? location;
  }
  return failed('provider_error');
}

async function receive(
  response: Response,
  file: FileHandle,
  maxBytes: number,
  onBytes: () => void,
): Promise<DownloadOutcome> {
  // The length counts the bytes on the wire, which differ from ours when they are packed.
  const length = response.headers.has('content-encoding')
    ? null
    : response.headers.get('content-length');
  const reader = response.body?.getReader();
  let sizeBytes = 0;
  while (reader) {
    let chunk: Uint8Array | undefined;
    try {
      chunk = (await reader.read()).value;
    } catch {
      return failed('network');
    }
    if (!chunk) break;
    onBytes();
    sizeBytes += chunk.byteLength;
    if (sizeBytes > maxBytes) return failed('provider_error');
    await file.appendFile(chunk);
  }
  if (length !== null && Number(length) !== sizeBytes) return failed('network');
  return sizeBytes > 0 ? { kind: 'downloaded', sizeBytes } : failed('output_lost');
}

/** Expired outputs are answered with 403 by signed storage, else with 404 or 410. */
function failureOf({ status, headers }: Response): Failure {
  if (status === 403 || status === 404 || status === 410) return { kind: 'output_lost' };
  const kind = status === 429 ? 'rate_limit' : 'provider_error';
  const retryAfterMs =
    status === 429 || status === 503 ? parseRetryAfter(headers.get('retry-after'), '') : undefined;
  return retryAfterMs === undefined ? { kind } : { kind, retryAfterMs };
}

function failed(kind: Failure['kind']): { readonly kind: 'failed'; readonly failure: Failure } {
  return { kind: 'failed', failure: { kind } };
}
