import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eq } from 'drizzle-orm';
import { predictions, steps } from '../../src/db/schema.ts';
import { type OrdersRig, startOrdersRig } from '../support/orders-rig.ts';

const PRICE = 4453;

describe('predictions', () => {
  it('let a small order overtake a large one', async () => {
    const rig = await startOrdersRig({ concurrency: 3, delayMs: 400 });
    try {
      const large = await rig.person(1_000_000);
      const small = await rig.person(50_000);
      const quick = await rig.photos(small, 3);
      await rig.orders.quote(quick, small);
      await rig.orders.choose(quick, small, { mode: 'seamless' });
      const big = await rig.order(large, 12);
      await rig.eventually('the large one fills all places', () => {
        return rig.replicate.running.now === 3;
      });
      await rig.confirm(quick, small);
      await rig.until(quick, small, 'delivered');
      await rig.until(big, large, 'delivered');
      const turns = (await orderOfCreation(rig)).flatMap((id, turn) =>
        id === quick ? [turn] : [],
      );
      assert.ok((turns.at(-1) ?? 99) <= 8, `its predictions were number ${turns.join(' and ')}`);
      assert.equal(rig.replicate.running.peak, 3);
    } finally {
      await rig.close();
    }
  });

  it('are never more than allowed, whatever fails, does not play or is cancelled', async () => {
    const rig = await startOrdersRig({ concurrency: 2 });
    try {
      const person = await rig.person(500_000);
      let created = 0;
      rig.replicate.script(() => {
        created += 1;
        if (created % 3 === 0) return { output: Buffer.from('this is no video') };
        return created % 4 === 0 ? { outcome: 'fail', error: 'Something odd' } : undefined;
      });
      const id = await rig.order(person, 8);
      const other = await rig.person(50_000);
      const dropped = await rig.order(other, 2);
      await rig.orders.cancel(dropped, other, rig.request());
      await rig.until(id, person, 'delivered');
      assert.ok(created > 7, `${created} predictions for 7 transitions`);
      assert.equal(rig.replicate.running.peak, 2);
    } finally {
      await rig.close();
    }
  });

  it('go on while a clip is being fetched', async () => {
    const rig = await startOrdersRig({ concurrency: 1 });
    try {
      const person = await rig.person(50_000);
      rig.replicate.next({ download: { kind: 'slow', pauseMs: 300 } });
      const id = await rig.order(person, 3);
      await rig.eventually('the second one is over', () => {
        return rig.replicate.predictions[1]?.completedAt !== undefined;
      });
      const rows = await rig.database.db.select().from(steps).where(eq(steps.orderId, id));
      assert.equal(rows.find(({ position }) => position === 0)?.state, 'rendering');
      await rig.until(id, person, 'delivered');
      assert.equal(rig.replicate.running.peak, 1);
      assert.equal(await rig.balance(person), 50_000 - 2 * PRICE);
    } finally {
      await rig.close();
    }
  });

  it('wait once too many clips are there that cannot be fetched', async () => {
    const rig = await startOrdersRig({ concurrency: 2, timing: { retryMs: 200 } });
    try {
      const person = await rig.person(500_000);
      const away = { kind: 'answer', status: 503 } as const;
      rig.replicate.faultDownload(...Array.from({ length: 6 }, () => away));
      const id = await rig.order(person, 9);
      let most = 0;
      await rig.eventually('the first clip arrives', async () => {
        most = Math.max(most, rig.replicate.predictions.length);
        return ((await rig.orders.progress(id))?.finished ?? 0) > 0;
      });
      // Two that could run and one beside, and two whose clips came while we looked.
      assert.ok(most >= 3 && most <= 5, `${most} were bought before a clip arrived`);
      await rig.until(id, person, 'delivered');
      assert.equal(rig.replicate.predictions.length, 8);
    } finally {
      await rig.close();
    }
  });
});

/** The orders of all predictions, in the order in which the provider accepted them. */
async function orderOfCreation(rig: OrdersRig): Promise<(string | undefined)[]> {
  const rows = await rig.database.db
    .select({ externalId: predictions.externalId, orderId: steps.orderId })
    .from(predictions)
    .innerJoin(steps, eq(steps.id, predictions.stepId));
  return rig.replicate.predictions.map(
    ({ id }) => rows.find(({ externalId }) => externalId === id)?.orderId,
  );
}
