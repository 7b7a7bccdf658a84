import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { stars } from '../../src/domain/stars.ts';
import { buttonLabels, type Person } from '../support/chat.ts';
import { type PaymentsRig, paymentOf, preparePayments, refundOf } from './payments-rig.ts';
import { ADMIN, FAST, until } from './rig.ts';

const start = preparePayments();

/** Refunds and comparisons that come soon by themselves. */
const SOON = { payments: { ...FAST.payments, refundMs: 80, reconcileMs: 100 } };

describe('what was not used', () => {
  test('goes back to Telegram when its person asks, and is told', async (t) => {
    const rig = await start(t);
    const ann = await rig.somebody({ purse: 150 });
    await buy(ann, 50);
    await buy(ann, 100);
    ann.say('/balance');
    await ann.press(/^Return unused stars$/);
    const question = await ann.waitForMessage({
      text: /^Not used, and can go back to your Telegram Stars/,
    });
    assert.equal((question.text ?? '').match(/^• .* (50|100) ⭐ · stx/gm)?.length, 2);
    assert.deepEqual(buttonLabels(question), ['Yes, return 150 ⭐', 'No, keep them']);
    await ann.press(/Yes, return 150/);
    await ann.waitForMessage({ text: /150\.00 ⭐ have left your balance/ });
    await until(() => refundsTold(ann) === 2);
    assert.equal(ann.stars(), 150);
    assert.equal(await rig.balance(ann.id), 0);
    assert.deepEqual(await rig.moved(ann.id), [
      ...['top_up 50', 'top_up 100', 'reversal -100', 'reversal -50'],
    ]);
    const { message_id: after } = ann.say('/balance');
    const account = await ann.waitForMessage({ text: /balance: 0\.00/ }, { after });
    assert.match(account.text ?? '', /−50\.00 ⭐ · returned to Telegram/);
    assert.match(account.text ?? '', /\+100\.00 ⭐ · paid with Telegram Stars/);
    assert.deepEqual(buttonLabels(account), ['⭐ Top up']);
  });

  test('stays when they change their mind, and only what was shown goes back', async (t) => {
    const rig = await start(t);
    const oleg = await rig.somebody({ language: 'ru' });
    await buy(oleg, 50);
    oleg.say('/paysupport');
    await oleg.press(/Вернуть неиспользованное/);
    await oleg.press(/Нет, пусть остаются/);
    await oleg.waitForMessage({ text: /остаются на балансе/ });
    const { message_id: after } = oleg.say('/balance');
    await oleg.press(/Вернуть неиспользованное/, { after });
    await oleg.waitForMessage({ button: /Да, вернуть 50 ⭐/ }, { after });
    await buy(oleg, 100);
    await oleg.press(/Да, вернуть 50/);
    await oleg.waitForMessage({ button: /Да, вернуть 150 ⭐/ });
    assert.equal(await rig.balance(oleg.id), 15_000);
  });

  test('is no more than the balance, in whole payments', async (t) => {
    const rig = await start(t);
    const ann = await rig.somebody();
    await buy(ann, 50);
    await buy(ann, 100);
    await rig.quotedOrder(ann.id, stars(4_453));
    ann.say('/morph');
    await ann.press(/Confirm/);
    await ann.waitForMessage({ text: /0 of 1 transition/ });
    const { message_id: after } = ann.say('/balance');
    await ann.waitForMessage({ text: /In your running orders: 44\.53 ⭐/ }, { after });
    await ann.press(/Return unused/, { after });
    await ann.press(/Yes, return 100/, { after });
    await until(() => refundsTold(ann) === 1);
    assert.equal(await rig.balance(ann.id), 547);
  });

  test('goes back once, however often it is pressed', async (t) => {
    const rig = await start(t);
    const ann = await rig.somebody({ purse: 50 });
    await buy(ann, 50);
    ann.say('/balance');
    await ann.press(/Return unused/);
    const { message_id } = await ann.waitForMessage({ button: /Yes, return/ });
    await Promise.all([1, 2, 3].map(() => rig.server.press(ann.id, message_id, 'return:yes:50')));
    await until(() => refundsTold(ann) === 1);
    assert.equal(ann.stars(), 50);
    assert.equal(await rig.balance(ann.id), 0);
  });
});

