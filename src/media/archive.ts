import { readFile, stat } from 'node:fs/promises';
import JSZip, { type JSZipObject } from 'jszip';
import { compareNames } from '../domain/photo-order.ts';
import type { SkipReason } from '../domain/skip-reason.ts';
import { freeMemory } from './free-memory.ts';
import { SNIFF_BYTES, sniffPicture } from './picture-format.ts';
import { decodeZipName, readZipDirectory, type ZipEntryHeader } from './zip-directory.ts';

export interface ArchiveLimits {
  /** Size of the archive itself: it is held in memory. */
  readonly archiveBytes: number;
  readonly entries: number;
  /** All entries unpacked. */
  readonly totalBytes: number;
  /** One entry unpacked. */
  readonly entryBytes: number;
  /** Unpacked size to packed size, for what unpacks to more than `ratioFromBytes`. */
  readonly ratio: number;
  readonly ratioFromBytes: number;
}

/** Wide enough for any archive of photos, narrow enough for a machine of 512 MB. */
export const ARCHIVE_LIMITS: ArchiveLimits = {
  archiveBytes: 200_000_000,
  entries: 2000,
  totalBytes: 1_000_000_000,
  entryBytes: 40_000_000,
  ratio: 200,
  ratioFromBytes: 2_000_000,
};

/** `name` is the path inside the archive: text to show, never a path to use. */
export type ArchiveEntry =
  | { readonly kind: 'picture'; readonly name: string; readonly bytes: Buffer }
  | { readonly kind: 'skipped'; readonly name: string; readonly reason: SkipReason };

export type OpenedArchive =
  | {
      readonly kind: 'opened';
      /** How many entries there are to look at; system files and folders are not among them. */
      readonly entryCount: number;
      /**
       * The entries in natural order of their paths, unpacked one at a time as they are asked for. To be
       * walked once: an archive read from a file is gone from memory when the walk ends.
       */
      entries(): AsyncGenerator<ArchiveEntry, void, void>;
    }
  | { readonly kind: 'refused'; readonly reason: SkipReason };

export type OpenArchive = (
  source: Buffer | string,
  limits?: Partial<ArchiveLimits>,
) => Promise<OpenedArchive>;

const NESTED_NAME = /\.(zip|rar|7z|tar|t?gz|bz2|xz)$/i;
const NESTED_MAGIC = ['PK\x03\x04', 'Rar!', '7z\xbc\xaf', '\x1f\x8b'];
const SYSTEM_FILES = new Set(['thumbs.db', 'desktop.ini']);

/**
 * Opens a ZIP archive of photos, given whole or as the path of a file. Its directory is judged before
 * anything is unpacked; while unpacking, bytes are counted, because directories lie.
 */
export const openArchive: OpenArchive = async (source, customLimits) => {
  const limits = { ...ARCHIVE_LIMITS, ...customLimits };
  const size = typeof source === 'string' ? (await stat(source)).size : source.length;
  if (size > limits.archiveBytes) return refused('file_too_big');
  const zip = typeof source === 'string' ? await readFile(source) : source;
  const headers = readZipDirectory(zip, limits.entries);
  if (!headers) return refused('zip_broken');
  const objection = judge(headers, limits);
  if (objection) return refused(objection);

  const archive = await load(zip);
  if (!archive) return refused('zip_broken');
  const claimed = new Map(headers.map((header) => [header.name, header]));
  const entries = Object.values(archive.files)
    .map((object) => ({ object, name: originalName(object) }))
    .filter(({ object, name }) => !object.dir && (isUnsafe(name) || !isIgnored(name)))
    .sort((a, b) => compareNames(a.name, b.name));
  if (entries.length === 0) return refused('zip_without_pictures');

  // What the caller holds is theirs.
  const release = () => {
    if (typeof source === 'string') freeMemory(zip);
  };

  return {
    kind: 'opened',
    entryCount: entries.length,
    async *entries() {
      let budget = limits.totalBytes;
      using _memory = { [Symbol.dispose]: release };
      for (const { object, name } of entries) {
        const header = claimed.get(name);
        if (header?.bytes === 0) continue;
        const objection = judgeEntry(name, header, limits);
        const unpacked: Unpacked = objection
          ? { kind: 'skipped', reason: objection }
          : await unpack(object, Math.min(limits.entryBytes, budget));
        const shown = name.normalize('NFC').replace(/\p{Cc}/gu, '');
        if (unpacked.kind === 'picture') {
          budget -= unpacked.bytes.length;
          yield { kind: 'picture', name: shown, bytes: unpacked.bytes };
        } else if (unpacked.kind === 'skipped') {
          yield { kind: 'skipped', name: shown, reason: unpacked.reason };
        }
      }
    },
  };
};

