import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eq, inArray } from 'drizzle-orm';
import { predictions, steps } from '../../src/db/schema.ts';
import { type OrdersRig, startOrdersRig } from '../support/orders-rig.ts';

const PRICE = 4453;

describe('predictions, of which two may run at once,', () => {
  let rig: OrdersRig;
  before(async () => {
    rig = await startOrdersRig({ concurrency: 2 });
  });
  after(() => rig.close());

  it('let a small order overtake a large one', async () => {
    const large = await rig.person(1_000_000);
    const small = await rig.person(50_000);
    const quick = await rig.photos(small, 3);
    await rig.orders.quote(quick, small);
    await rig.orders.choose(quick, small, { mode: 'seamless' });
    const confirmed = Promise.withResolvers<void>();
    rig.replicate.next({ until: confirmed.promise }, { until: confirmed.promise });
    const big = await rig.order(large, 7);
    await rig.eventually('the large one fills all places', () => rig.replicate.running.now === 2);
    await rig.confirm(quick, small);
    confirmed.resolve();
    await rig.until(quick, small, 'delivered');
    await rig.until(big, large, 'delivered');
    const turns = (await orderOfCreation(rig)).flatMap((id, turn) => (id === quick ? [turn] : []));
    // The two that ran before it, then by turns with the large one.
    assert.ok((turns.at(-1) ?? 99) <= 5, `its predictions were number ${turns.join(' and ')}`);
    assert.equal(rig.replicate.running.peak, 2);
  });

  it('are never more than allowed, whatever fails, does not play or is cancelled', async () => {
    const person = await rig.person(500_000);
    let created = 0;
    rig.replicate.script(() => {
      created += 1;
      if (created % 3 === 0) return { output: Buffer.from('this is no video') };
      return created % 4 === 0 ? { outcome: 'fail', error: 'Something odd' } : undefined;
    });
    const id = await rig.order(person, 6);
    const other = await rig.person(50_000);
    const dropped = await rig.order(other, 2);
    await rig.orders.cancel(dropped, other, rig.request());
    await rig.until(id, person, 'delivered');
    rig.replicate.script(() => undefined);
    assert.ok(created > 5, `${created} predictions for 5 transitions`);
    assert.equal(rig.replicate.running.peak, 2);
  });

  it('go on while clips are being fetched', async () => {
    const person = await rig.person(50_000);
    const from = rig.replicate.predictions.length;
    const over = Promise.withResolvers<void>();
    const download = { kind: 'held', until: over.promise } as const;
    rig.replicate.next({ download }, { download });
    const id = await rig.order(person, 4);
    try {
      await rig.eventually('the third one is over', () => {
        return rig.replicate.predictions[from + 2]?.completedAt !== undefined;
      });
      const held = rig.replicate.predictions.slice(from, from + 2).map((one) => one.id);
      const attempts = await rig.database.db
        .select({ state: predictions.state })
        .from(predictions)
        .where(inArray(predictions.externalId, held));
      assert.deepEqual(attempts, [{ state: 'running' }, { state: 'running' }]);
    } finally {
      over.resolve();
    }
    await rig.until(id, person, 'delivered');
    assert.equal(rig.replicate.running.peak, 2);
    assert.equal(await rig.balance(person), 50_000 - 3 * PRICE);
  });

  it('wait once too many clips are there that cannot be fetched', async () => {
    const person = await rig.person(500_000);
    const from = rig.replicate.predictions.length;
    const bought = () => rig.replicate.predictions.length - from;
    const fetched = () =>
      rig.replicate.requests.filter(({ endpoint }) => endpoint === 'download').length;
    rig.replicate.faultDownloadAlways({ kind: 'answer', status: 503 });
    const id = await rig.order(person, 6);
    // Two that could run, and one beside.
    await rig.eventually('three are bought', () => bought() === 3);
    const before = fetched();
    await rig.eventually('each was asked for again and again', () => fetched() >= before + 12);
    assert.equal(bought(), 3);
    rig.replicate.faultDownloadAlways(undefined);
    await rig.until(id, person, 'delivered');
    assert.equal(bought(), 5);
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