describe('a refund on its way', () => {
  test('is given once through cut answers and repeats', async (t) => {
    const rig = await start(t);
    const ann = await rig.somebody({ purse: 50 });
    await buy(ann, 50);
    rig.server.faults.add({ kind: '5xx', method: 'refundStarPayment', times: 2 });
    rig.server.faults.add({ kind: 'reset-after', method: 'refundStarPayment' });
    await giveBack(ann);
    await until(() => refundsTold(ann) === 1);
    assert.equal(ann.stars(), 50);
    assert.deepEqual(await rig.moved(ann.id), ['top_up 50', 'reversal -50']);
  });

  test('that Telegram can not make now is tried again later', async (t) => {
    const rig = await start(t, { timings: SOON });
    const ann = await rig.somebody({ purse: 50 });
    await buy(ann, 50);
    rig.server.faults.add({ kind: '5xx', method: 'refundStarPayment', times: 4 });
    await giveBack(ann);
    await until(() => rig.logged.some((line) => line.includes('A refund was not sent')));
    assert.equal((await rig.books.refunds.count()).requested, 1);
    assert.equal(refundsTold(ann), 0);
    assert.equal(await rig.balance(ann.id), 0);
    const refund = await onlyRefund(rig);
    await rig.books.refunds.markRetry(refund, 'now', 0);
    await until(() => refundsTold(ann) === 1);
    assert.equal(ann.stars(), 50);
  });

  test('that does not go through for long is told to the admins, and goes on', async (t) => {
    const rig = await start(t, { timings: SOON });
    const root = rig.person(ADMIN, 'Root');
    const ann = await rig.somebody({ purse: 50 });
    await buy(ann, 50);
    rig.server.faults.add({ kind: '5xx', method: 'refundStarPayment', times: 1_000 });
    await giveBack(ann);
    const failed = () => rig.logged.filter((line) => line.includes('A refund was not sent')).length;
    for (let tries = 1; tries <= 8; tries += 1) {
      await until(() => failed() === tries);
      if (tries < 8) await rig.books.refunds.markRetry(await onlyRefund(rig), 'now', 0);
    }
    await root.waitForMessage({ text: /has not gone through after many tries/ });
    assert.equal((await rig.books.refunds.count()).requested, 1);
    rig.server.faults.clear();
    await rig.books.refunds.markRetry(await onlyRefund(rig), 'now', 0);
    await until(() => refundsTold(ann) === 1);
  });

  test('for which the bot has too few stars waits, and the admins hear of it', async (t) => {
    const rig = await start(t, { timings: SOON });
    const root = rig.person(ADMIN, 'Root');
    const ann = await rig.somebody({ purse: 50 });
    await buy(ann, 50);
    rig.server.world.stars.withdraw(50);
    await giveBack(ann);
    await root.waitForMessage({ text: /waits: the bot has too few stars/ });
    assert.equal(await rig.balance(ann.id), 0);
    const bob = await rig.somebody();
    await buy(bob, 100);
    await rig.books.refunds.markRetry(await onlyRefund(rig), 'now', 0);
    await until(() => refundsTold(ann) === 1);
    assert.equal(ann.stars(), 50);
  });

  test('that Telegram refuses for good puts the stars back, and the admins hear of it', async (t) => {
    const rig = await start(t);
    const root = rig.person(ADMIN, 'Root');
    const ann = await rig.somebody();
    // Nobody paid this: Telegram does not know the charge.
    rig.server.pushUpdate(paymentOf(ann, 'x', 50, 'forged'));
    await ann.waitForMessage({ text: /payment has arrived/ });
    await giveBack(ann);
    await ann.waitForMessage({ text: /did not take 50\.00 ⭐ back.*again: 50\.00 ⭐/ });
    await root.waitForMessage({ text: /refuses to refund forged-\d+ .*CHARGE_NOT_FOUND/ });
    assert.equal(await rig.balance(ann.id), 5_000);
  });
});

