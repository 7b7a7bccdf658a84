import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { asc, eq } from 'drizzle-orm';
import { entries, orders, photos, steps } from '../../src/db/schema.ts';
import { auditLedger } from '../../src/ledger/audit.ts';
import { readyPhotos } from '../../src/orders/rows.ts';
import { type DatabasePlace, ON_SERVER } from '../support/database.ts';
import {
  accepted,
  assertNothingBoughtTwice,
  beginMorph,
  makePhotos,
  meet,
  orderMorph,
  PATIENCE,
  predictionsByPair,
  prepareMorph,
  receiveMorph,
  until,
  words,
} from '../support/morphs.ts';
import { quickTools } from '../support/quick-tools.ts';
import { prepareWhole } from '../support/whole.ts';

/** While it storms, little is done between two kills, and each start takes its time. */
const STORM_PATIENCE = { timeoutMs: 150_000 } as const;

/** Presses that a killed bot never answers are nobody's error. */
const unanswered = (press: Promise<unknown>) => void press.catch(() => undefined);

it('a hundred photos survive kills while they arrive, in order and none twice', async (t) => {
  const whole = await prepareWhole(t, { quick: true });
  await whole.start();
  const ann = whole.person();
  await beginMorph(ann);
  const downloads = () => whole.telegram.calls.filter(({ method }) => method === 'getFile').length;
  const sent = ann.sendPhotos(await makePhotos(100), { album: true, isReversed: true });
  for (const arrived of [1, 40]) {
    await until(() => downloads() >= arrived, `${arrived} photos were asked for`);
    await whole.crash();
    await whole.start();
  }
  await ann.waitForMessage({ text: words.en.counted(100) }, PATIENCE);
  await whole.stop();
  await whole.look(async (db) => {
    const [order] = await db.select().from(orders).where(eq(orders.personId, ann.id));
    const kept = await readyPhotos(db, order?.id ?? '');
    assert.deepEqual(
      kept.map(({ messageId }) => messageId),
      sent.map((message) => message.message_id),
    );
    assert.equal(await db.$count(photos), 100);
  });
});

it('a kill around Confirm charges once or not at all, and what is charged is delivered', async (t) => {
  const whole = await prepareWhole(t, { quick: true });
  await whole.start();
  const rounds = [10, 60, 180];
  const people = await Promise.all(
    rounds.map(async () => {
      const person = await meet(whole, { stars: '50' });
      await prepareMorph(person, { photos: await makePhotos(2) });
      return person;
    }),
  );
  for (const [index, person] of people.entries()) {
    unanswered(person.press(words.en.confirm));
    unanswered(person.press(words.en.confirm));
    await sleep(rounds[index]);
    await whole.crash();
    await whole.start();
  }
  await Promise.all(people.map((person) => receiveMorph(person)));
  await whole.stop();
  await whole.look(async (db) => {
    assert.deepEqual((await auditLedger(db)).differences, []);
    for (const { id } of people) {
      const mine = await db.select().from(entries).where(eq(entries.personId, id));
      const charged = mine.filter(({ kind }) => kind === 'charge').map(({ amount }) => amount);
      assert.deepEqual(charged, [-4453]);
    }
  });
  assertNothingBoughtTwice(whole.replicate);
  assert.equal(whole.replicate.predictions.length, people.length);
});

