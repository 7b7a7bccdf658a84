import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm, stat, statfs } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

/** One part of a key: nothing hidden, nothing that climbs. */
const SEGMENT = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/;

/** Files by key. A key is ours, never a person's file name: `orders/<id>/photos/<n>.jpg`. */
export interface Storage {
  /**
   * The absolute path of a key, for programs that read and write files themselves.
   * @throws RangeError when the key could lead anywhere else.
   */
  pathOf(key: string): string;
  /**
   * Writes a file whole or not at all, replacing what was there.
   * @throws StorageFullError when there is no room.
   */
  write(key: string, data: Uint8Array | AsyncIterable<Uint8Array>): Promise<void>;
  exists(key: string): Promise<boolean>;
  /** Size in bytes; undefined when there is no such file. */
  sizeOf(key: string): Promise<number | undefined>;
  /** Removes a file, or everything under a folder; what is not there counts as removed. */
  remove(prefix: string): Promise<void>;
  /** Bytes that can still be written. */
  freeBytes(): Promise<number>;
}

/** The disk is full. Nothing was written; the same write may succeed once there is room. */
export class StorageFullError extends Error {
  readonly retryable = true;

  constructor(options?: ErrorOptions) {
    super('The storage is full', options);
    this.name = 'StorageFullError';
  }
}

/** Files of one machine, under `root`, readable by the user of the process alone. */
export function createFileStorage(root: string): Storage {
  const base = resolve(root);
  const pathOf = (key: string): string => {
    if (!key.split('/').every((segment) => SEGMENT.test(segment))) {
      throw new RangeError('A storage key is made of plain names separated by slashes');
    }
    return join(base, key);
  };
  const sizeOf = async (key: string): Promise<number | undefined> => {
    const path = pathOf(key);
    try {
      const found = await stat(path);
      return found.isFile() ? found.size : undefined;
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
      throw error;
    }
  };

  return {
    pathOf,
    sizeOf,

    async write(key, data) {
      await writeWhole(pathOf(key), data);
    },

    async exists(key) {
      return (await sizeOf(key)) !== undefined;
    },

    async remove(prefix) {
      // Somebody may be writing into it yet.
      await rm(pathOf(prefix), { recursive: true, force: true, maxRetries: 5 });
    },

    async freeBytes() {
      await mkdir(base, { recursive: true, mode: 0o700 });
      const disk = await statfs(base);
      return disk.bavail * disk.bsize;
    },
  };
}

/**
 * Writes a file whole or not at all, its directory included.
 * @throws StorageFullError when there is no room.
 */
export async function writeWhole(
  path: string,
  data: Uint8Array | AsyncIterable<Uint8Array>,
): Promise<void> {
  const draft = join(dirname(path), `.${basename(path)}.${randomUUID()}`);
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    if (isDiskFull(error)) throw new StorageFullError({ cause: error });
    throw error;
  }
}

/** Whether a failed call to the file system found no room. */
export function isDiskFull(error: unknown): boolean {
  return hasCode(error, 'ENOSPC', 'EDQUOT');
}

function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}
