import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { orders, predictions, steps } from '../../src/db/schema.ts';
import { NO_STARS } from '../../src/domain/stars.ts';
import { TRAININGS_AT_ONCE } from '../../src/orders/lanes.ts';
import { measureLoad } from '../../src/orders/render-times.ts';
import { type OrdersRig, startOrdersRig } from '../support/orders-rig.ts';

const AVATAR = 'morphogram/avatar';
const TRAINER = 'ostris/flux-dev-lora-trainer';

describe('the time that a step takes', () => {
  let rig: OrdersRig;
  before(async () => {
    rig = await startOrdersRig({ start: false });
  });
  after(() => rig.close());

  const load = (model: string) =>
    measureLoad({ db: rig.database.db, catalogue: rig.catalogue, renderConcurrency: 4 }, model);

  /** A confirmed order, quoted with one model and rendered with another. */
  async function write(order: {
    serviceType: string;
    quoted: string;
    rendered: string;
    /** How long each of its steps took; null for one that still waits. */
    seconds: readonly (number | null)[];
  }): Promise<void> {
    const { db } = rig.database;
    const id = randomUUID().slice(0, 12);
    await db.insert(orders).values({
      ...{ id, personId: await rig.person(0), serviceType: order.serviceType },
      ...{ state: 'rendering', confirmedAt: new Date() },
      quote: { model: order.quoted, plans: {} },
    });
    for (const [position, took] of order.seconds.entries()) {
      const state = took === null ? ('waiting' as const) : ('done' as const);
      const [step] = await db
        .insert(steps)
        .values({ orderId: id, position, rank: 0, state, price: NO_STARS, cost: NO_STARS })
        .returning();
      if (took === null) continue;
      const startedAt = new Date();
      await db.insert(predictions).values({
        ...{ id: randomUUID(), stepId: step?.id ?? 0, attempt: 1, provider: 'replicate' },
        ...{ model: order.rendered, state: 'succeeded', input: {}, fingerprint: '', startedAt },
        endedAt: new Date(startedAt.getTime() + took * 1_000),
      });
    }
  }

  it('is what its model is said to take, until there is something to measure', async () => {
    const typical = rig.catalogue.findModel(AVATAR)?.typicalSeconds;
    assert.equal((await load(AVATAR)).renderSeconds, typical);
  });

  it('is measured for everything sold as the same model, whatever it was rendered with', async () => {
    const sold = { serviceType: 'neuro_photo', quoted: AVATAR };
    await write({ ...sold, rendered: 'me/avatars:1', seconds: [10, null] });
    await write({ ...sold, rendered: 'me/avatars:2', seconds: [30] });
    await write({ ...sold, rendered: 'me/avatars:3', seconds: [20] });
    assert.equal((await load(AVATAR)).renderSeconds, 20);
  });

  it('is waited for behind the steps of the same lane alone: trainings hold up nobody', async () => {
    const trainer = rig.catalogue.services
      .flatMap(({ models }) => models)
      .find(({ id }) => id.startsWith(TRAINER));
    assert.ok(trainer);
    const sold = { serviceType: 'digital_avatar_body', quoted: trainer.id, rendered: trainer.id };
    await write({ ...sold, seconds: [null] });
    await write({ ...sold, seconds: [null] });
    const trainings = await load(trainer.id);
    assert.deepEqual([trainings.busy, trainings.concurrency], [2, TRAININGS_AT_ONCE]);
    const pictures = await load(AVATAR);
    assert.deepEqual([pictures.busy, pictures.concurrency], [1, 4]);
  });
});
