import assert from 'node:assert/strict';
import { it } from 'node:test';
import { eq } from 'drizzle-orm';
import { orders } from '../../src/db/schema.ts';
import { payments, starRefunds } from '../../src/db/stars-schema.ts';
import { stars } from '../../src/domain/stars.ts';
import { createPayments } from '../../src/ledger/payments.ts';
import type { Person } from '../support/chat.ts';
import {
  accepted,
  assertNothingBoughtTwice,
  beginMorph,
  makePhotos,
  meet,
  PATIENCE,
  quoteMorph,
  receiveMorph,
  until,
  words,
} from '../support/morphs.ts';
import { prepareWhole, type Whole } from '../support/whole.ts';

/** What a video of two photos costs, and the stars that cover it. */
const PRICE = 44.53;
const PRICE_XTR = 45;

it('stars are paid, spent and given back, and the books agree with Telegram', async (t) => {
  const whole = await prepareWhole(t, { quick: true });
  const { telegram } = whole;
  await whole.start();

  await t.test('exactly what is missing is paid, and the video comes', async () => {
    const ann = await payer(whole, { purse: PRICE_XTR });
    const invoice = await askMissing(ann, { accept: true });
    assert.equal((await telegram.pay(ann.id, invoice)).kind, 'paid');
    await ann.waitForMessage({ text: /paid and comes by itself/ }, PATIENCE);
    await receiveMorph(ann);
    assert.equal(ann.stars(), 0);
    await expectBalance(ann, PRICE_XTR - PRICE);
    t.diagnostic(ann.transcript());
  });

  await t.test('a pre-checkout behind 200 photos is answered within a second', async () => {
    const crowd = [await payer(whole), await payer(whole)];
    const bob = await payer(whole);
    const invoice = await askPack(bob, 50, { accept: true });
    const photos = await makePhotos(100);
    for (const person of crowd) await beginMorph(person);
    for (const person of crowd) person.sendPhotos(photos, { album: true });
    const began = Date.now();
    const outcome = await telegram.pay(bob.id, invoice);
    const tookMs = Date.now() - began;
    assert.equal(outcome.kind, 'paid');
    assert.ok(tookMs < 1_000, `${tookMs} ms`);
    t.diagnostic(`answered after ${tookMs} ms`);
    await bob.waitForMessage({ text: /\+50\.00 ⭐/ }, PATIENCE);
    for (const person of crowd) {
      await person.waitForMessage({ text: words.en.counted(100) }, PATIENCE);
      person.say('/cancel');
    }
  });

  await t.test('a payment whose update is lost is found, credited and told', async () => {
    const ann = await payer(whole);
    const messageId = await askPack(ann, 100, { accept: true });
    const terms = telegram.world.stars.invoiceAt({ chatId: ann.id, messageId });
    assert.ok(terms);
    telegram.world.stars.charge({ id: ann.id, is_bot: false, first_name: 'Ann' }, terms);
    await ann.waitForMessage({ text: /had got lost on its way/ }, PATIENCE);
    await ann.waitUntilGone({ has: 'invoice' }, PATIENCE);
    await expectBalance(ann, 100);
  });

  await t.test(
    'another person cannot pay a forwarded invoice, an old one is credited',
    async () => {
      const [ann, eve] = [await payer(whole), await payer(whole)];
      const messageId = await askPack(ann, 50, { accept: true });
      const place = { chatId: ann.id, messageId };
      assert.equal((await telegram.pay(eve.id, place)).kind, 'refused');
      const terms = telegram.world.stars.invoiceAt(place);
      assert.ok(terms);
      assert.equal((await telegram.pay(ann.id, messageId)).kind, 'paid');
      await ann.waitForMessage({ text: /\+50\.00 ⭐/ }, PATIENCE);
      const copy = telegram.world.stars.createLink(terms);
      assert.equal((await telegram.pay(ann.id, { link: copy })).kind, 'refused');
      telegram.world.stars.charge({ id: ann.id, is_bot: false, first_name: 'Ann' }, terms);
      await ann.waitForMessage({ text: /had got lost on its way/ }, PATIENCE);
      await expectBalance(ann, 100);
      await expectBalance(eve, 0);
    },
  );

  await t.test('a 502 on the way of a refund ends in exactly one', async () => {
    const ann = await payer(whole, { purse: 50 });
    await telegram.pay(ann.id, await askPack(ann, 50, { accept: true }));
    await ann.waitForMessage({ text: /\+50\.00 ⭐/ }, PATIENCE);
    telegram.faults.add({ kind: '5xx', method: 'refundStarPayment', times: 2 });
    telegram.faults.add({ kind: 'reset-after', method: 'refundStarPayment' });
    await returnUnused(ann);
    await ann.waitForMessage({ text: /went back to your Telegram Stars/ }, PATIENCE);
    assert.equal(ann.stars(), 50);
    await expectBalance(ann, 0);
  });

  await t.test('what Telegram takes back after it was spent keeps from ordering', async () => {
    const ann = await payer(whole, { purse: PRICE_XTR });
    const invoice = await askMissing(ann, { accept: true });
    const paid = await telegram.pay(ann.id, invoice);
    await receiveMorph(ann);
    const chargeId = paid.kind === 'paid' ? paid.chargeId : '';
    telegram.world.stars.refund({ id: ann.id, is_bot: false, first_name: 'Ann' }, chargeId);
    await ann.waitForMessage({ text: /so your balance is −44\.53 ⭐ now/ }, PATIENCE);
    await quoteMorphAgain(ann);
    await ann.waitForMessage({ text: /and you have −44\.53 ⭐/ }, PATIENCE);
    ann.say('/cancel');
  });

  await whole.stop();
  await whole.audit();
  await assertBooksAgree(whole);
});