it('predictions outlive the bot: none is bought again, whenever it was killed', async (t) => {
  const whole = await prepareWhole(t, { quick: true, delayMs: 4_000 });
  const { replicate, telegram } = whole;
  await whole.start();
  const ann = await meet(whole, { stars: '500' });

  await t.test('between Done and the quote', async () => {
    await beginMorph(ann);
    ann.sendPhotos(await makePhotos(5), { album: true });
    await ann.waitForMessage({ text: words.en.counted(5) }, PATIENCE);
    telegram.faults.add({ kind: 'hang', method: /^sendPhoto$|^sendMediaGroup$/ });
    unanswered(ann.press(/Done/));
    await until(() => telegram.faults.pending === 0, 'the contact sheet was on its way');
    await whole.crash();
    await whole.start();
    await ann.waitForMessage({ text: words.en.quote }, PATIENCE);
  });

  await t.test('while predictions are created and their answers are lost', async () => {
    await ann.press(/^Loop/, PATIENCE);
    replicate.fault(
      'create',
      { kind: 'reset_after' },
      { kind: 'hang_after' },
      { kind: 'hang_after' },
      { kind: 'garbled_after' },
    );
    await ann.press(/Confirm/, PATIENCE);
    await until(() => replicate.predictions.length >= 4, 'four predictions were accepted');
    await whole.crash();
    await whole.start();
    await until(() => replicate.predictions.length >= 5, 'the fifth prediction was accepted');
    assert.equal(predictionsByPair(replicate).size, 5);
  });

  await t.test('while predictions run', async () => {
    const known = replicate.predictions.map(({ id }) => id);
    await whole.crash();
    const from = replicate.requests.length;
    const bot = await whole.start({ FFMPEG_PATH: await writeEndlessJoiner(whole.place) });
    const startedAt = Date.now();
    const asked = await until(
      () => replicate.requests.slice(from).find(({ endpoint }) => /get|list/.test(endpoint)),
      'the restarted bot asked for its predictions',
    );
    assert.ok(asked, bot.output());
    // Another worker on a server waits for the heartbeat of the dead one.
    const patienceMs = ON_SERVER ? 15_000 : 2_000;
    assert.ok(Date.now() - startedAt < patienceMs, `${Date.now() - startedAt} ms`);
    assert.deepEqual(
      replicate.predictions.map(({ id }) => id),
      known,
    );
  });

  await t.test('while the clips are joined', async () => {
    await ann.waitForMessage({ text: /Joining the clips/ }, PATIENCE);
    await whole.crash();
    await whole.start();
  });

  await t.test('and while the video is sent: what was recorded is not sent again', async () => {
    telegram.faults.add({ kind: 'hang', method: 'sendDocument' });
    await until(
      () => telegram.calls.some(({ method }) => method === 'sendDocument'),
      'the document was on its way',
    );
    await whole.crash();
    await whole.start();
    await receiveMorph(ann);
    assert.equal(accepted(telegram, 'sendVideo', ann.id).length, 1);
    assert.equal(accepted(telegram, 'sendDocument', ann.id).length, 1);
    assertNothingBoughtTwice(replicate);
    assert.equal(replicate.predictions.length, 5);
  });

  await t.test('a video whose sending was not recorded is sent at most once more', async () => {
    replicate.script(() => ({ delayMs: 100 }));
    const bob = await meet(whole, { stars: '50' });
    await prepareMorph(bob, { photos: await makePhotos(2) });
    telegram.faults.add({ kind: 'reset-after', method: 'sendVideo' });
    await bob.press(/Confirm/);
    await bob.waitForMessage({ has: 'video' }, PATIENCE);
    await whole.crash();
    await whole.start();
    await receiveMorph(bob);
    const videos = bob.messages().filter(({ video }) => video);
    assert.ok(videos.length <= 2, `${videos.length} videos`);
    assert.equal(accepted(telegram, 'sendDocument', bob.id).length, 1);
  });
  await whole.stop();
  await whole.audit();
});

it('a kill around Cancel leaves the order cancelled or going on, and no star astray', async (t) => {
  const whole = await prepareWhole(t, { quick: true });
  const { replicate } = whole;
  replicate.script(() => ({ outcome: 'hang' }));
  await whole.start();
  const delays = [5, 60];
  const people = await Promise.all(
    delays.map(async () => {
      const person = await meet(whole, { stars: '100' });
      await orderMorph(person, { photos: await makePhotos(3) });
      return person;
    }),
  );
  await until(() => replicate.predictions.length === 4, 'everything renders');
  for (const [index, person] of people.entries()) {
    unanswered(person.press(/^Cancel$/, PATIENCE));
    await sleep(delays[index]);
    await whole.crash();
    await whole.start();
  }
  for (const person of people) await person.waitForMessage({ text: words.en.cancelled }, PATIENCE);
  await until(() => replicate.running.now === 0, 'every prediction was cancelled at the provider');
  await whole.stop();
  await whole.look(async (db) => {
    assert.deepEqual((await auditLedger(db)).differences, []);
    for (const { id } of people) {
      const mine = await db.select().from(entries).where(eq(entries.personId, id));
      assert.equal(
        mine.reduce((sum, { amount }) => sum + amount, 0),
        10_000,
      );
    }
  });
  assertNothingBoughtTwice(replicate);
});

