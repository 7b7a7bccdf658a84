import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { asc, eq } from 'drizzle-orm';
import { orders as orderRows, predictions, steps } from '../../src/db/schema.ts';
import { createFileStorage } from '../../src/media/storage.ts';
import { purgeOrder } from '../../src/orders/purge.ts';
import type { Provider } from '../../src/providers/provider.ts';
import { type OrdersRig, startOrdersRig } from '../support/orders-rig.ts';
import { refusals } from '../support/replicate-server.ts';

const BALANCE = 100_000;

interface Order {
  readonly person: number;
  readonly id: string;
  readonly stepId: number;
}

/** A confirmed order of speech, with its only step. */
async function speech(rig: OrdersRig): Promise<Order> {
  const person = await rig.person(BALANCE);
  const id = await rig.draft(person, 'text_to_speech', { text: 'Hello', voice: 'en_man' });
  await rig.buy(person, id);
  const [step] = await rig.database.db.select().from(steps).where(eq(steps.orderId, id));
  return { person, id, stepId: step?.id ?? 0 };
}

/** All stars are back, and the person is told why. */
async function isRefunded(
  rig: OrdersRig,
  { id, person }: Pick<Order, 'id' | 'person'>,
): Promise<string | undefined> {
  await rig.until(id, person, 'failed');
  await rig.eventually('the person is told', () => {
    return rig.chat.notices.some(({ orderId }) => orderId === id);
  });
  assert.equal(await rig.balance(person), BALANCE);
  return rig.chat.notices.find(({ orderId }) => orderId === id)?.failure;
}

const isAlarmed = (rig: OrdersRig, { id }: Order) =>
  rig.chat.alarms.some((alarm) => alarm.kind === 'order_failed' && alarm.orderId === id);

describe('what a process finds at its start:', () => {
  const found: (() => Promise<void>)[] = [];
  let rig: OrdersRig;
  before(async () => {
    rig = await startOrdersRig({
      start: false,
      distort: (provider) => ({
        ...provider,
        find: async () => ({ kind: 'failed', failure: { kind: 'bad_input' } }),
      }),
    });
    for (const prepare of found) await prepare();
    await rig.orders.start();
  });
  after(() => rig.close());

  /** Everything is prepared before the one start, and looked at after it. */
  function prepareAtStart(change: (order: Order) => Promise<unknown>): () => Order {
    let order: Order | undefined;
    found.push(async () => {
      order = await speech(rig);
      await change(order);
    });
    return () => {
      if (!order) throw new Error('Nothing was prepared');
      return order;
    };
  }

  const attemptsOf = async ({ stepId }: Order) => {
    const all = await rig.database.db
      .select()
      .from(predictions)
      .where(eq(predictions.stepId, stepId))
      .orderBy(asc(predictions.attempt));
    return all.map(({ state, failure }) => failure ?? state);
  };

  describe('an order that cannot be read any more', () => {
    const broken = [
      ['whose model is gone', { quote: { model: 'gone/model', plans: {} } }],
      ['whose input is of another kind', { input: { text: 7 } }],
      ['whose service is gone', { serviceType: 'gone' }],
    ] as const;
    for (const [name, change] of broken) {
      const prepared = prepareAtStart(({ id }) =>
        rig.database.db.update(orderRows).set(change).where(eq(orderRows.id, id)),
      );
      it(`${name} gives everything back, and an operator is told`, async () => {
        const order = prepared();
        assert.equal(await isRefunded(rig, order), 'provider_error');
        assert.ok(isAlarmed(rig, order));
        assert.deepEqual(await attemptsOf(order), []);
      });
    }

    const unfinished = prepareAtStart(async ({ id }) => {
      const { db } = rig.database;
      await db.update(steps).set({ state: 'done' }).where(eq(steps.orderId, id));
      await db
        .update(orderRows)
        .set({ state: 'finishing', serviceType: 'gone' })
        .where(eq(orderRows.id, id));
      await db.transaction((tx) => rig.queue.send(tx, 'finish', [{ data: { orderId: id } }]));
    });
    it('when it is to be finished gives everything back, and an operator is told', async () => {
      const order = unfinished();
      assert.equal(await isRefunded(rig, order), 'stitching');
      assert.ok(isAlarmed(rig, order));
    });
  });

  describe('an attempt that a killed process left before its answer, where nobody can tell of it,', () => {
    /** An order of which so many attempts were made before. */
    const attempted = (made: number) =>
      prepareAtStart(async ({ stepId }) => {
        for (let attempt = 1; attempt <= made; attempt += 1) {
          await rig.database.db.insert(predictions).values({
            ...{ id: randomUUID(), stepId, attempt, provider: 'replicate' },
            ...{ model: 'some/model', input: {}, fingerprint: '' },
            ...(attempt < made ? { state: 'failed', failure: 'network', endedAt: new Date() } : {}),
          });
        }
      });

    const once = attempted(1);
    it('counts, and is followed by another', async () => {
      const order = once();
      await rig.until(order.id, order.person, 'delivered');
      assert.deepEqual(await attemptsOf(order), ['network', 'succeeded']);
      assert.equal(rig.replicate.predictions.length, 1, 'nobody else bought anything');
    });

    const thrice = attempted(3);
    it('is the last one when it was the third', async () => {
      const order = thrice();
      assert.equal(await isRefunded(rig, order), 'network');
      assert.deepEqual(await attemptsOf(order), ['network', 'network', 'network']);
    });
  });
});

