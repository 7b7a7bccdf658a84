import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it, type TestContext } from 'node:test';
import { asc, eq } from 'drizzle-orm';
import { orders as orderRows, predictions, steps } from '../../src/db/schema.ts';
import { createFileStorage } from '../../src/media/storage.ts';
import { purgeOrder } from '../../src/orders/purge.ts';
import type { Provider } from '../../src/providers/provider.ts';
import { type OrdersRig, startOrdersRig } from '../support/orders-rig.ts';
import { makeJpeg } from '../support/pictures.ts';
import { refusals } from '../support/replicate-server.ts';

const BALANCE = 100_000;

async function setUp(t: TestContext, options: Parameters<typeof startOrdersRig>[0] = {}) {
  const rig = await startOrdersRig(options);
  t.after(() => rig.close());
  return rig;
}

/** A confirmed order of speech, with its only step. */
async function speech(rig: OrdersRig): Promise<{ person: number; id: string; stepId: number }> {
  const person = await rig.person(BALANCE);
  const id = await rig.draft(person, 'text_to_speech', { text: 'Hello', voice: 'en_man' });
  await rig.buy(person, id);
  const [step] = await rig.database.db.select().from(steps).where(eq(steps.orderId, id));
  return { person, id, stepId: step?.id ?? 0 };
}

async function isRefunded(rig: OrdersRig, id: string, person: number): Promise<string | undefined> {
  await rig.until(id, person, 'failed');
  await rig.eventually('the person is told', () => {
    return rig.chat.notices.some(({ orderId }) => orderId === id);
  });
  assert.equal(await rig.balance(person), BALANCE);
  return rig.chat.notices.find(({ orderId }) => orderId === id)?.failure;
}

const isAlarmed = (rig: OrdersRig, id: string) =>
  rig.chat.alarms.some((alarm) => alarm.kind === 'order_failed' && alarm.orderId === id);

describe('an order that cannot be read any more', () => {
  const broken = [
    ['whose model is gone', { quote: { model: 'gone/model', plans: {} } }],
    ['whose input is of another kind', { input: { text: 7 } }],
    ['whose service is gone', { serviceType: 'gone' }],
  ] as const;
  for (const [name, change] of broken) {
    it(`${name} gives everything back, and an operator is told`, async (t) => {
      const rig = await setUp(t, { start: false });
      const { person, id } = await speech(rig);
      await rig.database.db.update(orderRows).set(change).where(eq(orderRows.id, id));
      await rig.orders.start();
      assert.equal(await isRefunded(rig, id, person), 'provider_error');
      assert.ok(isAlarmed(rig, id));
      assert.equal(rig.replicate.predictions.length, 0);
    });
  }

  it('when it is to be finished gives everything back, and an operator is told', async (t) => {
    const rig = await setUp(t, { start: false });
    const { person, id } = await speech(rig);
    const { db } = rig.database;
    await db.update(steps).set({ state: 'done' }).where(eq(steps.orderId, id));
    await db
      .update(orderRows)
      .set({ state: 'finishing', serviceType: 'gone' })
      .where(eq(orderRows.id, id));
    await db.transaction((tx) => rig.queue.send(tx, 'finish', [{ data: { orderId: id } }]));
    await rig.orders.start();
    assert.equal(await isRefunded(rig, id, person), 'stitching');
    assert.ok(isAlarmed(rig, id));
  });
});

describe('an attempt that a killed process left before its answer, where nobody can tell of it', () => {
  /** What was attempted before, as far as `made` attempts. */
  async function resume(t: TestContext, made: number) {
    const rig = await setUp(t, {
      start: false,
      distort: (provider) => ({
        ...provider,
        find: async () => ({ kind: 'failed', failure: { kind: 'bad_input' } }),
      }),
    });
    const order = await speech(rig);
    const { db } = rig.database;
    for (let attempt = 1; attempt <= made; attempt += 1) {
      await db.insert(predictions).values({
        ...{ id: randomUUID(), stepId: order.stepId, attempt, provider: 'replicate' },
        ...{ model: 'some/model', input: {}, fingerprint: '' },
        ...(attempt < made ? { state: 'failed', failure: 'network', endedAt: new Date() } : {}),
      });
    }
    await rig.orders.start();
    const attempts = async () => {
      const all = await db.select().from(predictions).orderBy(asc(predictions.attempt));
      return all.map(({ state, failure }) => failure ?? state);
    };
    return { rig, ...order, attempts };
  }

  it('counts, and is followed by another', async (t) => {
    const { rig, id, person, attempts } = await resume(t, 1);
    await rig.until(id, person, 'delivered');
    assert.deepEqual(await attempts(), ['network', 'succeeded']);
    assert.equal(rig.replicate.predictions.length, 1);
  });

  it('is the last one when it was the third', async (t) => {
    const { rig, id, person, attempts } = await resume(t, 3);
    assert.equal(await isRefunded(rig, id, person), 'network');
    assert.deepEqual(await attempts(), ['network', 'network', 'network']);
    assert.equal(rig.replicate.predictions.length, 0);
  });
});

