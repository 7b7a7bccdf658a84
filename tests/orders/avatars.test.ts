import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { eq } from 'drizzle-orm';
import {
  avatars,
  deliveries,
  entries,
  orders as orderRows,
  people,
  photos,
  predictions,
  recordings,
  steps,
} from '../../src/db/schema.ts';
import { forgetWeights } from '../../src/orders/avatars.ts';
import type { Queue } from '../../src/orders/queue.ts';
import { type OrdersRig, startOrdersRig } from '../support/orders-rig.ts';
import { refusals } from '../support/replicate-server.ts';

/** A training of 1,000 steps, in hundredths of a star; and one picture of an avatar. */
const TRAINING = 22_031;
const PICTURE = 750;

describe('an avatar', () => {
  let rig: OrdersRig;
  before(async () => {
    rig = await startOrdersRig();
  });
  after(() => rig.close());

  /** A model of a person that was trained before. */
  async function avatarOf(person: number): Promise<number> {
    const [model] = rig.replicate.models;
    assert.ok(model);
    const version = randomBytes(32).toString('hex');
    model.versions.push(version);
    const order = await rig.orders.open(person, 'digital_avatar_body');
    const [avatar] = await rig.database.db
      .insert(avatars)
      .values({
        ...{ personId: person, orderId: order.id, name: 'Alex', gender: 'male' },
        ...{ triggerWord: 'TOK', provider: 'replicate' },
        model: `${model.owner}/${model.name}:${version}`,
      })
      .returning();
    assert.ok(avatar);
    return avatar.id;
  }

  async function painting(person: number, avatarId: number): Promise<string> {
    const answers = { avatar: String(avatarId), prompt: 'On a bridge', size: '1x1', count: '1' };
    return rig.draft(person, 'neuro_photo', answers);
  }

  it('is trained once into a private model, appears once, and paints its person', async () => {
    const person = await rig.person(100_000);
    await rig.database.db.update(people).set({ gender: 'female' }).where(eq(people.id, person));
    const before = rig.replicate.trainings.length;
    const id = await rig.training(person, { name: '  Old\nfriend ', gender: 'male' });
    assert.equal(await rig.buy(person, id), TRAINING);
    await rig.until(id, person, 'delivered');
    assert.equal(rig.replicate.trainings.length, before + 1);
    const { input, destination } = rig.replicate.trainings.at(-1) ?? {};
    assert.equal(input?.['trigger_word'], 'TOK');
    const model = rig.replicate.models.find(({ owner, name }) => {
      return `${owner}/${name}` === destination;
    });
    assert.deepEqual([model?.visibility, model?.hardware], ['private', 'gpu-l40s']);
    const mine = await rig.orders.avatars(person);
    assert.deepEqual(
      mine.map(({ name, gender }) => [name, gender]),
      [['Old friend', 'male']],
    );
    const [told] = rig.sent(id, 'closing');
    assert.ok(told?.kind === 'avatar');
    assert.equal(told.avatar.name, 'Old friend');
    // The finish may be done twice.
    await rig.database.db.update(orderRows).set({ state: 'finishing' }).where(eq(orderRows.id, id));
    await rig.database.db.transaction((tx) =>
      rig.queue.send(tx, 'finish', [{ data: { orderId: id } }]),
    );
    await rig.until(id, person, 'delivered');
    assert.equal((await rig.orders.avatars(person)).length, 1);
    assert.equal(rig.sent(id, 'closing').length, 1);

    const [avatar] = mine;
    const painted = await painting(person, avatar?.id ?? 0);
    assert.equal(await rig.buy(person, painted), PICTURE);
    await rig.until(painted, person, 'delivered');
    const prediction = rig.replicate.predictions.at(-1);
    assert.equal(`${prediction?.model}:${prediction?.version}`, await versionOf(avatar?.id ?? 0));
    assert.equal(prediction?.input['prompt'], 'TOK, handsome man, masculine features. On a bridge');
    assert.equal(await rig.balance(person), 100_000 - TRAINING - PICTURE);
  });

  it('is painted by nobody but its owner, and has the name its owner gives it', async () => {
    const [person, stranger] = [await rig.person(100_000), await rig.person(0)];
    const avatarId = await avatarOf(person);
    const { id } = await rig.orders.open(stranger, 'neuro_photo');
    assert.deepEqual(await rig.answer(stranger, id, 'avatar', String(avatarId)), {
      kind: 'not_offered',
    });
    assert.equal(await rig.orders.renameAvatar(avatarId, stranger, 'Mine'), false);
    assert.equal(await rig.orders.deleteAvatar(avatarId, stranger), false);
    assert.equal(await rig.orders.renameAvatar(avatarId, person, 'Sasha'), true);
    assert.equal((await rig.orders.avatars(person))[0]?.name, 'Sasha');
    assert.equal(
      await rig.orders.renameAvatar(avatarId, person, ' Old\n\u0000friend \ud83d'),
      true,
    );
    assert.equal((await rig.orders.avatars(person))[0]?.name, 'Old friend \ufffd');
    assert.equal(await rig.orders.renameAvatar(avatarId, person, ' \u0000 '), false);
  });

  it('is gone at once when it is deleted; the provider is asked until its weights are too', async () => {
    const person = await rig.person(100_000);
    const avatarId = await avatarOf(person);
    const version = await versionOf(avatarId);
    const draft = await painting(person, avatarId);
    assert.equal((await rig.orders.next(draft, person)).kind, 'complete');
    rig.replicate.fault('delete_version', refusals.unavailable, refusals.unavailable);
    assert.equal(await rig.orders.deleteAvatar(avatarId, person), true);
    assert.equal(await rig.orders.deleteAvatar(avatarId, person), false);
    assert.deepEqual(await rig.orders.avatars(person), []);
    assert.equal((await rig.orders.next(draft, person)).kind, 'no_avatars');
    assert.equal((await rig.orders.quote(draft, person)).kind, 'incomplete');
    await rig.eventually('the provider has deleted it', async () => {
      const [row] = await rig.database.db.select().from(avatars).where(eq(avatars.id, avatarId));
      return row?.forgottenAt != null;
    });
    const [, id = ''] = version.split(':');
    assert.ok(!rig.replicate.models.some(({ versions }) => versions.includes(id)));
    const asked = rig.replicate.requests.filter(({ path }) => path.includes(id));
    assert.equal(asked.filter(({ endpoint }) => endpoint === 'delete_version').length, 3);
  });

  it('that was deleted after the quote is not charged for, and another one is asked for', async () => {
    const person = await rig.person(100_000);
    const avatarId = await avatarOf(person);
    const id = await painting(person, avatarId);
    await rig.orders.quote(id, person);
    await rig.orders.choose(id, person, { mode: 'standard' });
    const balance = await rig.balance(person);
    await rig.orders.deleteAvatar(avatarId, person);
    assert.deepEqual(await rig.confirm(id, person), { kind: 'outdated' });
    assert.equal(await rig.balance(person), balance);
    assert.deepEqual(await rig.orders.choose(id, person, { mode: 'standard' }), { kind: 'closed' });
    assert.equal((await rig.orders.next(id, person)).kind, 'no_avatars');
  });

  it('whose provider stays away is asked for ever more rarely, four times a day in the end', async () => {
    const person = await rig.person(100_000);
    const avatarId = await avatarOf(person);
    const { db } = rig.database;
    const told: object[] = [];
    const hours = async (ago: number) => {
      const deletedAt = new Date(Date.now() - ago * 3_600_000);
      await db.update(avatars).set({ deletedAt }).where(eq(avatars.id, avatarId));
      const pauses: number[] = [];
      const queue: Pick<Queue, 'send'> = {
        async send(_tx, _name, jobs) {
          for (const { startAfter } of jobs) {
            pauses.push(((startAfter?.getTime() ?? 0) - Date.now()) / 3_600_000);
          }
        },
      };
      const log = { warn: (fields: object) => told.push(fields) };
      const providers = { find: () => undefined };
      const deps = { db, queue, providers, retryMs: 5_000, log };
      await forgetWeights(deps, avatarId, AbortSignal.timeout(1_000));
      return pauses.map((pause) => Math.round(pause * 60));
    };
    assert.deepEqual(
      [await hours(0), await hours(0.5), await hours(5), await hours(72)],
      [[1], [30], [300], [360]],
    );
    assert.equal(told.length, 4);
    await db.update(avatars).set({ forgottenAt: new Date() }).where(eq(avatars.id, avatarId));
  });

  it('that cannot be trained gives all stars back, and leaves no avatar', async () => {
    const person = await rig.person(100_000);
    const id = await rig.training(person);
    rig.replicate.next({ outcome: 'fail', error: 'flagged as sensitive. (E005)' });
    await rig.buy(person, id);
    await rig.until(id, person, 'failed');
    assert.equal(await rig.balance(person), 100_000);
    assert.deepEqual(await rig.orders.avatars(person), []);
  });

  async function versionOf(avatarId: number): Promise<string> {
    const [row] = await rig.database.db.select().from(avatars).where(eq(avatars.id, avatarId));
    return row?.model ?? '';
  }

  describe('and everything else of a person who wants to be forgotten', () => {
    it('stays while an order is being made', async () => {
      const person = await rig.person(100_000);
      const open = await rig.draft(person, 'text_to_video', { model: 'p-video' });
      rig.replicate.next({ outcome: 'hang' });
      const id = await rig.draft(person, 'text_to_speech', { text: 'Wait', voice: 'en_man' });
      const bought = rig.replicate.predictions.length;
      await rig.buy(person, id);
      await rig.eventually('it is bought', () => rig.replicate.predictions.length > bought);
      assert.equal(await rig.orders.forget(person), 'busy');
      assert.equal((await rig.orders.find(open, person))?.state, 'draft');
      await rig.orders.cancel(id, person, rig.request());
      assert.equal(await rig.orders.forget(person), 'forgotten');
      assert.equal((await rig.orders.find(open, person))?.state, 'cancelled');
    });

    it('is deleted, here and at the provider; the ledger stays and agrees', async () => {
      const person = await rig.person(100_000);
      const neighbour = await rig.person(100_000);
      const theirs = await rig.draft(neighbour, 'text_to_speech', { text: 'Hi', voice: 'en_man' });
      await rig.buy(neighbour, theirs);
      const training = await rig.training(person);
      await rig.buy(person, training);
      await rig.until(training, person, 'delivered');
      const [avatar] = await rig.orders.avatars(person);
      const avatarId = avatar?.id ?? 0;
      const painted = await painting(person, avatarId);
      await rig.buy(person, painted);
      const spoken = await rig.draft(person, 'text_to_speech', { text: 'Secret', voice: 'en_man' });
      await rig.buy(person, spoken);
      const morph = await rig.order(person, 2);
      for (const id of [painted, spoken, morph]) await rig.until(id, person, 'delivered');
      await rig.until(theirs, neighbour, 'delivered');
      const quoted = await rig.photos(person, 2);
      await rig.orders.quote(quoted, person);
      const balance = await rig.balance(person);
      const { db } = rig.database;
      const ledger = () => db.select().from(entries).where(eq(entries.personId, person));
      const books = await ledger();

      for (let time = 0; time < 2; time += 1) {
        assert.equal(await rig.orders.forget(person), 'forgotten');
      }
      const mine = await db.select().from(orderRows).where(eq(orderRows.personId, person));
      assert.equal(mine.length, 5);
      for (const order of mine) {
        assert.ok(order.purgedAt);
        assert.deepEqual([order.answers, order.input, order.progressText], [{}, {}, null]);
        assert.ok(!existsSync(join(rig.storageRoot, 'orders', order.id)));
        for (const row of await db.select().from(photos).where(eq(photos.orderId, order.id))) {
          assert.deepEqual([row.fileId, row.name, row.look], ['', null, null]);
          assert.equal(row.fileUniqueId, `purged:${row.id}`);
        }
        const heard = await db.select().from(recordings).where(eq(recordings.orderId, order.id));
        assert.deepEqual(heard, []);
        const bought = await db
          .select({ input: predictions.input })
          .from(predictions)
          .innerJoin(steps, eq(steps.id, predictions.stepId))
          .where(eq(steps.orderId, order.id));
        assert.ok(bought.every(({ input }) => Object.values(input).every((value) => value === '')));
        const sent = await db.select().from(deliveries).where(eq(deliveries.orderId, order.id));
        assert.ok(sent.every(({ kind }) => kind === 'notice'));
      }
      const { items } = await rig.orders.history(person, { limit: 9, offset: 0 });
      assert.ok(items.every(({ messageIds }) => messageIds.length === 0));
      assert.equal(await rig.orders.resultText(spoken, person), undefined);
      assert.equal(await rig.orders.again(spoken, person, undefined, rig.request()), undefined);
      assert.equal((await rig.orders.find(quoted, person))?.state, 'cancelled');
      await rig.eventually('the provider has deleted the avatar', async () => {
        const [row] = await db.select().from(avatars).where(eq(avatars.id, avatarId));
        return row?.forgottenAt != null && row.name === '';
      });

      assert.deepEqual(await ledger(), books);
      assert.equal(await rig.balance(person), balance);
      assert.equal((await rig.orders.find(theirs, neighbour))?.state, 'delivered');
      assert.ok(existsSync(join(rig.storageRoot, 'orders', theirs)));
      // Whoever was forgotten may come back.
      const next = await rig.draft(person, 'text_to_speech', { text: 'Hello', voice: 'en_man' });
      await rig.buy(person, next);
      await rig.until(next, person, 'delivered');
    });
  });
});