describe('a refund from outside', () => {
  test('that Telegram tells is taken from the balance once, told, and alarmed', async (t) => {
    const rig = await start(t);
    const root = rig.person(ADMIN, 'Root');
    const ann = await rig.somebody();
    await buy(ann, 50);
    const chargeId = await lastCharge(rig, ann);
    for (const _ of [1, 2]) rig.server.pushUpdate(refundOf(ann, chargeId, 50));
    await ann.waitForMessage({ text: /took back a payment of 50\.00 ⭐.*is 0\.00 ⭐ now/ });
    await root.waitForMessage({ text: /nobody had asked here/ });
    await sleep(100);
    assert.deepEqual(await rig.moved(ann.id), ['top_up 50', 'reversal -50']);
  });

  test('of another amount or person is not booked, and alarmed', async (t) => {
    const rig = await start(t);
    const root = rig.person(ADMIN, 'Root');
    const [ann, eve] = [await rig.somebody(), await rig.somebody()];
    await buy(ann, 50);
    rig.server.pushUpdate(refundOf(eve, await lastCharge(rig, ann), 50));
    await root.waitForMessage({ text: /our books have it otherwise/ });
    assert.equal(await rig.balance(ann.id), 5_000);
    assert.equal(await rig.balance(eve.id), 0);
  });
});

describe('the bonus of an invitation', () => {
  test('goes back with the payment that had brought it, and the inviter is told', async (t) => {
    const rig = await start(t);
    const [oleg, ann] = [await rig.somebody({ language: 'ru' }), await rig.somebody()];
    await rig.invite(ann.id, oleg.id);
    await buy(ann, 50);
    await oleg.waitForMessage({ text: /\+5\.00 ⭐/ });
    await giveBack(ann);
    await oleg.waitForMessage({ text: /ушли и 5\.00 ⭐.*баланс: 0\.00 ⭐/ });
    oleg.say('/balance');
    await oleg.waitForMessage({ text: /−5\.00 ⭐ · бонус снят.*\+5\.00 ⭐ · бонус за/s });
    await until(() => refundsTold(ann) === 1);
  });
});

describe('what was booked before a kill and not told', () => {
  test('is told after the start: taken by Telegram, returned, and refused', async (t) => {
    const rig = await start(t);
    const root = rig.person(ADMIN, 'Root');
    const [ann, bob, eve] = [await rig.somebody(), await rig.somebody(), await rig.somebody()];
    for (const person of [ann, bob, eve]) await buy(person, 50);
    const taken = await lastCharge(rig, ann);
    const [returned, refused] = [await lastCharge(rig, bob), await lastCharge(rig, eve)];
    await rig.bot.stop(1_000);
    const { refunds } = rig.books;
    await refunds.bookTold({ chargeId: taken, personId: ann.id, amountXtr: 50, at: new Date() });
    for (const [chargeId, { id: personId }] of [
      [returned, bob] as const,
      [refused, eve] as const,
    ]) {
      await refunds.request({ chargeId, by: { kind: 'person', personId } });
    }
    const due = await refunds.take(100);
    const idOf = (chargeId: string) => due.find((refund) => refund.chargeId === chargeId)?.id ?? 0;
    await refunds.markSent(idOf(returned));
    await refunds.markFailed(idOf(refused), 'CHARGE_NOT_FOUND');
    await rig.restart();
    await ann.waitForMessage({ text: /took back a payment of 50\.00 ⭐.*is 0\.00 ⭐ now/ });
    await bob.waitForMessage({ text: /went back to your Telegram Stars/ });
    await eve.waitForMessage({ text: /did not take 50\.00 ⭐ back.*again: 50\.00 ⭐/ });
    await root.waitForMessage({ text: /nobody had asked here/ });
    await root.waitForMessage({ text: /refuses to refund/ });
    await until(async () => (await refunds.news(100)).length === 0);
    await rig.restart();
    await sleep(150);
    const heard = ann.messages().filter(({ text }) => /took back a payment/.test(text ?? ''));
    assert.equal(heard.length, 1);
  });
});

