import { open } from 'node:fs/promises';
import { eq } from 'drizzle-orm';
import type { Db } from '../db/database.ts';
import { photos } from '../db/schema.ts';
import { assertNever } from '../domain/assert-never.ts';
import { isOpen } from '../domain/order-state.ts';
import type { SkipReason } from '../domain/skip-reason.ts';
import type { Photos } from '../media/photos.ts';
import type { Storage } from '../media/storage.ts';
import type { ChatPort } from './chat-port.ts';
import { diskFullPause, isDiskFull } from './disk.ts';
import { reopenOrder } from './draft.ts';
import { entriesKey, entryKey, originalKey } from './keys.ts';
import type { Queue } from './queue.ts';
import { lockOrder, type PhotoRow } from './rows.ts';
import { unpackArchive } from './unpack-archive.ts';

export interface ReceiveDeps {
  readonly db: Db;
  readonly queue: Queue;
  readonly storage: Storage;
  readonly photos: Pick<Photos, 'inspectPhoto'>;
  readonly chat: Pick<ChatPort, 'fetchFile' | 'intakeChanged' | 'alarm'>;
  readonly retryMs: number;
}

type Looked =
  | { readonly kind: 'photo'; readonly width: number; readonly height: number }
  | { readonly kind: 'skipped'; readonly reason: SkipReason }
  | { readonly kind: 'archive'; readonly entries: readonly EntryRow[] };

type EntryRow = typeof photos.$inferInsert;

/**
 * Fetches a file that was sent and finds out what it is: a photo of the order, an archive of photos,
 * or something to be named as skipped. The row changes only at the end, so a killed run is repeated.
 */
export async function receivePhoto(
  deps: ReceiveDeps,
  photoId: number,
  signal: AbortSignal,
): Promise<void> {
  const [photo] = await deps.db.select().from(photos).where(eq(photos.id, photoId));
  if (photo?.state !== 'pending') return;
  try {
    const key = originalKey(photo.orderId, photo.id);
    const fetched = await deps.chat.fetchFile(photo.fileId, deps.storage.pathOf(key), signal);
    switch (fetched.kind) {
      case 'later':
        if (await isDiskFull(deps.storage)) {
          await deps.chat.alarm({ kind: 'disk_full' });
          return await tryLater(deps, photo, diskFullPause(deps));
        }
        return await tryLater(deps, photo, fetched.retryAfterMs);
      case 'too_big':
        await settle(deps, photo, { kind: 'skipped', reason: 'file_too_big' });
        break;
      case 'gone':
        await settle(deps, photo, { kind: 'skipped', reason: 'download_failed' });
        break;
      case 'fetched':
        await settle(deps, photo, await lookAt(deps, photo, deps.storage.pathOf(key)));
        break;
      default:
        assertNever(fetched);
    }
  } catch (error) {
    if (!(await isDiskFull(deps.storage, error))) throw error;
    await deps.chat.alarm({ kind: 'disk_full' });
    await tryLater(deps, photo, diskFullPause(deps));
  }
  deps.chat.intakeChanged(photo.orderId);
}

async function tryLater(deps: ReceiveDeps, photo: PhotoRow, afterMs: number): Promise<void> {
  const startAfter = new Date(Date.now() + afterMs);
  await deps.db.transaction((tx) =>
    deps.queue.send(tx, 'photo', [{ data: { photoId: photo.id }, startAfter }]),
  );
}

async function lookAt(deps: ReceiveDeps, photo: PhotoRow, path: string): Promise<Looked> {
  const looked = await deps.photos.inspectPhoto(path);
  if (looked.kind === 'photo') return looked;
  if (looked.reason !== 'not_a_picture' || !(await isArchive(path))) {
    return { kind: 'skipped', reason: looked.reason };
  }
  return unpack(deps, photo, path);
}

/** ZIP files begin with a local header, or with the end of directory when they are empty. */
async function isArchive(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    const head = buffer.toString('latin1', 0, bytesRead);
    return head === 'PK\x03\x04' || head === 'PK\x05\x06';
  } finally {
    await file.close();
  }
}

async function unpack(deps: ReceiveDeps, photo: PhotoRow, path: string): Promise<Looked> {
  const keyOf = (position: number) => entryKey(photo.orderId, photo.id, position);
  const unpacked = await unpackArchive(deps, path, keyOf);
  if (unpacked.kind === 'refused') return { kind: 'skipped', reason: unpacked.reason };
  const { orderId, messageId, fileId } = photo;
  const entries = unpacked.entries.map((entry): EntryRow => {
    const { position, name } = entry;
    // The same picture twice in an archive is there because somebody put it there twice.
    const fileUniqueId = `${photo.fileUniqueId}/${position}`;
    const row = { orderId, messageId, fileId, position, fileUniqueId, name };
    return entry.kind === 'photo'
      ? { ...row, state: 'ready', width: entry.width, height: entry.height, originalKey: entry.key }
      : { ...row, state: 'skipped', skipReason: entry.reason };
  });
  if (entries.every((entry) => entry.skipReason === 'not_a_picture')) {
    return { kind: 'skipped', reason: 'zip_without_pictures' };
  }
  return { kind: 'archive', entries };
}

async function settle(deps: ReceiveDeps, photo: PhotoRow, looked: Looked): Promise<void> {
  const isWanted = await deps.db.transaction(async (tx) => {
    const order = await lockOrder(tx, photo.orderId);
    const [row] = await tx.select().from(photos).where(eq(photos.id, photo.id));
    // Settled by another worker that took this job over: its files are in use.
    if (row && row.state !== 'pending' && row.state !== 'removed') return true;
    if (row?.state !== 'pending' || !order || !isOpen(order.state)) return false;
    await tx.update(photos).set(changes(photo, looked)).where(eq(photos.id, photo.id));
    if (looked.kind === 'archive') {
      for (const entry of looked.entries) {
        await tx
          .insert(photos)
          .values(entry)
          .onConflictDoUpdate({
            target: [photos.orderId, photos.fileUniqueId],
            set: entry,
            setWhere: eq(photos.state, 'removed'),
          });
      }
    }
    // What arrives after the quote makes it outdated. The photos of an order that repeats another were counted
    // before they are fetched again, and stay counted.
    if (order.state === 'quoted') await reopenOrder(tx, order);
    return true;
  });
  if (isWanted) return;
  // Taken back, or dropped with its order, while it was on its way: its files may have come after the purge.
  await deps.storage.remove(originalKey(photo.orderId, photo.id));
  await deps.storage.remove(entriesKey(photo.orderId, photo.id));
}

function changes(photo: PhotoRow, looked: Looked): Partial<typeof photos.$inferInsert> {
  switch (looked.kind) {
    case 'photo': {
      const { width, height } = looked;
      const key = originalKey(photo.orderId, photo.id);
      return { state: 'ready', width, height, originalKey: key };
    }
    case 'skipped':
      return { state: 'skipped', skipReason: looked.reason };
    case 'archive':
      return { state: 'archive' };
    default:
      return assertNever(looked);
  }
}
