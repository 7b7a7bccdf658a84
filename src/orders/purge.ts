import { eq } from 'drizzle-orm';
import type { Db } from '../db/database.ts';
import { orders } from '../db/schema.ts';
import { isActive, isOpen } from '../domain/order-state.ts';
import type { Storage } from '../media/storage.ts';
import { orderPrefix } from './keys.ts';
import type { Queue } from './queue.ts';
import { lockOrder, type OrderRow } from './rows.ts';

/**
 * Deletes everything an order has in storage. An order that is still rendered or waits for its person
 * is looked at again in an hour; one that was never confirmed ends here.
 */
export async function purgeOrder(
  deps: {
    readonly db: Db;
    readonly queue: Queue;
    readonly storage: Storage;
    readonly retentionHours: number;
  },
  orderId: string,
): Promise<void> {
  const state = await deps.db.transaction(async (tx) => {
    const order = await lockOrder(tx, orderId);
    if (!order || order.purgedAt) return undefined;
    const keepUntil = isActive(order.state)
      ? Date.now() + 3_600_000
      : keptUntil(order, deps.retentionHours);
    if (keepUntil > Date.now()) {
      const startAfter = new Date(keepUntil);
      await deps.queue.send(tx, 'purge', [{ data: { orderId }, startAfter }]);
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
  if (!state) return;
  await deps.storage.remove(orderPrefix(orderId));
  await deps.db.update(orders).set({ purgedAt: new Date() }).where(eq(orders.id, orderId));
}

/** A cancelled order has nothing to keep, unless its owner may still ask for the shorter video. */
function keptUntil(order: OrderRow, retentionHours: number): number {
  if (!order.endedAt || (order.state === 'cancelled' && order.partial !== 'offered')) return 0;
  return order.endedAt.getTime() + retentionHours * 3_600_000;
}