it('a kill between any two steps of a payment loses nothing and does nothing twice', async (t) => {
  const whole = await prepareWhole(t, { quick: true });
  const { telegram } = whole;
  await whole.start();
  const crowd = await Promise.all(
    Array.from({ length: 4 }, () => payer(whole, { purse: PRICE_XTR })),
  );
  const [ann, bob, carl, dora] = crowd;
  const eve = await payer(whole, { purse: 50 });
  assert.ok(ann && bob && carl && dora);
  for (const person of crowd) await askMissing(person, { accept: true });
  /** Pays the newest invoice: one whose press was handled again after a kill stands in a new message. */
  const pay = async (person: Person) => {
    const { message_id: messageId } = await person.waitForMessage({ has: 'invoice' }, PATIENCE);
    const { payload = null } =
      telegram.world.stars.invoiceAt({ chatId: person.id, messageId }) ?? {};
    const outcome = await telegram.pay(person.id, messageId);
    assert.equal(outcome.kind, 'paid');
    return { chargeId: outcome.kind === 'paid' ? outcome.chargeId : '', payload };
  };

  await t.test('paid, and not yet told; told and booked, and not yet started', async () => {
    for (const person of [ann, bob]) {
      // Their questions come with the polls that are waiting; what follows finds nobody.
      telegram.faults.add({ kind: 'hang', method: 'getUpdates' });
      const paid = await pay(person);
      await whole.crash();
      telegram.faults.clear();
      if (person === bob) {
        const told = { personId: bob.id, amountXtr: PRICE_XTR, paidAt: new Date() };
        await whole.look((db) =>
          createPayments({ db, referralBonus: stars(0) }).book({ ...paid, ...told }),
        );
      }
      await whole.start();
      await person.waitForMessage({ text: /paid and comes by itself/ }, PATIENCE);
    }
  });

  await t.test('started, and not yet told', async () => {
    telegram.faults.add({ kind: 'hang', method: 'sendMessage', times: 2 });
    await pay(carl);
    await until(() => telegram.faults.pending < 2, 'the thanks were on their way');
    await whole.crash();
    telegram.faults.clear();
    await whole.start();
    await carl.waitForMessage({ text: /paid and comes by itself/ }, PATIENCE);
  });

  await t.test('while it is delivered, and while an unused payment goes back', async () => {
    await telegram.pay(eve.id, await askPack(eve, 50, { accept: true }));
    await eve.waitForMessage({ text: /\+50\.00 ⭐/ }, PATIENCE);
    telegram.faults.add({ kind: 'hang', method: 'refundStarPayment' });
    await returnUnused(eve);
    telegram.faults.add({ kind: 'hang', method: 'sendDocument' });
    await pay(dora);
    await until(() => telegram.faults.pending === 0, 'refund and document were on their way');
    await whole.crash();
    await whole.start();
    await Promise.all(crowd.map((person) => receiveMorph(person)));
    await eve.waitForMessage({ text: /went back to your Telegram Stars/ }, PATIENCE);
  });

  assert.equal(eve.stars(), 50);
  for (const person of crowd) {
    assert.equal(person.stars(), 0);
    assert.equal(accepted(telegram, 'sendDocument', person.id).length, 1);
  }
  assertNothingBoughtTwice(whole.replicate);
  await whole.stop();
  await whole.audit();
  await whole.look(async (db) => {
    for (const { id } of crowd) {
      const mine = await db.select().from(orders).where(eq(orders.personId, id));
      assert.deepEqual(
        mine.map(({ state }) => state),
        ['delivered'],
      );
    }
  });
  await assertBooksAgree(whole);
});

