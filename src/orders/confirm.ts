import { eq } from 'drizzle-orm';
import type { Db, Tx } from '../db/database.ts';
import { orders, steps } from '../db/schema.ts';
import type { MorphMode } from '../domain/morph-plan.ts';
import { type Stars, stars, sumStars } from '../domain/stars.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { morphInput } from '../services/image-morphing.ts';
import { nextRank } from './fair-rank.ts';
import { chargeKey } from './keys.ts';
import type { ConfirmOutcome } from './orders.ts';
import type { Queue } from './queue.ts';
import { lockOrder, type OrderRow, readyPhotos } from './rows.ts';

export interface ConfirmDeps {
  readonly db: Db;
  readonly ledger: Ledger;
  readonly queue: Queue;
}

/**
 * Charges the quoted price, if it is the one that was shown, writes the steps and enqueues them, in one transaction: all of it or
 * nothing. The order's row is locked first, so of two confirms the second finds it done.
 */
export async function confirmOrder(
  deps: ConfirmDeps,
  orderId: string,
  personId: number,
  shown: { readonly mode: MorphMode; readonly price: Stars },
): Promise<ConfirmOutcome> {
  return deps.db.transaction(async (tx) => {
    const order = await lockOrder(tx, orderId, personId);
    if (!order) return { kind: 'closed' };
    if (order.confirmedAt) return { kind: 'already', state: order.state };
    const input = morphInput.safeParse(order.input);
    if (order.state !== 'quoted' || !order.quote || !input.success) return { kind: 'closed' };

    const plan = order.quote.plans[input.data.mode];
    const price = sumStars(plan.map((step) => step.price));
    if (input.data.mode !== shown.mode || price !== shown.price) return { kind: 'outdated' };
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
  plan: NonNullable<OrderRow['quote']>['plans']['loop'],
): Promise<void> {
  const photos = await readyPhotos(tx, order.id);
  const firstRank = await nextRank(tx, order.personId);
  const rows = plan.map((step, position) => {
    const from = photos[step.from];
    const to = photos[step.to];
    if (!from || !to) throw new Error(`Order ${order.id} has fewer photos than its quote`);
    const { price, cost } = step;
    const rank = firstRank + position;
    return {
      orderId: order.id,
      position,
      rank,
      price,
      cost,
      fromPhotoId: from.id,
      toPhotoId: to.id,
    };
  });
  const inserted = await tx
    .insert(steps)
    .values(rows)
    .returning({ id: steps.id, rank: steps.rank });
  await deps.queue.send(
    tx,
    'step',
    inserted.map(({ id, rank }) => ({ data: { stepId: id }, priority: -rank })),
  );
}
