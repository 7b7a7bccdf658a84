import { openAsBlob } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { z } from 'zod';
import type { Failure } from '../../domain/failure.ts';
import { type ApiAnswer, failureOf } from '../api-answer.ts';
import type { CallApi } from './call-api.ts';
import { unlessAborted } from './unless-aborted.ts';

export type UploadOutcome =
  | { readonly kind: 'reachable'; readonly url: string }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** Makes files reachable for models. */
export interface Uploads {
  /**
   * A URL of the file at `path`; what it is, its extension tells. A file is sent once and its URL reused
   * while it lasts, since neighbouring transitions share a photo; callers at the same moment share one
   * upload. Where the files endpoint does not work the answer is a data URI, or a failure of kind
   * `provider_error` for a file too large for that.
   * @throws when the file cannot be read.
   */
  upload(path: string, signal: AbortSignal): Promise<UploadOutcome>;
}

interface StoredUpload {
  readonly outcome: Promise<UploadOutcome>;
  /** Until when the URL is handed out again, in milliseconds since the epoch. */
  usableUntil: number;
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.jpg': 'image/jpeg',
  '.png': 'image/png',
  '.webp': 'image/webp',
  '.zip': 'application/zip',
  '.mp3': 'audio/mpeg',
  '.ogg': 'audio/ogg',
  '.wav': 'audio/wav',
  '.m4a': 'audio/mp4',
  '.mp4': 'video/mp4',
};

const fileSchema = z.object({
  urls: z.object({ get: z.url() }),
  created_at: z.string().nullish(),
  expires_at: z.string().nullish(),
});

/** A model reads its input only when it starts, which may be late: a URL must outlive a long queue. */
const EXPIRY_MARGIN_MS = 15 * 60_000;

/** How long a file is taken to live when the answer does not tell; the API's example shows an hour. */
const ASSUMED_LIFETIME_MS = 60 * 60_000;

/** Up to here a data URI is advised: https://replicate.com/docs/topics/predictions/input-files */
const MAX_DATA_URI_BYTES = 1_000_000;

/** A line that carries less than this, in bytes per millisecond, is given up. */
const SLOWEST_LINE = 100;

export function createUploads(deps: { readonly callApi: CallApi }): Uploads {
  const stored = new Map<string, StoredUpload>();

  async function send(key: string, path: string): Promise<UploadOutcome> {
    const type = CONTENT_TYPES[extname(path).toLowerCase()] ?? 'application/octet-stream';
    // Read from the disk as it is sent: an archive may be larger than what memory there is to spare.
    const content = await openAsBlob(path, { type });
    const form = new FormData();
    form.append('content', content, basename(path));
    const sentAt = Date.now();
    // Not under a caller's signal: other callers wait for this same upload.
    const answer = await deps.callApi(
      {
        route: '/files',
        method: 'POST',
        data: form,
        extraMs: Math.ceil(content.size / SLOWEST_LINE),
      },
      new AbortController().signal,
    );
    const file = answer.kind === 'answered' ? fileSchema.safeParse(answer.body).data : undefined;
    if (file) {
      const entry = stored.get(key);
      if (entry) entry.usableUntil = sentAt + lifetimeMs(file) - EXPIRY_MARGIN_MS;
      return { kind: 'reachable', url: file.urls.get };
    }
    stored.delete(key);
    if (!isOutOfService(answer)) return { kind: 'failed', failure: failureOf(answer) };
    if (content.size > MAX_DATA_URI_BYTES) {
      return { kind: 'failed', failure: { kind: 'provider_error' } };
    }
    const bytes = Buffer.from(await content.arrayBuffer());
    return { kind: 'reachable', url: `data:${type};base64,${bytes.toString('base64')}` };
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
      const aborted = { kind: 'failed', failure: { kind: 'network' } } as const;
      return unlessAborted<UploadOutcome>(entry.outcome, aborted, signal);
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