function judge(headers: readonly ZipEntryHeader[], limits: ArchiveLimits): SkipReason | undefined {
  if (headers.length > limits.entries) return 'zip_too_many_entries';
  if (headers.some((header) => header.encrypted)) return 'zip_encrypted';
  const bytes = headers.reduce((sum, header) => sum + header.bytes, 0);
  const compressedBytes = headers.reduce((sum, header) => sum + header.compressedBytes, 0);
  if (bytes > limits.totalBytes || isBomb({ bytes, compressedBytes }, limits)) return 'zip_bomb';
  return undefined;
}

function judgeEntry(
  name: string,
  header: ZipEntryHeader | undefined,
  limits: ArchiveLimits,
): SkipReason | undefined {
  if (isUnsafe(name)) return 'zip_unsafe_path';
  if (NESTED_NAME.test(name)) return 'zip_nested';
  if (header && header.bytes > limits.entryBytes) return 'file_too_big';
  if (header && isBomb(header, limits)) return 'zip_bomb';
  return undefined;
}

function isBomb(
  { bytes, compressedBytes }: Pick<ZipEntryHeader, 'bytes' | 'compressedBytes'>,
  limits: ArchiveLimits,
): boolean {
  return bytes > limits.ratioFromBytes && bytes > compressedBytes * limits.ratio;
}

async function load(zip: Buffer): Promise<JSZip | undefined> {
  try {
    // jszip hands over bytes here in Node, its types allow for strings too.
    return await JSZip.loadAsync(zip, {
      decodeFileName: (bytes) =>
        bytes instanceof Uint8Array ? decodeZipName(bytes) : Buffer.from(bytes.join('')).toString(),
    });
  } catch {
    return undefined;
  }
}

type Unpacked =
  | { readonly kind: 'picture'; readonly bytes: Buffer }
  | { readonly kind: 'skipped'; readonly reason: SkipReason }
  | { readonly kind: 'empty' };

/** Unpacks a picture of at most `maxBytes`; what is no picture is left after its first bytes. */
function unpack(object: JSZipObject, maxBytes: number): Promise<Unpacked> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    let sniffed = false;
    const stream = object.nodeStream();
    const stop = (outcome: Unpacked) => {
      stream.pause();
      resolve(outcome);
    };
    const sniff = () => {
      sniffed = true;
      const head = Buffer.concat(chunks).subarray(0, SNIFF_BYTES);
      if (sniffPicture(head)) return true;
      const text = head.toString('latin1');
      const nested = NESTED_MAGIC.some((magic) => text.startsWith(magic));
      stop({ kind: 'skipped', reason: nested ? 'zip_nested' : 'not_a_picture' });
      return false;
    };
    stream
      .on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size > maxBytes) stop({ kind: 'skipped', reason: 'zip_bomb' });
        else if (!sniffed && size >= SNIFF_BYTES) sniff();
      })
      .on('error', () => stop({ kind: 'skipped', reason: 'broken_picture' }))
      .on('end', () => {
        if (size === 0) resolve({ kind: 'empty' });
        else if (sniffed || sniff()) resolve({ kind: 'picture', bytes: Buffer.concat(chunks) });
      });
  });
}

/** jszip tidies names such as `../x`; the name as it was is kept beside. */
function originalName(object: JSZipObject): string {
  return object.unsafeOriginalName ?? object.name;
}

function isUnsafe(name: string): boolean {
  const parts = name.split(/[/\\]/);
  return parts[0] === '' || parts.includes('..') || /^[a-z]:/i.test(name) || name.includes('\0');
}

function isIgnored(name: string): boolean {
  const parts = name.split(/[/\\]/);
  const system = SYSTEM_FILES.has(parts.at(-1)?.toLowerCase() ?? '');
  return system || parts.includes('__MACOSX') || parts.some((part) => part.startsWith('.'));
}

function refused(reason: SkipReason) {
  return { kind: 'refused', reason } as const;
}