it('a prediction whose id a killed process never learnt is stopped with its order, though its words are deleted', async (t) => {
  const providers: Provider[] = [];
  const rig = await setUp(t, {
    start: false,
    distort: (provider) => {
      providers.push(provider);
      return provider;
    },
  });
  const { person, id, stepId } = await speech(rig);
  const { db } = rig.database;
  const [provider] = providers;
  const { signal } = new AbortController();
  rig.replicate.script(() => ({ outcome: 'hang' }));
  for (const text of ['Hello', 'Good night']) {
    const asked = { kind: 'prediction', model: 'minimax/speech-02-hd', input: { text } } as const;
    const prepared = await provider?.prepare({ ...asked, files: {} }, signal);
    if (prepared?.kind !== 'prepared') throw new Error('Nothing was prepared');
    const { request } = prepared;
    const attemptId = randomUUID();
    await provider?.create({ attemptId, request, deadlineMs: 60_000 }, signal);
    if (text !== 'Hello') continue;
    const attempt = { id: attemptId, stepId, attempt: 1, provider: 'replicate' };
    await db.insert(predictions).values({ ...attempt, ...request });
  }
  await db.update(steps).set({ state: 'rendering' }).where(eq(steps.id, stepId));
  await rig.orders.cancel(id, person, rig.request());
  const storage = createFileStorage(rig.storageRoot);
  await purgeOrder({ db, queue: rig.queue, storage, retentionHours: 1 }, id);
  const [kept] = await db.select().from(predictions);
  assert.deepEqual(kept?.input, { text: '' });

  rig.replicate.fault('list', refusals.unavailable);
  await rig.orders.start();
  await rig.eventually('the attempt is over', async () => {
    const [{ state } = {}] = await db.select().from(predictions);
    return state === 'cancelled';
  });
  const statuses = rig.replicate.predictions.map(({ status }) => status);
  assert.deepEqual(statuses, ['canceled', 'processing']);
});

describe('what is waited out', () => {
  const timing = { waitMs: 600 };

  it('before anything is bought ends in a refund, once a day has passed', async (t) => {
    const rig = await setUp(t, { timing });
    rig.replicate.fault('create', ...Array.from({ length: 500 }, () => refusals.outOfCredit));
    const confirmedAt = Date.now();
    const { id, person } = await speech(rig);
    assert.equal(await isRefunded(rig, id, person), 'provider_error');
    assert.ok(Date.now() - confirmedAt >= timing.waitMs);
    assert.equal(rig.replicate.predictions.length, 0);
  });

  it('ends also for a training whose model is public', async (t) => {
    const models = [{ name: 'morphogram-avatars', visibility: 'public' as const }];
    const rig = await setUp(t, { timing, replicate: { models } });
    const person = await rig.person(BALANCE);
    const { id } = await rig.orders.open(person, 'digital_avatar_body');
    await rig.answer(person, id, 'gender', 'male');
    for (let seed = 0; seed < 10; seed += 1) {
      await rig.sendFile(person, id, await makeJpeg({ width: 320, height: 400, seed }));
    }
    await rig.orders.done(id, person);
    await rig.answer(person, id, 'name', 'Alex');
    await rig.answer(person, id, 'steps', '1000');
    await rig.buy(person, id);
    assert.equal(await isRefunded(rig, id, person), 'provider_error');
    assert.equal(rig.replicate.trainings.length, 0);
  });
});
