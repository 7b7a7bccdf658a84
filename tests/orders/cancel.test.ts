import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { eq } from 'drizzle-orm';
import { orders, people, photos, recordings } from '../../src/db/schema.ts';
import { createFileStorage, writeWhole } from '../../src/media/storage.ts';
import { purgeOrder } from '../../src/orders/purge.ts';
import { type OrdersRig, startOrdersRig } from '../support/orders-rig.ts';
import { createQuickPhotos } from '../support/quick-photos.ts';
import { refusals } from '../support/replicate-server.ts';

const PRICE = 4453;

describe('cancelling', () => {
  let rig: OrdersRig;
  /** Photos on their way to the canvas, and what they wait for. */
  let onTheirWay = 0;
  let mayGoOn = Promise.resolve();
  before(async () => {
    const quick = createQuickPhotos();
    rig = await startOrdersRig({
      concurrency: 2,
      createPhotos: () => ({
        ...quick,
        async toCanvas(job) {
          onTheirWay += 1;
          await mayGoOn;
          return quick.toCanvas(job);
        },
      }),
    });
  });
  after(() => rig.close());

  it('gives everything back before a transition is finished, and stops what runs at the provider', async () => {
    const person = await rig.person(50_000);
    rig.replicate.script(() => ({ outcome: 'hang' }));
    const bought = rig.replicate.predictions.length;
    const id = await rig.order(person, 4);
    await rig.eventually('two predictions run', () => {
      return rig.replicate.predictions.length - bought === 2;
    });
    const outcome = await rig.orders.cancel(id, person, rig.request());
    assert.deepEqual(outcome, { kind: 'refunded', refunded: 3 * PRICE });
    assert.equal(await rig.balance(person), 50_000);
    await rig.eventually('both are cancelled at the provider', () => {
      return rig.replicate.predictions.slice(bought).every(({ status }) => status === 'canceled');
    });
    assert.equal(rig.replicate.predictions.length - bought, 2);
    assert.equal((await rig.orders.cancel(id, person, rig.request())).kind, 'closed');
    await rig.eventually('its files are deleted', () => {
      return !existsSync(join(rig.storageRoot, 'orders', id));
    });
    rig.replicate.script(() => undefined);
  });

  it('stops what runs also when the provider cannot be asked for a while', async () => {
    const person = await rig.person(50_000);
    rig.replicate.script(() => ({ outcome: 'hang' }));
    const bought = rig.replicate.predictions.length;
    const id = await rig.order(person, 2);
    await rig.eventually('a prediction runs', () => rig.replicate.predictions.length > bought);
    rig.replicate.fault('cancel', ...Array.from({ length: 4 }, () => refusals.unavailable));
    await rig.orders.cancel(id, person, rig.request());
    await rig.eventually('it is cancelled at the provider', () => {
      return rig.replicate.predictions.at(-1)?.status === 'canceled';
    });
    rig.replicate.script(() => undefined);
  });

  it('leaves no file behind when the photos are just made ready, and is no error to who waits for them', async () => {
    const person = await rig.person(0);
    const id = await rig.photos(person, 4);
    const { promise, resolve } = Promise.withResolvers<void>();
    mayGoOn = promise;
    onTheirWay = 0;
    const quote = rig.orders.quote(id, person);
    await rig.eventually('all are on their way', () => onTheirWay === 4);
    assert.deepEqual(await rig.orders.cancel(id, person, rig.request()), { kind: 'dropped' });
    await rig.eventually('its files are deleted', async () => {
      const [row] = await rig.database.db.select().from(orders).where(eq(orders.id, id));
      return row?.purgedAt !== null;
    });
    // One that was read before writes its picture now.
    const late = join(rig.storageRoot, 'orders', id, 'canvas-1x1', '1.jpg');
    await writeWhole(late, Buffer.from('picture'));
    resolve();
    assert.deepEqual(await quote, { kind: 'closed' });
    assert.ok(!existsSync(join(rig.storageRoot, 'orders', id)));
  });

  it('keeps and charges finished transitions, refunds the rest, and sends the shorter video on wish', async () => {
    const person = await rig.person(50_000);
    let created = 0;
    rig.replicate.script(() => {
      created += 1;
      return created <= 2 ? undefined : { outcome: 'hang' };
    });
    const id = await rig.order(person, 5);
    await rig.eventually('two transitions are finished', async () => {
      return (await rig.orders.progress(id))?.finished === 2;
    });
    const outcome = await rig.orders.cancel(id, person, rig.request());
    assert.deepEqual(outcome, {
      kind: 'partial_offered',
      finished: 2,
      total: 4,
      refunded: 2 * PRICE,
    });
    assert.equal(await rig.balance(person), 50_000 - 2 * PRICE);
    rig.replicate.script(() => undefined);
    const repeated = await rig.orders.cancel(id, person, rig.request());
    assert.equal(repeated.kind, 'partial_offered');
    assert.deepEqual(
      (await rig.orders.offered(person)).map((order) => order.id),
      [id],
    );

    assert.equal(await rig.orders.answerPartial(id, person, true), 'accepted');
    assert.equal(await rig.orders.answerPartial(id, person, true), 'accepted');
    await rig.until(id, person, 'delivered');
    const sent = rig.chat.previews.filter(({ orderId }) => orderId === id);
    assert.equal(sent.length, 1);
    assert.equal(sent[0]?.transitions, 2);
    assert.equal(sent[0]?.partial, true);
    assert.ok(Math.abs((sent[0]?.durationSeconds ?? 0) - 10) < 0.5);
    assert.equal(await rig.balance(person), 50_000 - 2 * PRICE);
  });

  it('by one request ends one order, and tells the same again when it is handled again', async () => {
    const person = await rig.person(50_000);
    rig.replicate.script(() => ({ outcome: 'hang' }));
    const paid = await rig.order(person, 3);
    const draft = await rig.photos(person, 2);
    const request = rig.request();
    assert.equal(await rig.orders.cancelledBy(person, request), undefined);
    assert.equal((await rig.orders.cancel(draft, person, request)).kind, 'dropped');
    const again = await rig.orders.cancelledBy(person, request);
    assert.equal(again?.order.id, draft);
    assert.equal(again?.outcome.kind, 'dropped');
    const second = await rig.orders.cancel(paid, person, rig.request());
    assert.equal(second.kind, 'refunded');
    rig.replicate.script(() => undefined);
  });

  it('is too late once all transitions are rendered, and a second cancel gives nothing more', async () => {
    const person = await rig.person(50_000);
    rig.chat.nextOutcomes.push({ kind: 'blocked' });
    const id = await rig.order(person, 2);
    await rig.until(id, person, 'delivering');
    await rig.eventually('the block was noticed', () => rig.chat.nextOutcomes.length === 0);
    assert.equal((await rig.orders.cancel(id, person, rig.request())).kind, 'too_late');
    assert.equal(await rig.balance(person), 50_000 - PRICE);
    await rig.orders.personReturned(person);
    await rig.until(id, person, 'delivered');
  });

  it('racing with the end of rendering ends in exactly one of the two, with matching books', async () => {
    const person = await rig.person(500_000);
    for (let round = 0; round < 4; round += 1) {
      const before = await rig.balance(person);
      const id = await rig.order(person, 2);
      await rig.eventually('it renders', async () => {
        return (await rig.orders.progress(id))?.order.state !== 'queued';
      });
      const outcomes = await Promise.all(
        [1, 2, 3].map(() => rig.orders.cancel(id, person, rig.request())),
      );
      const refunded = outcomes.filter(({ kind }) => kind === 'refunded').length;
      assert.ok(refunded <= 1);
      if (refunded === 0) await rig.until(id, person, 'delivered');
      assert.equal(await rig.balance(person), refunded ? before : before - PRICE);
    }
  });
});