describe('the comparison with Telegram', () => {
  test('credits a payment whose update was lost, starts its order and tells', async (t) => {
    const rig = await start(t, { timings: SOON });
    const ann = await rig.somebody();
    const orderId = await rig.quotedOrder(ann.id, stars(4_453));
    ann.say('/morph');
    await ann.press(/^Pay 45/);
    const { message_id } = await ann.waitForMessage({ has: 'invoice' });
    losePayments(rig);
    await rig.server.pay(ann.id, message_id);
    await ann.waitForMessage({ text: /had got lost on its way.*paid and comes by itself/s });
    assert.equal(await rig.orderState(orderId), 'queued');
    await ann.waitUntilGone({ has: 'invoice' });
  });

  test('meets somebody whose every message was lost', async (t) => {
    const rig = await start(t, { timings: SOON });
    const lost = rig.person(7_777, 'Lost', 'ru');
    lost.addStars(50);
    const user = { id: 7_777, is_bot: false, first_name: 'Lost', language_code: 'ru' };
    const terms = { title: 'x', description: 'x', payload: 'x', startParameter: 'x' };
    rig.server.world.stars.charge(user, { ...terms, amount: 50, photoUrl: undefined });
    await lost.waitForMessage({ text: /оплата потерялась.*50\.00 ⭐/s });
    assert.equal(await rig.balance(7_777), 5_000);
  });

  test('meets 105 of them at once; one whose line is not booked keeps nobody from it', async (t) => {
    const rig = await start(t);
    const root = rig.person(ADMIN, 'Root');
    const ids = Array.from({ length: 105 }, (_, index) => 70_000 + index);
    const lost = ids.map((id) => rig.person(id, 'Lost'));
    const { stars: purses } = rig.server.world;
    const terms = { title: 'x', description: 'x', payload: 'x', startParameter: 'x' };
    for (const { id, addStars } of lost) {
      addStars(1);
      const user = { id, is_bot: false, first_name: 'Lost' };
      purses.charge(user, { ...terms, amount: 1, photoUrl: undefined });
    }
    // The books refuse what nobody can have paid.
    const { run } = rig.books.reconciler;
    rig.books.reconciler.run = (fetch) =>
      run(async (offset, limit) => {
        const lines = await fetch(offset, limit);
        return lines.map((line) => (line.personId === 70_000 ? { ...line, amountXtr: 0 } : line));
      });
    await rig.restart();
    for (const person of lost.slice(1)) {
      await person.waitForMessage({ text: /had got lost on its way/ }, { timeoutMs: 30_000 });
    }
    const balances = await Promise.all(ids.map((id) => rig.balance(id)));
    assert.equal(balances.filter((balance) => balance === 100).length, 104);
    await root.waitForMessage({ text: /differ in 1 place/ });
  });

  test('takes what went back without us, and alarms', async (t) => {
    const rig = await start(t, { timings: SOON });
    const root = rig.person(ADMIN, 'Root');
    const ann = await rig.somebody();
    await buy(ann, 50);
    const user = { id: ann.id, is_bot: false, first_name: 'Ann' };
    rig.server.world.stars.refund(user, await lastCharge(rig, ann));
    await ann.waitForMessage({ text: /took back a payment/ });
    await root.waitForMessage({ text: /nobody had asked here/ });
    assert.equal(await rig.balance(ann.id), 0);
  });

  test('tells of what went back, although somebody else cannot be told', async (t) => {
    const rig = await start(t);
    const root = rig.person(ADMIN, 'Root');
    const [ann, bob] = [await rig.somebody(), await rig.somebody()];
    await buy(ann, 50);
    const orderId = await rig.quotedOrder(bob.id, stars(4_453));
    bob.say('/morph');
    await bob.press(/^Pay 45/);
    const { message_id } = await bob.waitForMessage({ has: 'invoice' });
    losePayments(rig);
    await rig.server.pay(bob.id, message_id);
    const user = { id: ann.id, is_bot: false, first_name: 'Ann' };
    rig.server.world.stars.refund(user, await lastCharge(rig, ann));
    const { find } = rig.known;
    t.after(() => {
      rig.known.find = find;
    });
    rig.known.find = async (id) => {
      if (id === bob.id) throw new Error('Nobody finds Bob');
      return find(id);
    };
    rig.server.pushUpdate(refundOf(ann, 'not in the books', 50));
    await ann.waitForMessage({ text: /took back a payment/ });
    await root.waitForMessage({ text: /nobody had asked here/ });
    await until(() => rig.logged.some((line) => line.includes('could not be followed')));
    assert.equal(await rig.orderState(orderId), 'quoted');
    rig.known.find = find;
    await rig.restart();
    await bob.waitForMessage({ text: /paid and comes by itself/ });
  });

  test('that fails three times in a row is told to the admins, once while it lasts', async (t) => {
    const rig = await start(t, { timings: SOON });
    const root = rig.person(ADMIN, 'Root');
    const alarms = () =>
      root.messages().filter(({ text }) => /could not be compared/.test(text ?? '')).length;
    const failed = () =>
      rig.logged.filter((line) => line.includes('Comparing stars with Telegram failed')).length;
    // Each is asked four times.
    rig.server.faults.add({ kind: '5xx', method: 'getStarTransactions', times: 24 });
    await until(() => failed() === 2);
    assert.equal(alarms(), 0);
    await root.waitForMessage({ text: /could not be compared.*3 times in a row: Bad Gateway/ });
    await until(() => failed() === 6);
    assert.equal(alarms(), 1);
  });

  test('tells the admins of differences in words, the same ones once', async (t) => {
    const rig = await start(t, { timings: SOON });
    const root = rig.person(ADMIN, 'Root');
    const ann = await rig.somebody();
    // The books have another amount than Telegram.
    const run = rig.books.reconciler.run;
    rig.books.reconciler.run = async () => ({
      ...(await run(async () => [])),
      differences: [
        {
          ...{ kind: 'amount', chargeId: 'stx<1>', direction: 'in' },
          ours: { personId: ann.id, amountXtr: 50 },
          telegrams: { personId: ann.id, amountXtr: 49 },
        },
      ],
    });
    await root.waitForMessage({ text: /differ in 1 place.*stx<1>: another amount.*49 ⭐/s });
    await sleep(350);
    const alarms = root.messages().filter(({ text }) => /differ in/.test(text ?? ''));
    assert.equal(alarms.length, 1);
  });
});

