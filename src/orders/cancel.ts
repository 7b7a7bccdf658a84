import { and, eq, inArray, or } from 'drizzle-orm';
import type { Db, Queryable, Tx } from '../db/database.ts';
import { orders, steps } from '../db/schema.ts';
import { assertNever } from '../domain/assert-never.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Catalogue } from '../services/catalogue.ts';
import type { CancelOutcome } from './orders.ts';
import type { Queue } from './queue.ts';
import { refundStep } from './refund.ts';
import { lockOrder, type OrderRow, readSteps } from './rows.ts';

export interface CancelDeps {
  readonly db: Db;
  readonly ledger: Ledger;
  readonly queue: Queue;
  readonly catalogue: Catalogue;
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
  requestId: number,
): Promise<CancelOutcome> {
  return deps.db.transaction(async (tx): Promise<CancelOutcome> => {
    const order = await lockOrder(tx, orderId, personId);
    if (!order) return { kind: 'closed' };
    switch (order.state) {
      case 'draft':
      case 'quoted':
        await end(deps, tx, order, { partial: null, requestId });
        return { kind: 'dropped' };
      case 'queued':
      case 'rendering':
        return cancelPaid(deps, tx, order, requestId);
      case 'finishing':
      case 'delivering':
        return { kind: 'too_late' };
      case 'cancelled':
        return order.partial === 'offered'
          ? describeCancelled(deps, tx, order)
          : { kind: 'closed' };
      case 'delivered':
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

/**
 * What this very request cancelled before the process that handled it died, with the outcome it had;
 * handled again it must not go on to cancel another order.
 */
export async function findCancelledBy(
  deps: CancelDeps,
  personId: number,
  requestId: number,
): Promise<{ readonly order: OrderRow; readonly outcome: CancelOutcome } | undefined> {
  const [order] = await deps.db
    .select()
    .from(orders)
    .where(
      and(
        eq(orders.personId, personId),
        eq(orders.lastRequestId, requestId),
        // What was finished then goes on to its person.
        or(eq(orders.state, 'cancelled'), eq(orders.partial, 'accepted')),
      ),
    );
  return order && { order, outcome: await describeCancelled(deps, deps.db, order) };
}

async function describeCancelled(
  deps: CancelDeps,
  db: Queryable,
  order: OrderRow,
): Promise<CancelOutcome> {
  if (!order.confirmedAt) return { kind: 'dropped' };
  const refunded = await deps.ledger.refunded(order.id, db);
  if (order.partial === 'accepted') return { kind: 'partial_kept', refunded };
  const all = await readSteps(db, order.id);
  const finished = all.filter((step) => step.state === 'done').length;
  return order.partial === 'offered'
    ? { kind: 'partial_offered', finished, total: all.length, refunded }
    : { kind: 'refunded', refunded };
}

async function cancelPaid(
  deps: CancelDeps,
  tx: Tx,
  order: OrderRow,
  requestId: number,
): Promise<CancelOutcome> {
  const all = await readSteps(tx, order.id);
  const unfinished = all.filter((step) => step.state === 'waiting' || step.state === 'rendering');
  const ids = unfinished.map((step) => step.id);
  await tx
    .update(steps)
    .set({ state: 'cancelled', endedAt: new Date() })
    .where(inArray(steps.id, ids));
  for (const step of unfinished) await refundStep(deps.ledger, tx, step, 'cancelled');
  const isStarted = all.some((step) => step.state === 'done');
  if (isStarted && deps.catalogue.find(order.serviceType)?.finish !== 'stitched_video') {
    return keepFinished(deps, tx, order, requestId);
  }
  const partial = isStarted ? ('offered' as const) : null;
  await end(deps, tx, order, { partial, requestId });
  return describeCancelled(deps, tx, { ...order, partial });
}

/** What is finished is whole by itself: it is sent without asking. */
async function keepFinished(
  deps: CancelDeps,
  tx: Tx,
  order: OrderRow,
  requestId: number,
): Promise<CancelOutcome> {
  await tx
    .update(orders)
    .set({ state: 'finishing', partial: 'accepted', lastRequestId: requestId })
    .where(eq(orders.id, order.id));
  await deps.queue.send(tx, 'finish', [{ data: { orderId: order.id } }]);
  const refunded = await deps.ledger.refunded(order.id, tx);
  return { kind: 'partial_kept', refunded };
}

async function end(
  deps: CancelDeps,
  tx: Tx,
  order: OrderRow,
  how: { readonly partial: OrderRow['partial']; readonly requestId: number },
): Promise<void> {
  const { partial, requestId } = how;
  await tx
    .update(orders)
    .set({ state: 'cancelled', partial, lastRequestId: requestId, endedAt: new Date() })
    .where(eq(orders.id, order.id));
  const keepHours = partial ? deps.retentionHours : 0;
  const startAfter = new Date(Date.now() + keepHours * 3_600_000);
  await deps.queue.send(tx, 'purge', [{ data: { orderId: order.id }, startAfter }]);
}
