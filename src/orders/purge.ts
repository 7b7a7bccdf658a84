import { eq, inArray, max, sql } from 'drizzle-orm';
import type { Db, Tx } from '../db/database.ts';
import { orders, photos, predictions, previews, recordings, steps } from '../db/schema.ts';
import { isActive, isOpen } from '../domain/order-state.ts';
import type { Storage } from '../media/storage.ts';
import { draftKeptUntil } from './draft.ts';
import { orderPrefix } from './keys.ts';
import type { Queue } from './queue.ts';
import { lockOrder, type OrderRow } from './rows.ts';

export interface PurgeDeps {
  readonly db: Db;
  readonly queue: Queue;
  readonly storage: Storage;
  readonly retentionHours: number;
}

/**
 * Deletes everything an order has in storage. An order that is still rendered or waits for its person
 * is looked at again in an hour; one that was never confirmed ends here.
 */
export async function purgeOrder(deps: PurgeDeps, orderId: string): Promise<void> {
  const state = await deps.db.transaction(async (tx) => {
    const order = await lockOrder(tx, orderId);
    if (!order || order.purgedAt) return undefined;
    const keepUntil = await keptUntil(tx, order, deps.retentionHours);
    if (keepUntil > Date.now()) {
      const startAfter = new Date(keepUntil);
      await deps.queue.send(tx, 'purge', [{ data: { orderId }, startAfter }]);
      // Its person may be gone for good.
      if (order.state === 'delivering')
        await deps.queue.send(tx, 'deliver', [{ data: { orderId } }]);
      return undefined;
    }
    if (isOpen(order.state)) {
      await tx
        .update(orders)
        .set({ state: 'cancelled', endedAt: new Date() })
        .where(eq(orders.id, orderId));
    }
    if (order.partial === 'offered') {
      await tx.update(orders).set({ partial: 'declined' }).where(eq(orders.id, orderId));
    }
    return order.state;
  });
  if (state) await purgeNow(deps, orderId);
}

/** Deletes the files of an order that is over, and whatever of a person's is in its rows; the ledger knows nothing of them. */
export async function purgeNow(deps: PurgeDeps, orderId: string): Promise<void> {
  await deps.storage.remove(orderPrefix(orderId));
  await deps.db.transaction(async (tx) => {
    // Nothing stays: not what Telegram would give again, nor what was written, nor what the provider was sent.
    await tx
      .update(photos)
      .set({ name: null, fileId: '', fileUniqueId: sql`'purged:' || ${photos.id}`, look: null })
      .where(eq(photos.orderId, orderId));
    await tx
      .update(recordings)
      .set({ name: null, fileId: '', fileUniqueId: sql`'purged:' || ${recordings.id}` })
      .where(eq(recordings.orderId, orderId));
    await tx.update(previews).set({ fileId: null }).where(eq(previews.orderId, orderId));
    const mine = tx.select({ id: steps.id }).from(steps).where(eq(steps.orderId, orderId));
    // Names and digest still find a prediction whose answer was lost, to stop it or to delete what came of it.
    const names = sql`(select coalesce(jsonb_object_agg(key, ''), '{}') from jsonb_each(${predictions.input}))`;
    await tx.update(predictions).set({ input: names }).where(inArray(predictions.stepId, mine));
    await tx
      .update(orders)
      .set({ purgedAt: new Date(), answers: {}, input: {}, progressText: null })
      .where(eq(orders.id, orderId));
  });
}

/** Until when an order is left alone, in milliseconds. */
async function keptUntil(tx: Tx, order: OrderRow, retentionHours: number): Promise<number> {
  if (isActive(order.state)) return Date.now() + 3_600_000;
  if (isOpen(order.state)) {
    const [photo] = await tx
      .select({ newest: max(photos.createdAt) })
      .from(photos)
      .where(eq(photos.orderId, order.id));
    const [recording] = await tx
      .select({ newest: max(recordings.createdAt) })
      .from(recordings)
      .where(eq(recordings.orderId, order.id));
    const touched = [order.openedAt, photo?.newest, recording?.newest];
    const newest = Math.max(...touched.map((at) => at?.getTime() ?? 0));
    return draftKeptUntil(new Date(newest), retentionHours);
  }
  // A cancelled order has nothing to keep, unless its owner may still ask for the shorter video.
  if (!order.endedAt || (order.state === 'cancelled' && order.partial !== 'offered')) return 0;
  return order.endedAt.getTime() + retentionHours * 3_600_000;
}
