import { setTimeout as sleep } from 'node:timers/promises';
import { and, desc, eq } from 'drizzle-orm';
import type { Db } from '../db/database.ts';
import { orders, photos, recordings } from '../db/schema.ts';
import { isOpen } from '../domain/order-state.ts';
import type { Storage } from '../media/storage.ts';
import type { Catalogue } from '../services/catalogue.ts';
import type { ChatPort } from './chat-port.ts';
import { isDiskFull } from './disk.ts';
import { photosQuestion, readIntake } from './draft.ts';
import type { QuoteOutcome, ReceivedOutcome } from './orders.ts';
import { recordingLimit } from './receive-recording.ts';
import { lockOrder, type OrderRow, type PhotoRow, readOrder, readyPhotos } from './rows.ts';

/** How long Done waits for files that are still arriving. */
const PENDING_PATIENCE_MS = 60_000;

/** Why there is no quote. */
export type NotQuoted = Exclude<QuoteOutcome, { kind: 'quoted' }>;

export interface CountDeps {
  readonly db: Db;
  readonly storage: Storage;
  readonly chat: Pick<ChatPort, 'alarm'>;
  readonly catalogue: Catalogue;
  readonly maxPhotos: number;
}

/** The photos are all there, says their person: counts them, so that they are not asked for any more. */
export async function countDone(
  deps: CountDeps,
  orderId: string,
  personId: number,
): Promise<'done' | NotQuoted> {
  const order = await readOrder(deps.db, orderId, personId);
  if (!order || !isOpen(order.state)) return { kind: 'closed' };
  for (;;) {
    const counted = await countPhotos(deps, order);
    if (counted.kind !== 'counted') return counted;
    const { rows } = counted;
    const outcome = await deps.db.transaction(async (tx) => {
      const current = await lockOrder(tx, orderId);
      if (!current || !isOpen(current.state)) return 'closed';
      const now = (await readyPhotos(tx, orderId)).slice(-rows.length);
      const isSame = now.every(({ id }, index) => id === rows[index]?.id);
      // Another one came meanwhile: it is waited for, and counted too.
      if (!isSame || (await readIntake(tx, orderId))?.pending !== 0) return 'outdated';
      const answers = { ...current.answers, photoCount: rows.length };
      await tx.update(orders).set({ answers }).where(eq(orders.id, orderId));
      return 'done';
    });
    if (outcome === 'closed') return { kind: 'closed' };
    if (outcome === 'done') return 'done';
  }
}

/** What became of the one photo or recording of an order, once it was looked at. */
export async function awaitReceived(
  deps: CountDeps,
  orderId: string,
  personId: number,
): Promise<ReceivedOutcome> {
  const order = await readOrder(deps.db, orderId, personId);
  if (!order || !isOpen(order.state)) return { kind: 'closed' };
  const pending = await waitForPending(deps, orderId);
  if (pending === 'disk_full') {
    await deps.chat.alarm({ kind: 'disk_full' });
    return { kind: 'disk_full' };
  }
  if (pending > 0) return { kind: 'pending' };
  const maxSeconds = recordingLimit(deps.catalogue, order);
  if (maxSeconds !== undefined) {
    const [newest] = await deps.db
      .select()
      .from(recordings)
      .where(eq(recordings.orderId, orderId))
      .orderBy(desc(recordings.id))
      .limit(1);
    if (newest?.refusal) return { kind: 'refused', reason: newest.refusal, maxSeconds };
    return { kind: 'ready' };
  }
  if ((await readyPhotos(deps.db, orderId)).length > 0) return { kind: 'ready' };
  const intake = await readIntake(deps.db, orderId);
  const skipped = intake?.skipped.at(-1);
  return skipped ? { kind: 'skipped', ...skipped } : { kind: 'ready' };
}

/** Somebody has to make room; the operator is told. */
export async function tellDiskFull(deps: Pick<CountDeps, 'chat'>): Promise<NotQuoted> {
  await deps.chat.alarm({ kind: 'disk_full' });
  return { kind: 'disk_full' };
}

type Counted = { readonly kind: 'counted'; readonly rows: readonly PhotoRow[] } | NotQuoted;

/** Waits for what is on its way, and tells whether there are as many photos as are wanted. */
export async function countPhotos(deps: CountDeps, order: OrderRow): Promise<Counted> {
  const pending = await waitForPending(deps, order.id);
  if (pending === 'disk_full') return tellDiskFull(deps);
  if (pending > 0) return { kind: 'pending', pending };
  const now = await readOrder(deps.db, order.id);
  if (!now || !isOpen(now.state)) return { kind: 'closed' };
  const limits = photosQuestion(deps, order.serviceType);
  if (!limits) return { kind: 'counted', rows: [] };
  const { min, max } = limits;
  const all = await readyPhotos(deps.db, order.id);
  // Of a single photo, the last one counts.
  const rows = max === 1 ? all.slice(-1) : all;
  if (rows.length < min) return { kind: 'too_few', photos: rows.length, min };
  return rows.length > max
    ? { kind: 'too_many', photos: rows.length, max }
    : { kind: 'counted', rows };
}

/** Returns how many are still pending when patience ends; nothing arrives while the disk is full. */
async function waitForPending(deps: CountDeps, orderId: string): Promise<number | 'disk_full'> {
  const deadline = Date.now() + PENDING_PATIENCE_MS;
  const isPhoto = and(eq(photos.orderId, orderId), eq(photos.state, 'pending'));
  const isRecording = and(eq(recordings.orderId, orderId), eq(recordings.state, 'pending'));
  for (;;) {
    const arriving = await deps.db.$count(photos, isPhoto);
    const pending = arriving + (await deps.db.$count(recordings, isRecording));
    if (pending === 0 || Date.now() > deadline) return pending;
    if (await isDiskFull(deps.storage)) return 'disk_full';
    await sleep(200);
  }
}
