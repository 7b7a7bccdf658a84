import type { SkipReason } from '../domain/skip-reason.ts';
import { openArchive } from '../media/archive.ts';
import { freeMemory } from '../media/free-memory.ts';
import type { Photos } from '../media/photos.ts';
import type { Storage } from '../media/storage.ts';

/** While two are looked at, the next is unpacked; each is held in memory until then. */
const ENTRIES_AT_ONCE = 3;

export interface UnpackDeps {
  readonly storage: Pick<Storage, 'write' | 'pathOf'>;
  readonly photos: Pick<Photos, 'inspectPhoto'>;
}

/** What became of an entry; `position` counts from 1 in the order of the archive. */
export type UnpackedEntry =
  | {
      readonly kind: 'photo';
      readonly position: number;
      readonly name: string;
      readonly key: string;
      readonly width: number;
      readonly height: number;
    }
  | {
      readonly kind: 'skipped';
      readonly position: number;
      readonly name: string;
      readonly reason: SkipReason;
    };

export type UnpackOutcome =
  | { readonly kind: 'unpacked'; readonly entries: readonly UnpackedEntry[] }
  | { readonly kind: 'refused'; readonly reason: SkipReason };

/**
 * Unpacks a ZIP of photos into the storage and looks at each. Repeating it writes the same files again.
 * @param keyOf where the entry at a position is kept.
 * @throws StorageFullError
 */
export async function unpackArchive(
  deps: UnpackDeps,
  path: string,
  keyOf: (position: number) => string,
): Promise<UnpackOutcome> {
  const archive = await openArchive(path);
  if (archive.kind === 'refused') return archive;
  const inWork = new Set<Promise<void>>();
  const entries: UnpackedEntry[] = [];
  let position = 0;
  try {
    for await (const entry of archive.entries()) {
      position += 1;
      if (entry.kind === 'skipped') {
        const { name, reason } = entry;
        entries.push({ kind: 'skipped', position, name, reason });
        continue;
      }
      const task: Promise<void> = lookAt(entry, position).then((looked) => {
        entries.push(looked);
        inWork.delete(task);
      });
      inWork.add(task);
      if (inWork.size >= ENTRIES_AT_ONCE) await Promise.race(inWork);
    }
    await Promise.all(inWork);
  } finally {
    // After a failure nothing may go on writing behind the caller's back.
    await Promise.allSettled(inWork);
  }
  return { kind: 'unpacked', entries: entries.sort((a, b) => a.position - b.position) };

  async function lookAt(
    { name, bytes }: { readonly name: string; readonly bytes: Buffer },
    position: number,
  ): Promise<UnpackedEntry> {
    const key = keyOf(position);
    await deps.storage.write(key, bytes);
    freeMemory(bytes);
    const looked = await deps.photos.inspectPhoto(deps.storage.pathOf(key));
    if (looked.kind === 'refused') {
      return { kind: 'skipped', position, name, reason: looked.reason };
    }
    const { width, height } = looked;
    return { kind: 'photo', position, name, key, width, height };
  }
}
