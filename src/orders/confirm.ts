import { eq } from 'drizzle-orm';
import type { Db, Tx } from '../db/database.ts';
import { orders, type QuotedStep, steps } from '../db/schema.ts';
import { stars, sumStars } from '../domain/stars.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Catalogue } from '../services/catalogue.ts';
import { nextRank } from './fair-rank.ts';
import { chargeKey } from './keys.ts';
import { laneOf } from './lanes.ts';
import type { ConfirmOutcome, ShownOffer } from './orders.ts';
import type { Queue } from './queue.ts';
import { readQuotedInput } from './quoted-input.ts';
import { lockOrder, type OrderRow, readyPhotos } from './rows.ts';

export interface ConfirmDeps {
  readonly db: Db;
  readonly ledger: Ledger;
  readonly queue: Queue;
  readonly catalogue: Catalogue;
}

/**
 * Charges the quoted price, if what was shown still holds, writes the steps and enqueues them, in one
 * transaction: all of it or nothing. The order's row is locked first, so of two confirms the second finds it done.
 */
export async function confirmOrder(
  deps: ConfirmDeps,
  orderId: string,
  personId: number,
  shown: ShownOffer,
): Promise<ConfirmOutcome> {
  return deps.db.transaction(async (tx) => {
    const order = await lockOrder(tx, orderId, personId);
    if (!order) return { kind: 'closed' };
    if (order.confirmedAt) return { kind: 'already', state: order.state };
    const { mode, quote } = order;
    const plan = mode && quote?.plans[mode];
    if (order.state !== 'quoted' || !plan) return { kind: 'closed' };

    const price = sumStars(plan.map((step) => step.price));
    if (mode !== shown.mode || price !== shown.price) return { kind: 'outdated' };
    if (shown.quote !== undefined && shown.quote !== (quote.id ?? '')) return { kind: 'outdated' };
    // An avatar may have been deleted since, or a model withdrawn.
    if (!(await readQuotedInput(deps.catalogue, tx, order, mode))) return { kind: 'outdated' };
    const outcome = await deps.ledger.charge(tx, {
      personId,
      amount: price,
      cost: sumStars(plan.map((step) => step.cost)),
      serviceType: order.serviceType,
      orderId,
      key: chargeKey(orderId),
    });
    if (outcome.kind === 'short') {
      const { balance } = outcome;
      return { kind: 'short', price, balance, missing: stars(price - balance) };
    }
    if (outcome.kind === 'already') throw new Error(`Order ${orderId} was charged but not queued`);
    await tx
      .update(orders)
      .set({ state: 'queued', price, confirmedAt: new Date() })
      .where(eq(orders.id, orderId));
    await enqueueSteps(deps, tx, order, plan);
    return { kind: 'queued', price, balance: outcome.balance };
  });
}

async function enqueueSteps(
  deps: ConfirmDeps,
  tx: Tx,
  order: OrderRow,
  plan: readonly QuotedStep[],
): Promise<void> {
  const photos = await readyPhotos(tx, order.id);
  const firstRank = await nextRank(tx, order.personId);
  const rows = plan.map((step, position) => {
    const photoIds = step.photos.flatMap((index) => photos[index]?.id ?? []);
    if (photoIds.length < step.photos.length) {
      throw new Error(`Order ${order.id} has fewer photos than its quote`);
    }
    const { price, cost } = step;
    return { orderId: order.id, position, rank: firstRank + position, price, cost, photoIds };
  });
  const inserted = await tx
    .insert(steps)
    .values(rows)
    .returning({ id: steps.id, rank: steps.rank });
  await deps.queue.send(
    tx,
    laneOf(deps.catalogue.require(order.serviceType)),
    inserted.map(({ id, rank }) => ({ data: { stepId: id }, priority: -rank })),
  );
}
