import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { asc, eq, inArray } from 'drizzle-orm';
import type { Db, Tx } from '../../src/db/database.ts';
import { deliveries, entries, orders, photos, steps } from '../../src/db/schema.ts';
import { type Stars, stars, sumStars } from '../../src/domain/stars.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { chargeKey } from '../../src/orders/keys.ts';
import { refundAllSteps, refundStep } from '../../src/orders/refund.ts';
import { lockOrder, readSteps, type StepRow } from '../../src/orders/rows.ts';

/** How a step ends: `replaced` by one of ours, it is delivered and costs nothing. */
export type StepEnd = 'done' | 'replaced' | 'failed';

/** Orders that are charged, rendered, given back and delivered as `orders` does it, with nothing rendered. */
export interface OrderBooks {
  /** Charges and queues it, in one transaction; nothing when its person has too little, or it died. */
  confirm(personId: number, prices: readonly number[], dies: boolean): Promise<void>;
  /** Asks again for what was done: the charge, and all refunds of its steps. */
  repeat(which: number): Promise<void>;
  /** Ends the first step that is still open; refunds it in the same transaction. */
  endStep(which: number, end: StepEnd, dies: boolean): Promise<void>;
  cancel(which: number, dies: boolean): Promise<void>;
  /** Delivers an order whose steps are over, or fails it when there is nothing to deliver. */
  finish(which: number, dies: boolean): Promise<void>;
  /** Ends and finishes all. */
  finishAll(): Promise<void>;
  /** Every step was charged once, and refunded once when it is not delivered as ordered. */
  check(): Promise<void>;
}