test('what was booked before a kill is followed up after the start', async (t) => {
  const rig = await start(t);
  const [ann, oleg] = [await rig.somebody(), await rig.somebody({ language: 'ru' })];
  const orderId = await rig.quotedOrder(ann.id, stars(4_453));
  await rig.bot.stop(1_000);
  const order = { orderId, mode: 'seamless', price: stars(4_453) } as const;
  const { id: payload } = await rig.books.invoices.open({
    ...{ personId: ann.id, amountXtr: 45, order },
  });
  const told = { personId: ann.id, amountXtr: 45, payload, paidAt: new Date() };
  await rig.books.payments.book({ chargeId: `killed-${ann.id}`, ...told });
  const found = { personId: oleg.id, amountXtr: 50, payload: null, paidAt: new Date() };
  await rig.books.payments.book({ chargeId: `killed-${oleg.id}`, ...found }, 'reconciled');
  await rig.restart();
  await oleg.waitForMessage({ text: /оплата потерялась.*50\.00 ⭐/s });
  await ann.waitForMessage({ text: /\+45\.00 ⭐.*paid and comes by itself/s });
  assert.equal(await rig.orderState(orderId), 'queued');
  await until(async () => (await openPayments(rig)) === 0);
});

/** Asks for everything that was not used. */
async function giveBack(person: Person): Promise<void> {
  const { message_id: after } = person.say('/balance');
  await person.press(/Return unused/, { after });
  await person.press(/Yes, return/, { after });
}

function refundsTold(person: Person): number {
  return person.messages().filter(({ text }) => /went back to your/.test(text ?? '')).length;
}

async function buy(person: Person, amountXtr: number): Promise<void> {
  const { message_id: after } = person.say('/topup');
  await person.press(new RegExp(`^${amountXtr} ⭐$`), { after });
  await person.pay({ after });
  await person.waitForMessage({ text: new RegExp(`\\+${amountXtr}\\.00 ⭐ 🎉`) }, { after });
}

async function lastCharge(rig: PaymentsRig, person: Person): Promise<string> {
  const [payment] = await rig.books.payments.list({ personId: person.id, limit: 1 });
  assert.ok(payment);
  return payment.chargeId;
}

/** The number of the one refund that is waiting. */
async function onlyRefund(rig: PaymentsRig): Promise<number> {
  assert.equal((await rig.books.refunds.count()).requested, 1);
  return rig.newestRefund();
}

/** From now on, what Telegram tells of payments never arrives. */
function losePayments({ deps }: PaymentsRig): void {
  const { store } = deps.inbox;
  deps.inbox.store = (batch) =>
    store(batch.filter((update) => !JSON.stringify(update).includes('"successful_payment"')));
}

async function openPayments(rig: PaymentsRig): Promise<number> {
  return (await rig.books.payments.unsettled({ olderThanMs: 0, limit: 10 })).length;
}
