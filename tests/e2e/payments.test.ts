import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { eq, ne } from 'drizzle-orm';
import { orders as orderRows } from '../../src/db/schema.ts';
import { payments, starRefunds } from '../../src/db/stars-schema.ts';
import { stars } from '../../src/domain/stars.ts';
import { createPayments } from '../../src/ledger/payments.ts';
import { createStarRefunds } from '../../src/ledger/star-refunds.ts';
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
import { refusals } from '../support/replicate-server.ts';
import { prepareWhole, type Whole } from '../support/whole.ts';

/** What a video of two photos costs, and the stars that cover it. */
const PRICE = 44.53;
const PRICE_XTR = 45;

it('stars are paid, spent and given back, and the books agree with Telegram', async (t) => {
  const whole = await prepareWhole(t, { quick: true });
  const { telegram, replicate } = whole;
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

  await t.test('a pre-checkout behind 100 photos is answered within a second', async () => {
    const crowd = [await payer(whole), await payer(whole)];
    const bob = await payer(whole);
    const invoice = await askPack(bob, 50, { accept: true });
    const photos = await makePhotos(50);
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
      await person.waitForMessage({ text: words.en.counted(50) }, PATIENCE);
      person.say('/cancel');
    }
  });

  await t.test('a payment whose update is lost is found, credited and told', async () => {
    const ann = await payer(whole);
    await askPack(ann, 100, { accept: true });
    chargeAtTelegram(whole, ann);
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
      telegram.world.stars.charge(userOf(ann), terms);
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

  await t.test('what cannot be rendered comes back, and its payment as well', async () => {
    const ann = await payer(whole, { purse: PRICE_XTR });
    const invoice = await askMissing(ann, { accept: true });
    replicate.fault('create', refusals.invalidInput);
    assert.equal((await telegram.pay(ann.id, invoice)).kind, 'paid');
    await ann.waitForMessage({ text: /44\.53 ⭐ came back to your balance/ }, PATIENCE);
    await expectBalance(ann, PRICE_XTR);
    await returnUnused(ann);
    await ann.waitForMessage({ text: /went back to your Telegram Stars/ }, PATIENCE);
    assert.equal(ann.stars(), PRICE_XTR);
    t.diagnostic(ann.transcript());
  });

  await t.test('what Telegram takes back after it was spent keeps from ordering', async () => {
    const ann = await payer(whole, { purse: PRICE_XTR });
    const invoice = await askMissing(ann, { accept: true });
    const paid = await telegram.pay(ann.id, invoice);
    await receiveMorph(ann);
    const chargeId = paid.kind === 'paid' ? paid.chargeId : '';
    telegram.world.stars.refund(userOf(ann), chargeId);
    await ann.waitForMessage({ text: /so your balance is −44\.53 ⭐ now/ }, PATIENCE);
    await quoteMorphAgain(ann);
    await ann.waitForMessage({ text: /and you have −44\.53 ⭐/ }, PATIENCE);
    const { message_id: after } = ann.say('/cancel');
    await ann.waitForMessage({ text: words.en.cancelled }, { ...PATIENCE, after });
  });

  await t.test(
    'a kill between any two steps of a payment loses nothing and does nothing twice',
    (t) => killBetweenSteps(t, whole),
  );
  await whole.stop();
  await whole.audit();
  await assertBooksAgree(whole);
});

/**
 * Where the process is killed: between every two steps of pay → book → confirm → render → deliver → refund, and
 * of a payment's way back. `held`: a fault holds the running bot exactly there; `written`: the database is
 * left as a process has it that died there. All of one `kill` die at once.
 */
const KILLS = {
  paid: { kill: 1, how: 'held', between: 'paid at Telegram | told to the bot' },
  booked: { kill: 1, how: 'written', between: 'booked | its order confirmed' },
  confirmed: { kill: 1, how: 'held', between: 'confirmed | thanked' },
  rendering: { kill: 1, how: 'held', between: 'prediction bought | rendered' },
  delivering: { kill: 1, how: 'held', between: 'video sent | document sent' },
  refunded: { kill: 2, how: 'held', between: 'failed step refunded | delivered and told' },
  requested: { kill: 1, how: 'written', between: 'return requested | taken from the outbox' },
  taken: { kill: 1, how: 'held', between: 'taken | Telegram asked' },
  returned: { kill: 2, how: 'held', between: 'returned by Telegram | marked as sent' },
  sent: { kill: 2, how: 'written', between: 'marked as sent | confirmed' },
  untold: { kill: 2, how: 'held', between: 'sent | told' },
  reversed: { kill: 2, how: 'held', between: 'taken back by Telegram and booked | told' },
} as const;

async function killBetweenSteps(t: TestContext, whole: Whole): Promise<void> {
  for (const { kill, how, between } of Object.values(KILLS)) {
    t.diagnostic(`kill ${kill}, ${how}: ${between}`);
  }
  const { telegram, replicate } = whole;
  const { faults } = telegram;
  const struck = (what: string) => until(() => faults.pending === 0, what);

  const order = async (count = 2) => {
    const person = await payer(whole, { purse: count === 2 ? PRICE_XTR : 2 * PRICE_XTR });
    await askMissing(person, { accept: true, count });
    return person;
  };
  const paidPack = async () => {
    const person = await payer(whole, { purse: 50 });
    await telegram.pay(person.id, await askPack(person, 50, { accept: true }));
    await person.waitForMessage({ text: /\+50\.00 ⭐/ }, PATIENCE);
    const [line] = telegram.world.stars
      .transactions()
      .filter(({ source }) => source?.type === 'user' && source.user.id === person.id);
    return { person, chargeId: line?.id ?? '' };
  };
  const orders = {
    ...{ paid: await order(), booked: await order(), confirmed: await order() },
    ...{ rendering: await order(), delivering: await order(), refunded: await order(3) },
  };
  const packs = {
    ...{ requested: await paidPack(), taken: await paidPack(), returned: await paidPack() },
    ...{ sent: await paidPack(), untold: await paidPack(), reversed: await paidPack() },
  };

  await t.test('the first kill', async () => {
    const { paid, booked, confirmed, rendering, delivering } = orders;
    faults.add({ kind: 'hang', method: 'refundStarPayment' });
    await returnUnused(packs.taken.person);
    await struck('Telegram was asked');
    faults.add({ kind: 'hang', method: 'sendDocument' });
    await pay(whole, delivering);
    await struck('the document was on its way');
    const before = replicate.predictions.length;
    const killed = Promise.withResolvers<void>();
    replicate.next({ until: killed.promise });
    await pay(whole, rendering);
    await rendering.waitForMessage({ text: /paid and comes by itself/ }, PATIENCE);
    await until(() => replicate.predictions.length > before, 'a prediction was bought');
    // The fault is for another message.
    await rendering.waitForMessage({ text: /0 of 1 transition/ }, PATIENCE);
    faults.add({ kind: 'hang', method: 'sendMessage' });
    await pay(whole, confirmed);
    await struck('the thanks were on their way');
    // The question comes with the poll that is waiting; what follows finds nobody.
    const poll = () => telegram.calls.findLast(({ method }) => method === 'getUpdates');
    const isWaiting = (call = poll()) => call?.status === 0 && Number(call.payload['timeout']) > 0;
    // One that was woken just now still looks as if it waited.
    await setImmediate();
    await until(() => isWaiting(), 'a poll was waiting');
    faults.add({ kind: 'hang', method: 'getUpdates' });
    await pay(whole, paid);
    await whole.crash();
    killed.resolve();
    faults.clear();

    const { chargeId, payload } = chargeAtTelegram(whole, booked);
    const { requested } = packs;
    await whole.look(async (db) => {
      const told = { personId: booked.id, amountXtr: PRICE_XTR, paidAt: new Date() };
      const payments = createPayments({ db, referralBonus: stars(0) });
      assert.equal((await payments.book({ chargeId, payload, ...told })).kind, 'booked');
      const by = { kind: 'person', personId: requested.person.id } as const;
      const asked = await createStarRefunds({ db }).request({ chargeId: requested.chargeId, by });
      assert.equal(asked.kind, 'requested');
      // The pause is over after which what was taken is handed out again.
      const isTaken = eq(starRefunds.chargeId, packs.taken.chargeId);
      await db.update(starRefunds).set({ nextTryAt: new Date() }).where(isTaken);
    });
    await whole.start();
    for (const person of [paid, booked, confirmed]) {
      await person.waitForMessage({ text: /paid and comes by itself/ }, PATIENCE);
    }
    for (const { person } of [packs.requested, packs.taken]) {
      await person.waitForMessage({ text: /went back to your Telegram Stars/ }, PATIENCE);
    }
    const kept = [paid, booked, confirmed, rendering, delivering];
    await Promise.all(kept.map((person) => receiveMorph(person)));
  });

  await t.test('the second kill', async () => {
    const { refunded } = orders;
    const { returned, sent, untold, reversed } = packs;
    await askReturn(untold.person);
    faults.add({ kind: 'hang', method: 'sendMessage' });
    await untold.person.press(/Yes, return/, PATIENCE);
    await struck('the words were on their way');
    telegram.world.stars.refund(userOf(reversed.person), reversed.chargeId);
    const compared = () => telegram.calls.filter(isComparison).length;
    const twice = compared() + 2;
    await until(() => compared() >= twice, 'the books were compared with it');
    faults.add({ kind: 'hang', method: 'sendDocument' });
    replicate.fault('create', refusals.invalidInput);
    await pay(whole, refunded);
    await struck('the document was on its way');
    faults.add({ kind: 'reset-after', method: 'refundStarPayment' });
    faults.add({ kind: 'hang', method: 'refundStarPayment' });
    await returnUnused(returned.person);
    await struck('Telegram had answered');
    await whole.crash();
    faults.clear();

    assert.equal(returned.person.stars(), 50, 'Telegram has done it');
    await whole.look(async (db) => {
      const refunds = createStarRefunds({ db });
      const by = { kind: 'person', personId: sent.person.id } as const;
      const asked = await refunds.request({ chargeId: sent.chargeId, by });
      telegram.world.stars.refund(userOf(sent.person), sent.chargeId);
      assert.ok(asked.kind === 'requested');
      await refunds.markSent(asked.refundId);
    });
    await whole.start();
    for (const { person } of [returned, sent, untold]) {
      await person.waitForMessage({ text: /went back to your Telegram Stars/ }, PATIENCE);
    }
    await reversed.person.waitForMessage({ text: /took back a payment of 50\.00 ⭐/ }, PATIENCE);
    await receiveMorph(refunded);
    await refunded.waitForMessage({ text: /44\.53 ⭐/ }, PATIENCE);
  });

  for (const { person } of Object.values(packs)) assert.equal(person.stars(), 50);
  for (const person of Object.values(orders)) {
    assert.equal(person.stars(), 0);
    assert.equal(accepted(telegram, 'sendDocument', person.id).length, 1);
    await expectBalance(person, PRICE_XTR - PRICE + (person === orders.refunded ? PRICE_XTR : 0));
  }
  assertNothingBoughtTwice(replicate);
  await whole.stop();
  await whole.look(async (db) => {
    for (const { id } of Object.values(orders)) {
      const mine = await db.select().from(orderRows).where(eq(orderRows.personId, id));
      assert.deepEqual(
        mine.map(({ state }) => state),
        ['delivered'],
      );
    }
    const open = await db.$count(starRefunds, ne(starRefunds.state, 'confirmed'));
    assert.equal(open, 0, 'all that went back is confirmed');
    assert.deepEqual(await createStarRefunds({ db }).news(10), []);
  });
}

/** Somebody new, with stars at Telegram. */
async function payer(whole: Whole, { purse = 1_000 } = {}): Promise<Person> {
  const person = await meet(whole);
  person.addStars(purse);
  return person;
}

/** From photos to the invoice of what is missing for them. */
async function askMissing(person: Person, { accept = false, count = 2 } = {}): Promise<number> {
  await beginMorph(person);
  await quoteMorph(person, await makePhotos(count));
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

/** Up to the question whether it shall go back. */
async function askReturn(person: Person): Promise<void> {
  const { message_id: after } = person.say('/balance');
  await person.press(/Return unused/, { ...PATIENCE, after });
  await person.waitForButton(/Yes, return/, { ...PATIENCE, after });
}

async function returnUnused(person: Person): Promise<void> {
  await askReturn(person);
  await person.press(/Yes, return/, PATIENCE);
}

/** Pays the newest invoice: one whose press was handled again after a kill stands in a new message. */
async function pay({ telegram }: Whole, person: Person): Promise<void> {
  const { message_id: messageId } = await person.waitForMessage({ has: 'invoice' }, PATIENCE);
  assert.equal((await telegram.pay(person.id, messageId)).kind, 'paid');
}

/** Telegram takes the stars for the newest invoice, and tells nobody. */
function chargeAtTelegram({ telegram }: Whole, person: Person) {
  const { stars: purses } = telegram.world;
  const { message_id: messageId } = person.messages().findLast(({ invoice }) => invoice) ?? {};
  const terms = purses.invoiceAt({ chatId: person.id, messageId: messageId ?? 0 });
  assert.ok(terms);
  return purses.charge(userOf(person), terms);
}

const userOf = ({ id }: Person) => ({ id, is_bot: false, first_name: 'Ann' });

const isComparison = ({ method }: { readonly method: string }) => method === 'getStarTransactions';

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
