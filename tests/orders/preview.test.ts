import assert from 'node:assert/strict';
import { access } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { desc, eq } from 'drizzle-orm';
import { previews } from '../../src/db/schema.ts';
import { NO_STARS } from '../../src/domain/stars.ts';
import { type OrdersRig, startOrdersRig } from '../support/orders-rig.ts';

/** A quoted order of a person without a star. */
async function quoted(rig: OrdersRig, photoCount: number, personId?: number) {
  const owner = personId ?? (await rig.person(0));
  const orderId = await rig.photos(owner, photoCount);
  const quote = await rig.orders.quote(orderId, owner);
  assert.equal(quote.kind, 'quoted');
  return { personId: owner, orderId, quote };
}

const previewsOf = (rig: OrdersRig, ...orderIds: readonly string[]) =>
  rig.chat.freePreviews.filter(({ orderId }) => orderIds.includes(orderId));

const arrived = (rig: OrdersRig, ...orderIds: readonly string[]) =>
  rig.eventually('the previews arrive', () => {
    return previewsOf(rig, ...orderIds).length === orderIds.length;
  });

/** The newest preview of an order has come to this end. */
const ended = (rig: OrdersRig, orderId: string, state: 'dropped' | 'failed') =>
  rig.eventually(`it is ${state}`, async () => {
    const [newest] = await rig.database.db
      .select()
      .from(previews)
      .where(eq(previews.orderId, orderId))
      .orderBy(desc(previews.createdAt));
    return newest?.state === state;
  });

describe('the free preview', () => {
  let rig: OrdersRig;
  before(async () => {
    rig = await startOrdersRig({ previewsPerDay: 1 });
  });
  after(() => rig.close());

  test('shows the first transitions small and marked, and costs nothing', async () => {
    const { personId, orderId, quote } = await quoted(rig, 3);
    assert.ok(quote.kind === 'quoted' && quote.previewTransitions === 2);
    const asked = await rig.orders.preview(orderId, personId);
    assert.ok(asked.kind === 'started' && asked.transitions === 2);
    await arrived(rig, orderId);
    const [preview] = previewsOf(rig, orderId);
    assert.ok(preview);
    assert.equal(Math.min(preview.width, preview.height), 480);
    assert.equal(preview.transitions, 2);
    assert.ok(Math.abs(preview.durationSeconds - 4) < 0.2);
    assert.equal(await rig.balance(personId), NO_STARS);
    assert.equal((await rig.orders.find(orderId, personId))?.state, 'quoted');
    await rig.eventually('its files are gone', () =>
      access(preview.path).then(
        () => false,
        () => true,
      ),
    );
    const again = await rig.orders.preview(orderId, personId);
    assert.equal(again.kind, 'made', 'from the same photos it is not made twice');
  });

  test('shows at most twelve transitions', async () => {
    const { quote } = await quoted(rig, 14);
    assert.ok(quote.kind === 'quoted' && quote.previewTransitions === 12);
  });

  test('is made one at a time for each person, and so many a day', async () => {
    const rig = await startOrdersRig({ previewsPerDay: 2 });
    try {
      const first = await quoted(rig, 2);
      const { personId } = first;
      const both = await Promise.all([
        rig.orders.preview(first.orderId, personId),
        rig.orders.preview(first.orderId, personId),
      ]);
      assert.deepEqual(both.map(({ kind }) => kind).sort(), ['running', 'started']);
      await arrived(rig, first.orderId);
      await rig.orders.cancel(first.orderId, personId, 1);
      const second = await quoted(rig, 2, personId);
      assert.equal((await rig.orders.preview(second.orderId, personId)).kind, 'started');
      await arrived(rig, second.orderId);
      await rig.orders.cancel(second.orderId, personId, 2);
      const third = await quoted(rig, 2, personId);
      assert.deepEqual(await rig.orders.preview(third.orderId, personId), {
        kind: 'limit',
        perDay: 2,
      });
      await rig.database.db.update(previews).set({ createdAt: new Date(Date.now() - 90_000_000) });
      assert.equal((await rig.orders.preview(third.orderId, personId)).kind, 'started');
      await arrived(rig, third.orderId);
    } finally {
      await rig.close();
    }
  });

  test('is not for somebody else, nor for an order that is not quoted', async () => {
    const { personId, orderId } = await quoted(rig, 2);
    const stranger = await rig.person(0);
    assert.equal((await rig.orders.preview(orderId, stranger)).kind, 'closed');
    await rig.orders.cancel(orderId, personId, 1);
    assert.equal((await rig.orders.preview(orderId, personId)).kind, 'closed');
  });

  test('is not sent once its order is paid', async () => {
    const personId = await rig.person(10_000_000);
    const { orderId } = await quoted(rig, 2, personId);
    const paid = Promise.withResolvers<void>();
    const { freePreviewMark } = rig.chat;
    rig.chat.freePreviewMark = async (asker) => {
      await paid.promise;
      return freePreviewMark(asker);
    };
    assert.equal((await rig.orders.preview(orderId, personId)).kind, 'started');
    await rig.orders.choose(orderId, personId, { mode: 'seamless' });
    assert.equal((await rig.confirm(orderId, personId)).kind, 'queued');
    paid.resolve();
    rig.chat.freePreviewMark = freePreviewMark;
    await ended(rig, orderId, 'dropped');
    assert.deepEqual(previewsOf(rig, orderId), []);
    await rig.until(orderId, personId, 'delivered');
  });

  test('is dropped with its order, and leaves the way free for the next', async () => {
    const { personId, orderId } = await quoted(rig, 2);
    rig.chat.nextOutcomes.push({ kind: 'later', retryAfterMs: 500 });
    assert.equal((await rig.orders.preview(orderId, personId)).kind, 'started');
    await rig.eventually('it was tried', () => rig.chat.nextOutcomes.length === 0);
    await rig.orders.cancel(orderId, personId, 1);
    await ended(rig, orderId, 'dropped');
    assert.deepEqual(previewsOf(rig, orderId), []);
    const next = await quoted(rig, 2, personId);
    assert.equal((await rig.orders.preview(next.orderId, personId)).kind, 'started');
    await arrived(rig, next.orderId);
  });

  test('is not lost on its person: when it cannot be sent they are told, as soon as that can be', async () => {
    const { personId, orderId } = await quoted(rig, 2);
    const away = { kind: 'later', retryAfterMs: 0 } as const;
    const [threeSends, oneTell] = [[away, away, away], [away]];
    rig.chat.nextOutcomes.push(...threeSends, ...oneTell);
    assert.equal((await rig.orders.preview(orderId, personId)).kind, 'started');
    await rig.eventually('it is told', () => rig.chat.failedPreviews.length > 0);
    await ended(rig, orderId, 'failed');
    assert.deepEqual(rig.chat.failedPreviews, [orderId]);
    assert.deepEqual(previewsOf(rig, orderId), []);
    // Nor does it count as the one of this day.
    assert.equal((await rig.orders.preview(orderId, personId)).kind, 'started');
    await arrived(rig, orderId);
  });

  test('counts for nothing when it was refused', async () => {
    const { personId, orderId } = await quoted(rig, 2);
    rig.chat.nextOutcomes.push({ kind: 'refused' });
    assert.equal((await rig.orders.preview(orderId, personId)).kind, 'started');
    await ended(rig, orderId, 'dropped');
    assert.equal((await rig.orders.preview(orderId, personId)).kind, 'started');
    await arrived(rig, orderId);
  });
});
