import { createWriteStream } from 'node:fs';
import { copyFile, mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, isAbsolute } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { GrammyError } from 'grammy';
import type { FetchFileOutcome } from '../orders/chat-port.ts';
import { describeError, type Log } from './log.ts';
import { retryDelayMs, toGrammySignal } from './telegram-errors.ts';
import type { BotApi } from './transport.ts';

/** What a bot may download over the cloud's Bot API: 20 MB. @see https://core.telegram.org/bots/api#getfile */
export const MAX_DOWNLOAD_BYTES = 20 * 1024 * 1024;

const ATTEMPTS = 3;

export interface DownloadTimings {
  /** Nothing came for this long: the connection is dead. */
  readonly idleMs: number;
  readonly overallMs: number;
  /** Before the second attempt; doubles. */
  readonly retryPauseMs: number;
}

export interface DownloadDeps {
  readonly api: Pick<BotApi, 'getFile'>;
  readonly log: Log;
  readonly timings: DownloadTimings;
}

/**
 * Downloads what a person sent to `path`, whole or not at all. Each attempt asks for the file's
 * address anew: it expires, and it holds the token, so it is neither kept nor logged.
 */
export async function downloadFile(
  deps: DownloadDeps,
  fileId: string,
  path: string,
  signal: AbortSignal,
): Promise<FetchFileOutcome> {
  let outcome: FetchFileOutcome = { kind: 'later', retryAfterMs: 5_000 };
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    if (signal.aborted) return { kind: 'later', retryAfterMs: 1_000 };
    if (attempt > 0) await sleep(deps.timings.retryPauseMs * 2 ** (attempt - 1));
    try {
      const isLast = attempt === ATTEMPTS - 1;
      outcome = await attemptDownload(deps, { fileId, path, isLast }, signal);
    } catch (error) {
      outcome = outcomeOf(error);
      deps.log.debug({ ...describeError(error), attempt }, 'Downloading a file failed');
    } finally {
      await rm(`${path}.part`, { force: true }).catch(() => undefined);
    }
    if (outcome.kind === 'fetched' || outcome.kind === 'too_big') return outcome;
    // What Telegram asks for may be longer than a handler should wait.
    if (outcome.kind === 'later' && outcome.retryAfterMs > 5_000) return outcome;
  }
  return outcome;
}

async function attemptDownload(
  { api, timings }: DownloadDeps,
  { fileId, path, isLast }: { fileId: string; path: string; isLast: boolean },
  signal: AbortSignal,
): Promise<FetchFileOutcome> {
  const file = await api.getFile(fileId, toGrammySignal(signal));
  if ((file.file_size ?? 0) > MAX_DOWNLOAD_BYTES) return { kind: 'too_big' };
  const part = `${path}.part`;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const told = file.file_path ?? '';
  // A Bot API server of one's own on this machine tells where the file is; others may answer a path
  // with a slash in front all the same.
  if (isAbsolute(told) && (await isFile(told))) {
    await copyFile(told, part);
  } else {
    const url = { ...file, file_path: told.replace(/^\/+/, '') }.getUrl();
    const outcome = await fetchTo(part, url, timings, signal);
    if (outcome !== 'whole') return outcome;
  }
  const { size } = await stat(part);
  // Cut short, or a page of some proxy. What comes thrice is what there is, whatever was announced.
  const isOther = file.file_size !== undefined && file.file_size !== size;
  if (isOther && !isLast) return { kind: 'later', retryAfterMs: 5_000 };
  await rename(part, path);
  return { kind: 'fetched', sizeBytes: size };
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

async function fetchTo(
  part: string,
  url: string,
  timings: DownloadTimings,
  signal: AbortSignal,
): Promise<FetchFileOutcome | 'whole'> {
  const idle = new AbortController();
  const overall = AbortSignal.timeout(timings.overallMs);
  const limits = AbortSignal.any([signal, idle.signal, overall]);
  let timer = setTimeout(() => idle.abort(), timings.idleMs);
  try {
    // A redirect would carry the token in the address to somebody else.
    const response = await fetch(url, { signal: limits, redirect: 'error' });
    if (!response.ok || !response.body) {
      await response.body?.cancel();
      return response.status === 404 ? { kind: 'gone' } : { kind: 'later', retryAfterMs: 5_000 };
    }
    let received = 0;
    const cap = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        clearTimeout(timer);
        timer = setTimeout(() => idle.abort(), timings.idleMs);
        received += chunk.length;
        done(received > MAX_DOWNLOAD_BYTES ? new TooBigError() : null, chunk);
      },
    });
    // Flushed: the row that says it is here must not outlive it in a power cut.
    const file = createWriteStream(part, { flush: true });
    await pipeline(Readable.fromWeb(response.body), cap, file, { signal: limits });
    return 'whole';
  } finally {
    clearTimeout(timer);
  }
}

/** More came than was announced and than a bot may download. */
class TooBigError extends Error {
  override name = 'TooBigError' as const;
}

function outcomeOf(error: unknown): FetchFileOutcome {
  if (error instanceof TooBigError) return { kind: 'too_big' };
  const retryAfterMs = retryDelayMs(error);
  if (retryAfterMs !== undefined) return { kind: 'later', retryAfterMs };
  const tooBig = error instanceof GrammyError && /file is too big/i.test(error.description);
  return { kind: tooBig ? 'too_big' : 'gone' };
}