/** Somebody new, with stars at Telegram. */
async function payer(whole: Whole, { purse = 1_000 } = {}): Promise<Person> {
  const person = await meet(whole);
  person.addStars(purse);
  return person;
}

/** From two photos to the invoice of what is missing for them. */
async function askMissing(person: Person, { accept = false } = {}): Promise<number> {
  await beginMorph(person);
  await quoteMorph(person, await makePhotos(2));
  await person.press(words.en.seamless, PATIENCE);
  await person.press(/and start$/, PATIENCE);
  if (accept) await person.press(/Accept/, PATIENCE);
  return (await person.waitForMessage({ has: 'invoice' }, PATIENCE)).message_id;
}

async function askPack(person: Person, xtr: number, { accept = false } = {}): Promise<number> {
  const { message_id: after } = person.say('/topup');
  await person.press(new RegExp(`^${xtr} ⭐$`), { ...PATIENCE, after });
  if (accept) await person.press(/Accept/, { ...PATIENCE, after });
  return (await person.waitForMessage({ has: 'invoice' }, { ...PATIENCE, after })).message_id;
}

async function returnUnused(person: Person): Promise<void> {
  const { message_id: after } = person.say('/balance');
  await person.press(/Return unused/, { ...PATIENCE, after });
  await person.press(/Yes, return/, { ...PATIENCE, after });
}

/** Another order, up to what its mode costs. */
async function quoteMorphAgain(person: Person): Promise<void> {
  await beginMorph(person);
  await quoteMorph(person, await makePhotos(2));
  await person.press(words.en.seamless, PATIENCE);
}

async function expectBalance(person: Person, amount: number): Promise<void> {
  const { message_id: after } = person.say('/balance');
  const text = new RegExp(`balance: ${amount.toFixed(2).replace('.', '\\.')} ⭐`);
  await person.waitForMessage({ text }, { ...PATIENCE, after });
}

/** Every payment and refund of Telegram's list is in the books once, and no other. */
async function assertBooksAgree({ telegram, look }: Whole): Promise<void> {
  const lines = telegram.world.stars.transactions();
  const theirs = lines.map(({ id, amount, source }) => `${source ? 'in' : 'out'} ${id} ${amount}`);
  const ours = await look(async (db) => {
    const paid = await db.select().from(payments);
    const back = await db
      .select({ chargeId: payments.chargeId, amountXtr: payments.amountXtr })
      .from(starRefunds)
      .innerJoin(payments, eq(payments.chargeId, starRefunds.chargeId));
    return [
      ...paid.map(({ chargeId, amountXtr }) => `in ${chargeId} ${amountXtr}`),
      ...back.map(({ chargeId, amountXtr }) => `out ${chargeId} ${amountXtr}`),
    ];
  });
  assert.deepEqual(ours.sort(), theirs.sort());
}