it('a storm of kills loses no photo, no star and no order', { timeout: 240_000 }, async (t) => {
  const whole = await prepareWhole(t, { quick: true });
  const { replicate } = whole;
  const random = createRandom(20_261_122);
  replicate.script((prediction) => ({
    delayMs: 200 + random() * 1_500,
    ...(replicate.predictions.indexOf(prediction) % 7 === 6
      ? { outcome: 'fail' as const, error: 'The input was flagged as sensitive. (E005)' }
      : {}),
  }));
  await whole.start();
  const counts = [2, 3, 6, 4];
  const people = await Promise.all(counts.map(() => meet(whole, { stars: '1000' })));
  const story = Promise.all(
    people.map(async (person, index) => {
      const pictures = await makePhotos(counts[index] ?? 2);
      await sleep(random() * 2_000);
      await orderThroughStorm(person, pictures);
    }),
  );
  let isOver = false;
  const weather = async () => {
    for (let kill = 0; kill < 6; kill += 1) {
      await sleep(300 + random() * 3_000);
      await whole.crash();
      await whole.start();
    }
    isOver = true;
  };
  await Promise.all([weather(), story]);
  assert.ok(isOver);
  await Promise.all(people.map((person) => receiveMorph(person)));
  await whole.stop();
  await whole.look(async (db) => {
    assert.deepEqual((await auditLedger(db)).differences, []);
    for (const [index, { id }] of people.entries()) {
      const [order, ...more] = await db
        .select()
        .from(orders)
        .where(eq(orders.personId, id))
        .orderBy(asc(orders.createdAt));
      assert.deepEqual(more, []);
      assert.equal(order?.state, 'delivered');
      const kept = await readyPhotos(db, order.id);
      assert.equal(kept.length, counts[index]);
      const made = await db.select().from(steps).where(eq(steps.orderId, order.id));
      const owed = made
        .filter(({ state }) => state === 'done')
        .reduce((sum, { price }) => sum + price, 0);
      const mine = await db.select().from(entries).where(eq(entries.personId, id));
      const left = mine.reduce((sum, { amount }) => sum + amount, 0);
      assert.equal(100_000 - left, owed, 'what they paid is what was rendered');
      for (const method of ['sendVideo', 'sendDocument']) {
        assert.ok(accepted(whole.telegram, method, id).length >= 1);
      }
    }
  });
  assertNothingBoughtTwice(replicate);
  for (const person of people) t.diagnostic(person.transcript());
});

/** An order, step by step, by a person who waits for what the bot owes them. */
async function orderThroughStorm(
  person: ReturnType<Awaited<ReturnType<typeof prepareWhole>>['person']>,
  pictures: readonly Uint8Array[],
): Promise<void> {
  person.say('/morph');
  await person.press(words.en.skip, STORM_PATIENCE).catch(() => undefined);
  await person.waitForMessage({ text: words.en.askPhotos }, STORM_PATIENCE);
  person.sendPhotos(pictures, { album: true });
  await person.waitForMessage({ text: words.en.counted(pictures.length) }, STORM_PATIENCE);
  for (const [button, sign] of [
    [words.en.done, { text: words.en.quote }],
    [words.en.seamless, { button: words.en.confirm }],
    [words.en.confirm, { text: /of \d+ transition|Sending|Joining|Starting|ready|enjoy/ }],
  ] as const) {
    await person.press(button, STORM_PATIENCE).catch(() => undefined);
    await person.waitForMessage(sign, STORM_PATIENCE);
  }
}

/** An ffmpeg that joins no clips for as long as the bot lives. */
async function writeEndlessJoiner({ options }: DatabasePlace): Promise<string> {
  const path = join(options.dataDir, 'endless-joiner');
  const { ffmpegPath } = await quickTools();
  const waits =
    'case "$*" in *"-f concat"*) while kill -0 $PPID; do sleep 0.1; done; exit 1;; esac';
  await writeFile(path, `#!/bin/sh\n${waits} 2>/dev/null\nexec "${ffmpegPath}" "$@"\n`, {
    mode: 0o755,
  });
  return path;
}

/** The same numbers from 0 to 1 in every run (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