it('a prediction whose id a killed process never learnt is stopped with its order, though its words are deleted', async (t) => {
  const providers: Provider[] = [];
  const rig = await startOrdersRig({
    start: false,
    distort: (provider) => {
      providers.push(provider);
      return provider;
    },
  });
  t.after(() => rig.close());
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

describe('an attempt whose time is over', () => {
  const timing = { attemptMs: 120 };
  let rig: OrdersRig;
  let isAway = true;
  before(async () => {
    rig = await startOrdersRig({
      timing,
      distort: (provider) => ({
        ...provider,
        check: async (id, signal) =>
          isAway
            ? { kind: 'unreachable', failure: { kind: 'unauthorized' } }
            : provider.check(id, signal),
      }),
    });
  });
  after(() => rig.close());

  it('is not bought again while nobody could look: it may be rendered, and is', async () => {
    const { id, person } = await speech(rig);
    await rig.eventually('it is bought', () => rig.replicate.predictions.length === 1);
    await sleep(2 * timing.attemptMs);
    isAway = false;
    await rig.until(id, person, 'delivered');
    assert.equal(rig.replicate.predictions.length, 1);
    assert.ok(rig.chat.alarms.some(({ kind }) => kind === 'provider_unauthorized'));
  });

  it('is given up when the provider says that it knows of none', async () => {
    rig.replicate.script(() => ({ outcome: 'hang' }));
    rig.replicate.faultAlways('get', { kind: 'answer', status: 404 });
    assert.equal(await isRefunded(rig, await speech(rig)), 'timeout');
  });
});

describe('what is waited out', () => {
  const timing = { waitMs: 600 };
  let rig: OrdersRig;
  before(async () => {
    const models = [{ name: 'morphogram-avatars', visibility: 'public' as const }];
    rig = await startOrdersRig({ timing, replicate: { models } });
  });
  after(() => rig.close());

  it('before anything is bought ends in a refund, once a day has passed', async () => {
    rig.replicate.faultAlways('create', refusals.outOfCredit);
    const confirmedAt = Date.now();
    const order = await speech(rig);
    assert.equal(await isRefunded(rig, order), 'provider_error');
    assert.ok(Date.now() - confirmedAt >= timing.waitMs);
    assert.equal(rig.replicate.predictions.length, 0);
  });

  it('ends also for a training whose model is public', async () => {
    const person = await rig.person(BALANCE);
    const id = await rig.training(person);
    await rig.buy(person, id);
    assert.equal(await isRefunded(rig, { id, person }), 'provider_error');
    assert.equal(rig.replicate.trainings.length, 0);
  });
});
