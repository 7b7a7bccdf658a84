import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { z } from 'zod';
import type { Failure } from '../../domain/failure.ts';
import { type ApiAnswer, type CallApi, failureOf } from './call-api.ts';

export type UploadOutcome =
  | { readonly kind: 'reachable'; readonly url: string }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** Makes pictures reachable for models. */
export interface Uploads {
  /**
   * A URL of the JPEG at `path`. A picture is sent once and its URL reused while it lasts, since
   * neighbouring transitions share a photo; callers at the same moment share one upload. Where the
   * files endpoint does not work the answer is a data URI.
   * @throws when the file cannot be read.
   */
  upload(path: string, signal: AbortSignal): Promise<UploadOutcome>;
}

interface StoredUpload {
  readonly outcome: Promise<UploadOutcome>;
  /** Until when the URL is handed out again, in milliseconds since the epoch. */
  usableUntil: number;
}

const fileSchema = z.object({
  urls: z.object({ get: z.url() }),
  created_at: z.string().nullish(),
  expires_at: z.string().nullish(),
});

/** A model reads its input only when it starts, which may be late: a URL must outlive a long queue. */
const EXPIRY_MARGIN_MS = 15 * 60_000;

/** How long a file is taken to live when the answer does not tell; the API's example shows an hour. */
const ASSUMED_LIFETIME_MS = 60 * 60_000;

export function createUploads(deps: { readonly callApi: CallApi }): Uploads {
  const stored = new Map<string, StoredUpload>();

  async function send(key: string, path: string): Promise<UploadOutcome> {
    const bytes = await readFile(path);
    const form = new FormData();
    form.append('content', new File([bytes], basename(path), { type: 'image/jpeg' }));
    const sentAt = Date.now();
    // Not under a caller's signal: other callers wait for this same upload.
    const answer = await deps.callApi(
      { route: '/files', method: 'POST', data: form },
      new AbortController().signal,
    );
    const file = answer.kind === 'answered' ? fileSchema.safeParse(answer.body).data : undefined;
    if (file) {
      const entry = stored.get(key);
      if (entry) entry.usableUntil = sentAt + lifetimeMs(file) - EXPIRY_MARGIN_MS;
      return { kind: 'reachable', url: file.urls.get };
    }
    stored.delete(key);
    return isOutOfService(answer)
      ? { kind: 'reachable', url: `data:image/jpeg;base64,${bytes.toString('base64')}` }
      : { kind: 'failed', failure: failureOf(answer) };
  }

  return {
    async upload(path, signal) {
      const { size, mtimeMs } = await stat(path);
      const key = `${path}\n${size}\n${mtimeMs}`;
      const now = Date.now();
      for (const [oldKey, entry] of stored) if (entry.usableUntil <= now) stored.delete(oldKey);
      let entry = stored.get(key);
      if (!entry) {
        entry = { outcome: send(key, path), usableUntil: Number.POSITIVE_INFINITY };
        stored.set(key, entry);
        entry.outcome.catch(() => stored.delete(key));
      }
      return unlessAborted(entry.outcome, signal);
    },
  };
}

/** The server's own two readings of its clock are compared, so that ours need not agree with it. */
function lifetimeMs(file: z.infer<typeof fileSchema>): number {
  const lifetime = Date.parse(file.expires_at ?? '') - Date.parse(file.created_at ?? '');
  return Number.isFinite(lifetime) ? lifetime : ASSUMED_LIFETIME_MS;
}

/** The files endpoint is behind a feature flag of the API. */
function isOutOfService(answer: ApiAnswer): boolean {
  if (answer.kind === 'lost') return false;
  if (answer.kind === 'answered') return true;
  return answer.status === 404 || answer.status === 405 || answer.status >= 500;
}

function unlessAborted(
  outcome: Promise<UploadOutcome>,
  signal: AbortSignal,
): Promise<UploadOutcome> {
  const { promise, resolve } = Promise.withResolvers<UploadOutcome>();
  const giveUp = () => resolve({ kind: 'failed', failure: { kind: 'network' } });
  if (signal.aborted) giveUp();
  signal.addEventListener('abort', giveUp);
  return Promise.race([outcome, promise]).finally(() =>
    signal.removeEventListener('abort', giveUp),
  );
}
