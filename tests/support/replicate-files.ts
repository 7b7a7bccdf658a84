import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { UploadedPart } from './replicate-http.ts';

interface StoredFile {
  readonly id: string;
  readonly bytes: Buffer;
  readonly contentType: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/** The files endpoint. */
export interface FileBoard {
  upload(body: unknown): { readonly status: number; readonly body: unknown };
  describe(id: string): { readonly status: number; readonly body: unknown };
  /** The bytes behind a file URL of this server that has not expired, or a data URI. */
  bytesOf(url: string): Buffer | undefined;
}

/** Content types by what a file is named. */
const UPLOAD_TYPES: Readonly<Record<string, string>> = {
  jpg: 'image/jpeg',
  png: 'image/png',
  webp: 'image/webp',
  zip: 'application/zip',
  mp3: 'audio/mpeg',
  ogg: 'audio/ogg',
  wav: 'audio/wav',
  m4a: 'audio/mp4',
  mp4: 'video/mp4',
};

const uploadBody = z.object({ content: z.instanceof(UploadedPart) });

/** @see FileBoard */
export function createFileBoard(deps: {
  readonly baseUrl: string;
  readonly lifetimeMs: number;
  readonly violation: (text: string) => void;
}): FileBoard {
  const files = new Map<string, StoredFile>();

  function toJson(file: StoredFile): object {
    return {
      id: file.id,
      content_type: file.contentType,
      size: file.bytes.length,
      checksums: { sha256: createHash('sha256').update(file.bytes).digest('hex') },
      metadata: {},
      created_at: file.createdAt.toISOString(),
      expires_at: file.expiresAt.toISOString(),
      urls: { get: `${deps.baseUrl}/files/${file.id}` },
    };
  }

  return {
    upload(body) {
      const content = uploadBody.safeParse(body).data?.content;
      if (!content?.filename) {
        deps.violation('POST /files: no content, or no file name');
        return { status: 400, body: { detail: 'Missing content', status: 400 } };
      }
      const { filename, type, bytes } = content;
      const extension = /\.(\w+)$/.exec(filename)?.[1]?.toLowerCase() ?? '';
      if (type !== UPLOAD_TYPES[extension]) {
        deps.violation(`POST /files: ${filename} of type ${type}`);
      }
      const createdAt = new Date();
      const expiresAt = new Date(createdAt.getTime() + deps.lifetimeMs);
      const id = randomBytes(16).toString('hex');
      const file: StoredFile = { id, bytes, contentType: type, createdAt, expiresAt };
      files.set(file.id, file);
      return { status: 201, body: toJson(file) };
    },

    describe(id) {
      const file = files.get(id);
      return file
        ? { status: 200, body: toJson(file) }
        : { status: 404, body: { detail: 'File not found', status: 404 } };
    },

    bytesOf(url) {
      const [, data] = /^data:[^,]*;base64,(.*)$/s.exec(url) ?? [];
      if (data !== undefined) return Buffer.from(data, 'base64');
      const prefix = `${deps.baseUrl}/files/`;
      const [id] = url.startsWith(prefix) ? url.slice(prefix.length).split(/\W/) : [];
      const file = id ? files.get(id) : undefined;
      return file && file.expiresAt > new Date() ? file.bytes : undefined;
    },
  };
}