describe('the scheduler', () => {
  /** What is kept, for a moment. */
  const retentionHours = 3 / 3600;
  let rig: OrdersRig;
  before(async () => {
    const timing = { attemptMs: 2_000 };
    rig = await startOrdersRig({ timing, uploadLimitBytes: 100_000, retentionHours });
  });
  after(() => rig.close());

  it('cancels an attempt that outlives its time at the provider, and tries again', async () => {
    const person = await rig.person(50_000);
    rig.replicate.next({ outcome: 'hang' });
    const id = await rig.order(person, 2);
    await rig.until(id, person, 'delivered');
    assert.deepEqual(
      rig.replicate.predictions.map(({ status }) => status),
      ['canceled', 'succeeded'],
    );
    assert.equal(await rig.balance(person), 50_000 - PRICE);
  });

  it('sends a result over the upload limit as a fitting preview and numbered parts, which go after the retention, not before', async () => {
    const person = await rig.person(500_000);
    const id = await rig.order(person, 3);
    await rig.until(id, person, 'delivered');
    const folder = join(rig.storageRoot, 'orders', id);
    assert.ok(existsSync(folder));
    const preview = rig.chat.previews.find(({ orderId }) => orderId === id);
    assert.ok(preview && preview.sizeBytes > 100_000);
    assert.notEqual(preview.preview.path, preview.path);
    const parts = rig.chat.documents.flatMap(({ video, part }) =>
      video.orderId === id ? [part] : [],
    );
    assert.deepEqual(parts, [1, 2]);
    await rig.eventually('the files are deleted', () => !existsSync(folder));
  });

  it('gives the stars back of a result whose person blocked the bot for as long as one is kept', async () => {
    const { db } = rig.database;
    const person = await rig.person(50_000);
    const block = (blockedAt: Date) =>
      db.update(people).set({ blockedAt }).where(eq(people.id, person));
    rig.chat.nextOutcomes.push({ kind: 'blocked' });
    const id = await rig.order(person, 2);
    await rig.until(id, person, 'delivering');
    await rig.eventually('the block was noticed', () => rig.chat.nextOutcomes.length === 0);
    await block(new Date());
    const isShown = async () => (await rig.orders.active()).some((order) => order.id === id);
    assert.equal(await isShown(), false);
    const storage = createFileStorage(rig.storageRoot);
    const lookAgain = () => purgeOrder({ db, queue: rig.queue, storage, retentionHours }, id);
    await rig.eventually('the stars are back', async () => {
      await lookAgain();
      return (await rig.balance(person)) === 50_000;
    });
    await rig.until(id, person, 'failed');
    await rig.orders.personReturned(person);
    await rig.eventually('it is said on the return', () => {
      return rig.chat.notices.some(
        ({ orderId, failure }) => orderId === id && failure === 'delivery',
      );
    });
    assert.ok(!rig.chat.alarms.some((alarm) => 'orderId' in alarm && alarm.orderId === id));
  });

  it('gives the stars back of a result that is damaged before it is sent, and tells the operator', async () => {
    const person = await rig.person(50_000);
    const away = { kind: 'later', retryAfterMs: 500 } as const;
    rig.chat.nextOutcomes.push(away);
    const id = await rig.order(person, 2);
    await rig.eventually('sending was put off', () => rig.chat.nextOutcomes.length === 0);
    await truncate(join(rig.storageRoot, 'orders', id, 'result', 'video.mp4'), 1_000);
    await rig.until(id, person, 'failed');
    assert.equal(await rig.balance(person), 50_000);
    await rig.eventually('it is said', () => {
      return rig.chat.notices.some(
        ({ orderId, failure }) => orderId === id && failure === 'delivery',
      );
    });
    assert.ok(rig.chat.alarms.some((alarm) => 'orderId' in alarm && alarm.orderId === id));
  });

  for (const what of ['opened', 'photo', 'recording'] as const) {
    it(`keeps a draft as long after the last thing done with it: ${what}`, async () => {
      const { db } = rig.database;
      const person = await rig.person(0);
      const { id } = await rig.orders.open(person, 'voice_to_text');
      const long = new Date(Date.now() - 30 * 3_600_000);
      const row = { orderId: id, messageId: 1, fileId: 'a', fileUniqueId: 'a' };
      const ago = (isNew: boolean) => (isNew ? new Date() : long);
      await db
        .update(orders)
        .set({ createdAt: long, openedAt: ago(what === 'opened') })
        .where(eq(orders.id, id));
      await db
        .insert(photos)
        .values({ ...row, state: 'removed', createdAt: ago(what === 'photo') });
      await db
        .insert(recordings)
        .values({ ...row, state: 'replaced', createdAt: ago(what === 'recording') });
      const storage = createFileStorage(rig.storageRoot);
      const purge = () => purgeOrder({ db, queue: rig.queue, storage, retentionHours: 1 }, id);
      await purge();
      assert.equal((await rig.orders.find(id, person))?.state, 'draft');
      await db.update(orders).set({ openedAt: long }).where(eq(orders.id, id));
      await db.update(photos).set({ createdAt: long }).where(eq(photos.orderId, id));
      await db.update(recordings).set({ createdAt: long }).where(eq(recordings.orderId, id));
      await purge();
      assert.equal((await rig.orders.find(id, person))?.state, 'cancelled');
    });
  }
});
