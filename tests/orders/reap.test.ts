import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eq } from 'drizzle-orm';
import { orders as orderRows, predictions, steps } from '../../src/db/schema.ts';
import type { Provider } from '../../src/providers/provider.ts';
import { type OrdersRig, startOrdersRig } from '../support/orders-rig.ts';
import { refusals } from '../support/replicate-server.ts';

describe('a training that becomes no avatar', () => {
  /** What happens once a training is seen to have succeeded, before that is told. */
  let onSuccess: (() => Promise<void>) | undefined;
  let canFind = true;
  let rig: OrdersRig;
  before(async () => {
    rig = await startOrdersRig({ distort });
  });
  after(() => rig.close());

  function distort(provider: Provider): Provider {
    return {
      ...provider,
      async check(externalId, signal) {
        const looked = await provider.check(externalId, signal);
        const act = onSuccess;
        if (looked.kind === 'seen' && looked.status.kind === 'succeeded') {
          onSuccess = undefined;
          await act?.();
        }
        return looked;
      },
      find: async (attempt, signal) =>
        canFind ? provider.find(attempt, signal) : { kind: 'failed', failure: { kind: 'network' } },
    };
  }

  /** A confirmed training. */
  async function training(person: number): Promise<string> {
    const id = await rig.training(person);
    await rig.buy(person, id);
    return id;
  }

  const versions = () => rig.replicate.models.flatMap((model) => model.versions);
  const deletions = () =>
    rig.replicate.requests.filter(({ endpoint }) => endpoint === 'delete_version').length;

  /** All stars are back, no avatar is there, and nothing of it is left at the provider. */
  async function isGone(person: number, deletedBefore: number): Promise<void> {
    await rig.eventually('its model is deleted', () => deletions() > deletedBefore);
    await rig.eventually('no model is left', () => versions().length === 0);
    assert.equal(await rig.balance(person), 100_000);
    assert.deepEqual(await rig.orders.avatars(person), []);
  }

  it('is stopped, or deleted when that came too late', async () => {
    const person = await rig.person(100_000);
    const deleted = deletions();
    const cancels = () =>
      rig.replicate.requests.filter(({ endpoint }) => endpoint === 'cancel_training').length;
    const refused = Promise.withResolvers<void>();
    rig.replicate.next({ until: refused.promise });
    rig.replicate.faultAlways('cancel_training', refusals.unavailable);
    const id = await training(person);
    await rig.eventually('it runs', () => rig.replicate.trainings.at(-1)?.status === 'processing');
    await rig.orders.cancel(id, person, rig.request());
    await rig.eventually('it cannot be stopped', () => cancels() > 0);
    refused.resolve();
    await rig.eventually(
      'it succeeds',
      () => rig.replicate.trainings.at(-1)?.status === 'succeeded',
    );
    await isGone(person, deleted);
    rig.replicate.faultAlways('cancel_training', undefined);

    rig.replicate.next({ outcome: 'hang' });
    rig.replicate.fault('cancel_training', refusals.unavailable);
    const next = await training(person);
    await rig.eventually('it runs', () => rig.replicate.trainings.at(-1)?.status === 'processing');
    await rig.orders.cancel(next, person, rig.request());
    await rig.eventually('it stops', () => rig.replicate.trainings.at(-1)?.status === 'canceled');
  });

  it('is deleted when its order was cancelled in the last moment', async () => {
    const person = await rig.person(100_000);
    const deleted = deletions();
    const ids: string[] = [];
    onSuccess = async () => {
      const [id = ''] = ids;
      await rig.eventually('it is cancelled', async () => {
        return (await rig.orders.find(id, person))?.state === 'cancelled';
      });
    };
    rig.replicate.fault('delete_version', refusals.unavailable);
    ids.push(await training(person));
    await rig.eventually('it has succeeded', () => onSuccess === undefined);
    await rig.orders.cancel(ids[0] ?? '', person, rig.request());
    await isGone(person, deleted + 1);
  });

  it('is deleted when no avatar can be made of it', async () => {
    const person = await rig.person(100_000);
    const deleted = deletions();
    onSuccess = async () => {
      await rig.database.db
        .update(orderRows)
        .set({ input: {} })
        .where(eq(orderRows.personId, person));
    };
    const id = await training(person);
    await rig.until(id, person, 'failed');
    await isGone(person, deleted);
    assert.ok(rig.chat.alarms.some((alarm) => 'orderId' in alarm && alarm.orderId === id));
  });

  it('is deleted when only a late webhook tells that it was bought', async () => {
    const person = await rig.person(100_000);
    const deleted = deletions();
    canFind = false;
    rig.replicate.next({ delayMs: 100 });
    rig.replicate.fault('create_training', { kind: 'reset_after' });
    const id = await training(person);
    await rig.until(id, person, 'rendering');
    const [attempt] = await attemptsOf(id);
    await rig.orders.cancel(id, person, rig.request());
    await rig.eventually('it is given up', async () => {
      return (await attemptsOf(id)).every(({ state }) => state === 'cancelled');
    });
    const bought = rig.replicate.trainings.at(-1);
    await rig.eventually('it succeeds', () => bought?.status === 'succeeded');
    await rig.orders.predictionChanged(attempt?.id ?? '', `training:${bought?.id}`);
    await isGone(person, deleted);
    canFind = true;
  });

  it('is nobody else: those of others stay', async () => {
    const person = await rig.person(100_000);
    const id = await training(person);
    await rig.until(id, person, 'delivered');
    const [attempt] = await attemptsOf(id);
    const { externalId = '' } = attempt ?? {};
    // A webhook that comes twice, and a job that is done twice, take nothing from anybody.
    await rig.orders.predictionChanged(attempt?.id ?? '', externalId ?? '');
    await rig.database.db.transaction((tx) =>
      rig.queue.send(tx, 'reap', [{ data: { attemptId: attempt?.id ?? '' } }]),
    );
    const other = await training(person);
    await rig.until(other, person, 'delivered');
    assert.equal(versions().length, 2);
  });

  async function attemptsOf(orderId: string) {
    let found: { id: string; state: string; externalId: string | null }[] = [];
    await rig.eventually('it is attempted', async () => {
      found = await rig.database.db
        .select({
          id: predictions.id,
          state: predictions.state,
          externalId: predictions.externalId,
        })
        .from(predictions)
        .innerJoin(steps, eq(steps.id, predictions.stepId))
        .where(eq(steps.orderId, orderId));
      return found.length > 0;
    });
    return found;
  }
});
