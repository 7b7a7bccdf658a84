import { and, eq, inArray } from 'drizzle-orm';
import type { Db, Tx } from '../db/database.ts';
import { orders, steps } from '../db/schema.ts';
import { assertNever } from '../domain/assert-never.ts';
import { type Stars, sumStars } from '../domain/stars.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { CancelOutcome } from './orders.ts';
import type { Queue } from './queue.ts';
import { refundStep } from './refund.ts';
import { lockOrder, type OrderRow, readSteps } from './rows.ts';

export interface CancelDeps {
  readonly db: Db;
  readonly ledger: Ledger;
  readonly queue: Queue;
  readonly retentionHours: number;
}

/**
 * Ends an order at its owner's wish. Finished steps stay paid; every other step is refunded here and
 * now. Whoever renders a cancelled step finds out by its state and stops the prediction (render-step).
 */
export async function cancelOrder(
  deps: CancelDeps,
  orderId: string,
  personId: number,
): Promise<CancelOutcome> {
  return deps.db.transaction(async (tx): Promise<CancelOutcome> => {
    const order = await lockOrder(tx, orderId, personId);
    if (!order) return { kind: 'closed' };
    switch (order.state) {
      case 'draft':
      case 'quoted':
        await end(deps, tx, order, { partial: null, keepHours: 0 });
        return { kind: 'dropped' };
      case 'queued':
      case 'rendering':
        return cancelPaid(deps, tx, order);
      case 'finishing':
      case 'delivering':
        return { kind: 'too_late' };
      case 'delivered':
      case 'cancelled':
      case 'failed':
        return { kind: 'closed' };
      default:
        return assertNever(order.state);
    }
  });
}

/** The answer to the offer of a shorter video from the finished transitions. */
export async function answerPartial(
  deps: CancelDeps,
  orderId: string,
  personId: number,
  accept: boolean,
): Promise<'accepted' | 'declined' | 'closed'> {
  return deps.db.transaction(async (tx) => {
    const order = await lockOrder(tx, orderId, personId);
    if (!order?.partial) return 'closed';
    if (order.partial !== 'offered') return order.partial;
    if (!accept) {
      await tx.update(orders).set({ partial: 'declined' }).where(eq(orders.id, orderId));
      return 'declined';
    }
    await tx
      .update(orders)
      .set({ partial: 'accepted', state: 'finishing', endedAt: null })
      .where(eq(orders.id, orderId));
    await deps.queue.send(tx, 'finish', [{ data: { orderId } }]);
    return 'accepted';
  });
}

async function cancelPaid(deps: CancelDeps, tx: Tx, order: OrderRow): Promise<CancelOutcome> {
  const all = await readSteps(tx, order.id);
  const unfinished = all.filter((step) => step.state === 'waiting' || step.state === 'rendering');
  const finished = all.filter((step) => step.state === 'done').length;
  const ids = unfinished.map((step) => step.id);
  if (ids.length > 0) {
    await tx
      .update(steps)
      .set({ state: 'cancelled', endedAt: new Date() })
      .where(and(inArray(steps.id, ids), inArray(steps.state, ['waiting', 'rendering'])));
  }
  for (const step of unfinished) await refundStep(deps.ledger, tx, step, 'cancelled');
  const partial = finished > 0 ? ('offered' as const) : null;
  await end(deps, tx, order, { partial, keepHours: partial ? deps.retentionHours : 0 });
  const refunded = sumStars(unfinished.map((step): Stars => step.price));
  return partial
    ? { kind: 'partial_offered', finished, total: all.length, refunded }
    : { kind: 'refunded', refunded: await deps.ledger.refunded(order.id, tx) };
}

async function end(
  deps: CancelDeps,
  tx: Tx,
  order: OrderRow,
  how: { readonly partial: OrderRow['partial']; readonly keepHours: number },
): Promise<void> {
  await tx
    .update(orders)
    .set({ state: 'cancelled', partial: how.partial, endedAt: new Date() })
    .where(eq(orders.id, order.id));
  const startAfter = new Date(Date.now() + how.keepHours * 3_600_000);
  await deps.queue.send(tx, 'purge', [{ data: { orderId: order.id }, startAfter }]);
}