export function createOrderBooks(db: Db, ledger: Ledger): OrderBooks {
  const known: string[] = [];
  const chosen = (which: number) => known[which % Math.max(1, known.length)];

  /** In one transaction with the order held; all of it or, when the process dies, nothing. */
  async function change(
    orderId: string | undefined,
    dies: boolean,
    work: (tx: Tx, orderId: string) => Promise<void>,
  ): Promise<void> {
    if (orderId === undefined) return;
    await inTransaction(dies, async (tx) => {
      const order = await lockOrder(tx, orderId);
      if (order?.state === 'rendering') await work(tx, orderId);
    });
  }

  async function inTransaction(dies: boolean, work: (tx: Tx) => Promise<void>): Promise<void> {
    const killed = new Error('killed before the commit');
    const done = db.transaction(async (tx) => {
      await work(tx);
      if (dies) throw killed;
    });
    await done.catch((error: unknown) => {
      if (error !== killed) throw error;
    });
  }

  const endStepOf = (orderId: string | undefined, end: StepEnd, dies: boolean) =>
    change(orderId, dies, async (tx, id) => {
      const open = (await readSteps(tx, id)).find(({ state }) => state === 'waiting');
      if (!open) return;
      await tx.update(steps).set({ state: end }).where(eq(steps.id, open.id));
      if (end !== 'done') await refundStep(ledger, tx, open, end);
    });

  const finishOf = (orderId: string | undefined, dies: boolean) =>
    change(orderId, dies, async (tx, id) => {
      const all = await readSteps(tx, id);
      if (all.some(({ state }) => state === 'waiting')) return;
      const isVideo = all.some(({ state }) => state === 'done' || state === 'replaced');
      if (isVideo) {
        await tx.insert(deliveries).values({ orderId: id, kind: 'document', messageId: 1 });
      } else {
        await refundAllSteps(ledger, tx, id, 'failed');
      }
      const state = isVideo ? 'delivered' : 'failed';
      await tx.update(orders).set({ state, endedAt: new Date() }).where(eq(orders.id, id));
    });

  return {
    async confirm(personId, prices, dies) {
      const orderId = randomUUID();
      const price = sumStars(prices.map((each) => stars(each)));
      let isCharged = false;
      await inTransaction(dies, async (tx) => {
        await tx.insert(orders).values({
          ...{ id: orderId, personId, serviceType: 'test', state: 'rendering', price },
          confirmedAt: new Date(),
        });
        await writeSteps(tx, orderId, prices);
        const outcome = await ledger.charge(tx, chargeOf(orderId, personId, price));
        isCharged = outcome.kind === 'charged';
        if (outcome.kind === 'charged') {
          assert.ok(outcome.balance >= 0, 'nobody orders on credit');
        } else {
          await tx.delete(steps).where(eq(steps.orderId, orderId));
          await tx.delete(photos).where(eq(photos.orderId, orderId));
          await tx.delete(orders).where(eq(orders.id, orderId));
        }
      });
      if (isCharged && !dies) known.push(orderId);
    },

    async repeat(which) {
      const orderId = chosen(which);
      if (orderId === undefined) return;
      await db.transaction(async (tx) => {
        const order = await lockOrder(tx, orderId);
        assert.ok(order?.price);
        const charge = chargeOf(orderId, order.personId, order.price);
        assert.equal((await ledger.charge(tx, charge)).kind, 'already');
        for (const step of await readSteps(tx, orderId)) {
          if (isReturned(step, order.state)) await refundStep(ledger, tx, step, 'again');
        }
      });
    },

    endStep: (which, end, dies) => endStepOf(chosen(which), end, dies),
    finish: (which, dies) => finishOf(chosen(which), dies),

    cancel: (which, dies) =>
      change(chosen(which), dies, async (tx, id) => {
        for (const step of await readSteps(tx, id)) {
          if (step.state !== 'waiting') continue;
          await tx.update(steps).set({ state: 'cancelled' }).where(eq(steps.id, step.id));
          await refundStep(ledger, tx, step, 'cancelled');
        }
      }),

    async finishAll() {
      for (const orderId of known) {
        for (const end of ['done', 'failed', 'replaced', 'done'] as const) {
          await endStepOf(orderId, end, false);
        }
        await finishOf(orderId, false);
      }
      const rest = await db.select().from(orders).where(inArray(orders.id, known));
      assert.ok(rest.every(({ state }) => state === 'delivered' || state === 'failed'));
    },

    async check() {
      for (const order of await db.select().from(orders).where(inArray(orders.id, known))) {
        const all = await readSteps(db, order.id);
        const mine = await db
          .select()
          .from(entries)
          .where(eq(entries.orderId, order.id))
          .orderBy(asc(entries.id));
        const of = (kind: string) =>
          mine.filter((entry) => entry.kind === kind).map(({ amount }) => amount);
        const charged = sumStars(all.map(({ price }) => price));
        assert.deepEqual(of('charge'), [stars(-charged)], 'every step is charged once');
        const returned = all.filter((step) => isReturned(step, order.state));
        assert.deepEqual(
          of('refund').sort(),
          returned.map(({ price }) => price).sort(),
          'every step that is not delivered as ordered is refunded once, and no other',
        );
        if (order.state !== 'delivered') continue;
        const kept = all.filter(({ state }) => state === 'done').map(({ price }) => price);
        const paid = charged - sumStars(of('refund'));
        assert.equal(paid, sumStars(kept), 'what stays paid is what was delivered');
      }
    },
  };
}

function isReturned({ state }: StepRow, orderState: string): boolean {
  return (
    state === 'replaced' || state === 'failed' || state === 'cancelled' || orderState === 'failed'
  );
}

function chargeOf(orderId: string, personId: number, amount: Stars) {
  const key = chargeKey(orderId);
  return { personId, amount, cost: stars(0), serviceType: 'test', orderId, key };
}

async function writeSteps(tx: Tx, orderId: string, prices: readonly number[]): Promise<void> {
  const [photo] = await tx
    .insert(photos)
    .values({ orderId, state: 'ready', messageId: 1, fileId: 'f', fileUniqueId: 'u' })
    .returning({ id: photos.id });
  assert.ok(photo);
  await tx.insert(steps).values(
    prices.map((price, position) => ({
      ...{ orderId, position, rank: position, cost: stars(0), photoIds: [photo.id] },
      price: stars(price),
    })),
  );
}
