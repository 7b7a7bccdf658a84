import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { and, eq, inArray } from 'drizzle-orm';
import { entries, orders, photos, steps } from '../../src/db/schema.ts';
import { type OrdersRig, startOrdersRig } from '../support/orders-rig.ts';

const PRICE = 4453;

test('of 100 orders confirmed at once with stars for 10, exactly 10 are charged and queued', async () => {
  const rig = await startOrdersRig({ concurrency: 1 });
  try {
    const { db } = rig.database;
    const personId = await rig.person(11 * PRICE - 1);
    const orderIds = await quoteMany(rig, personId, 100);
    const outcomes = await Promise.all(orderIds.map((id) => rig.confirm(id, personId)));
    const count = (kind: string) => outcomes.filter((outcome) => outcome.kind === kind).length;
    assert.deepEqual([count('queued'), count('short')], [10, 90]);
    assert.equal(await rig.balance(personId), PRICE - 1);

    const confirmed = orderIds.filter((_, index) => outcomes[index]?.kind === 'queued');
    const again = await Promise.all(confirmed.map((id) => rig.confirm(id, personId)));
    assert.ok(again.every(({ kind }) => kind === 'already'));
    assert.equal(await rig.balance(personId), PRICE - 1);
    const charges = await db
      .select({ orderId: entries.orderId })
      .from(entries)
      .where(and(eq(entries.personId, personId), eq(entries.kind, 'charge')));
    assert.deepEqual(charges.map(({ orderId }) => orderId).sort(), [...confirmed].sort());
    const planned = await db
      .select({ orderId: steps.orderId })
      .from(steps)
      .where(inArray(steps.orderId, orderIds));
    assert.deepEqual(planned.map(({ orderId }) => orderId).sort(), [...confirmed].sort());
  } finally {
    await rig.close();
  }
});

/** Quoted orders of two photos each: one made as people make them, the others after its pattern. */
async function quoteMany(rig: OrdersRig, personId: number, count: number): Promise<string[]> {
  const { db } = rig.database;
  const first = await rig.photos(personId, 2);
  assert.equal((await rig.orders.quote(first, personId)).kind, 'quoted');
  await rig.orders.choose(first, personId, { mode: 'seamless' });
  const [order] = await db.select().from(orders).where(eq(orders.id, first));
  const pictures = await db.select().from(photos).where(eq(photos.orderId, first));
  assert.ok(order);
  const others = Array.from({ length: count - 1 }, () => randomUUID());
  await db.insert(orders).values(others.map((id) => ({ ...order, id })));
  const copies = others.flatMap((orderId) =>
    pictures.map(({ id: _, ...picture }) => ({ ...picture, orderId })),
  );
  await db.insert(photos).values(copies);
  return [first, ...others];
}
