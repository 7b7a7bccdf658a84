import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { TERMS_VERSION } from '../../src/bot/payments/terms-version.ts';
import { stars } from '../../src/domain/stars.ts';
import { buttonLabels, type Person } from '../support/chat.ts';
import { payloadAt, paymentOf, preparePayments, refundOf } from './payments-rig.ts';
import { ADMIN, FAST, until } from './rig.ts';

const start = preparePayments();
const PRICE = stars(4_453);

describe('a pack of stars', () => {
  test('has a button with its number, is paid by an invoice, and is told once', async (t) => {
    const rig = await start(t);
    const ann = await rig.somebody({ purse: 300 });
    ann.say('/topup');
    const packs = await ann.waitForMessage({ text: /You have 0\.00 ⭐/ });
    assert.deepEqual(
      buttonLabels(packs),
      [50, 100, 250, 500, 1000, 2500].map((pack) => `${pack} ⭐`),
    );
    await ann.press(/^250 ⭐$/);
    const invoice = await ann.waitForMessage({ has: 'invoice' });
    assert.equal(invoice.invoice?.currency, 'XTR');
    assert.equal(invoice.invoice?.total_amount, 250);
    assert.notEqual(invoice.invoice?.start_parameter, '');
    assert.deepEqual(buttonLabels(invoice), ['Pay 250 ⭐', 'Not now']);
    assert.equal((await ann.pay()).kind, 'paid');
    await ann.waitForMessage({ text: /\+250\.00 ⭐ 🎉.*Your balance: 250\.00 ⭐/s });
    await ann.waitUntilGone({ has: 'invoice' });
    assert.equal(ann.stars(), 50);
    assert.equal(told(ann), 1);
    assert.deepEqual(await rig.moved(ann.id), ['top_up 250']);
  });

  test('is sold in Russian as well', async (t) => {
    const rig = await start(t);
    const oleg = await rig.somebody({ language: 'ru' });
    oleg.say('/topup');
    await oleg.press(/^50 ⭐$/);
    await oleg.pay();
    await oleg.waitForMessage({ text: /Спасибо, оплата пришла/ });
  });

  test('that is not wanted any more is taken back', async (t) => {
    const rig = await start(t);
    const ann = await rig.somebody();
    ann.say('/topup');
    await ann.press(/^50 ⭐$/);
    const { message_id } = await ann.waitForMessage({ has: 'invoice' });
    const answer = await ann.press(/Not now/);
    assert.match(answer.text ?? '', /taken back/);
    await ann.waitUntilGone({ has: 'invoice' });
    assert.equal((await rig.server.pay(ann.id, message_id)).kind, 'closed');
  });

  test('asked for twice leaves one invoice to be paid', async (t) => {
    const rig = await start(t);
    const ann = await rig.somebody();
    ann.say('/topup');
    const { message_id } = await ann.waitForMessage({ button: /^50 ⭐$/ });
    await Promise.all([1, 2].map(() => rig.server.press(ann.id, message_id, 'topup:50')));
    const sent = () => rig.server.calls.filter(({ method }) => method === 'sendInvoice').length;
    await until(() => sent() === 2);
    await until(() => ann.messages().filter(({ invoice }) => invoice).length === 1);
    assert.equal((await ann.pay()).kind, 'paid');
    await ann.waitForMessage({ text: /\+50\.00 ⭐/ });
    assert.equal(await rig.balance(ann.id), 5_000);
  });

  test('whose message was forgotten by a kill is refused, and goes when it is pressed', async (t) => {
    const rig = await start(t);
    const ann = await rig.somebody();
    const { setMessage } = rig.books.invoices;
    rig.books.invoices.setMessage = async () => undefined;
    ann.say('/topup');
    await ann.press(/^50 ⭐$/);
    const { message_id: first } = await ann.waitForMessage({ has: 'invoice' });
    rig.books.invoices.setMessage = setMessage;
    const { message_id: after } = ann.say('/topup');
    await ann.press(/^50 ⭐$/, { after });
    await ann.waitForMessage({ has: 'invoice' }, { after });
    const outcome = await rig.server.pay(ann.id, first);
    assert.ok(outcome.kind === 'refused');
    assert.match(outcome.reason, /was taken back/);
    await rig.server.press(ann.id, first, `invoice:${payloadAt(rig, ann, first)}`);
    await until(() => ann.messages().every((message) => message.message_id !== first));
    assert.ok(ann.messages().some(({ invoice }) => invoice));
  });

  test('that cannot be deleted any more is marked', async (t) => {
    const rig = await start(t);
    const oleg = await rig.somebody({ language: 'ru' });
    oleg.say('/topup');
    await oleg.press(/^50 ⭐$/);
    const message = await oleg.waitForMessage({ has: 'invoice' });
    const { state } = rig.server.world;
    const found = state.find(oleg.id, message.message_id);
    assert.ok(found);
    state.replace({ ...found, date: found.date - 49 * 3_600 });
    await oleg.press(/Не сейчас/);
    const mark = await oleg.waitForMessage({ text: /Этот счёт отозван/ });
    assert.equal(mark.reply_to_message?.message_id, message.message_id);
    await sleep(100);
    const marks = oleg.messages().filter(({ text }) => /Этот счёт отозван/.test(text ?? ''));
    assert.equal(marks.length, 1);
  });

  test('that does not exist is sold to nobody', async (t) => {
    const rig = await start(t);
    const ann = await rig.somebody();
    ann.say('/topup');
    const { message_id } = await ann.waitForMessage({ button: /^50 ⭐$/ });
    const answer = await rig.server.press(ann.id, message_id, 'topup:1');
    assert.match(answer.text ?? '', /old message/);
  });

  test('for whoever was invited brings their friend a bonus, once', async (t) => {
    const rig = await start(t);
    const [bob, ann] = [await rig.somebody(), await rig.somebody()];
    const carl = rig.person(ann.id + 500, 'Carl');
    await rig.known.meet({ id: carl.id, firstName: 'Carl', invitedBy: bob.id });
    await rig.books.terms.accept(carl.id, TERMS_VERSION);
    carl.addStars(200);
    for (const count of [1, 2]) {
      const { message_id: after } = carl.say('/topup');
      await carl.press(/^50 ⭐$/, { after });
      await carl.pay({ after });
      await until(() => told(carl) === count);
    }
    await bob.waitForMessage({ text: /\+5\.00 ⭐.*Somebody you invited/ });
    assert.deepEqual(await rig.moved(bob.id), ['top_up 5']);
  });
});

describe('an order that its person cannot afford', () => {
  test('is paid exactly, rounded up to whole stars, and starts by itself, once', async (t) => {
    const rig = await start(t);
    const ann = await rig.somebody({ purse: 45 });
    const orderId = await rig.quotedOrder(ann.id, PRICE);
    ann.say('/morph');
    await ann.press(/^Pay 45 ⭐ and start$/);
    const { invoice } = await ann.waitForMessage({ has: 'invoice' });
    assert.match(invoice?.description ?? '', /costs 44\.53 ⭐.*0\.47 ⭐ stay on your balance/);
    await ann.pay();
    const thanks = await ann.waitForMessage({
      text: /\+45\.00 ⭐.*paid and comes by itself.*Your balance: 0\.47 ⭐/s,
    });
    await ann.waitForMessage({ text: /0 of 1 transition/ }, { after: thanks });
    await ann.waitUntilGone({ button: /Pay|Top up/ });
    assert.equal(await rig.orderState(orderId), 'queued');
    assert.deepEqual(await rig.moved(ann.id), ['top_up 45', 'charge -44.53']);
    assert.equal(told(ann), 1);
  });

  test('takes what is on the balance into account, and packs instead', async (t) => {
    const rig = await start(t);
    const ann = await rig.somebody();
    await give(rig, ann, 1_000);
    await rig.quotedOrder(ann.id, PRICE);
    ann.say('/morph');
    await ann.waitForMessage({ text: /You are 34\.53 ⭐ short/, button: /^Pay 35 ⭐ and start$/ });
    await ann.press(/Top up/);
    const offer = await ann.waitForMessage({ text: /Pay exactly what is missing/ });
    assert.deepEqual(buttonLabels(offer).slice(0, 3), ['Pay 35 ⭐ and start', '50 ⭐', '100 ⭐']);
    await ann.press(/^50 ⭐$/);
    await ann.pay();
    const paid = await ann.waitForMessage({ text: /Your balance: 60\.00 ⭐/ });
    await ann.press(/^Continue$/, { after: paid.message_id - 1 });
    await ann.waitForMessage({ button: /Confirm/ });
  });

  test('that was changed meanwhile is not started, and the stars stay', async (t) => {
    const rig = await start(t);
    const ann = await rig.somebody();
    const orderId = await rig.quotedOrder(ann.id, PRICE);
    ann.say('/morph');
    await ann.press(/^Pay 45/);
    const { message_id: invoice } = await ann.waitForMessage({ has: 'invoice' });
    await ann.press(/^Back$/);
    await ann.waitUntilGone({ has: 'invoice' });
    assert.equal((await rig.server.pay(ann.id, invoice)).kind, 'closed');
    // Agreed before it was changed, paid after: as from a second device.
    const order = { orderId, mode: 'loop', price: PRICE } as const;
    const late = await rig.books.invoices.open({ personId: ann.id, amountXtr: 45, order });
    rig.server.pushUpdate(paymentOf(ann, late.id, 45, 'late'));
    await ann.waitForMessage({ text: /order has changed.*Your balance: 45\.00 ⭐/s });
    assert.equal(await rig.orderState(orderId), 'quoted');
  });

  test('loses the invoice of another mode, even one that was left by a kill', async (t) => {
    const rig = await start(t);
    const ann = await rig.somebody();
    const orderId = await rig.quotedOrder(ann.id, PRICE);
    ann.say('/morph');
    const { message_id } = await ann.waitForMessage({ button: /^Pay 45/ });
    const order = { orderId, mode: 'loop', price: stars(8_906) } as const;
    const left = await rig.books.invoices.open({ personId: ann.id, amountXtr: 90, order });
    await rig.server.press(ann.id, message_id, `o:mode:${orderId}:seamless`);
    await until(async () => (await rig.books.invoices.find(left.id))?.state === 'cancelled');
  });

  test('is charged once when its invoice is paid on two devices; the second payment is credited', async (t) => {
    const rig = await start(t);
    const ann = await rig.somebody();
    const orderId = await rig.quotedOrder(ann.id, PRICE);
    ann.say('/morph');
    await ann.press(/^Pay 45/);
    const { message_id } = await ann.waitForMessage({ has: 'invoice' });
    const release = rig.server.holdUpdates();
    const paying = [1, 2].map(() => rig.server.pay(ann.id, message_id));
    release();
    const outcomes = await Promise.all(paying);
    assert.deepEqual(
      outcomes.map(({ kind }) => kind),
      ['paid', 'paid'],
    );
    await ann.waitForMessage({ text: /invoice had been paid before/ });
    await until(() => told(ann) === 2);
    assert.equal(await rig.orderState(orderId), 'queued');
    assert.equal(await rig.balance(ann.id), 9_000 - 4_453);
  });

  test('asks for new terms before the first payment, and goes on by itself', async (t) => {
    const rig = await start(t);
    const ann = await rig.somebody({ accepted: false });
    const orderId = await rig.quotedOrder(ann.id, PRICE);
    ann.say('/morph');
    await ann.press(/^Pay 45/);
    const terms = await ann.waitForMessage({ text: /accept them.*Terms of use.*within 14 days/s });
    assert.deepEqual(buttonLabels(terms), ['✅ Accept']);
    await ann.press(/Accept/);
    await ann.pay();
    await ann.waitForMessage({ text: /paid and comes by itself/ });
    assert.equal(await rig.orderState(orderId), 'queued');
    ann.say('/topup');
    await ann.press(/^50 ⭐$/);
    await ann.waitForMessage({ has: 'invoice' });
    assert.equal(ann.messages().filter(({ text }) => /Terms of use/.test(text ?? '')).length, 1);
  });

  test('cannot be confirmed with a balance below zero', async (t) => {
    const rig = await start(t);
    const ann = await rig.somebody();
    await buy(rig, ann, 50);
    const [payment] = await rig.books.payments.list({ personId: ann.id, limit: 1 });
    await rig.ledger.topUp({ ...key('spent'), personId: ann.id, amount: stars(100) });
    const spent = await rig.quotedOrder(ann.id, stars(5_000));
    ann.say('/morph');
    await ann.press(/Confirm/);
    await ann.waitForMessage({ text: /0 of 1 transition/ });
    assert.ok(payment);
    rig.server.pushUpdate(refundOf(ann, payment.chargeId, 50));
    await ann.waitForMessage({ text: /already used, so your balance is −49\.00 ⭐/ });
    assert.equal(await rig.orderState(spent), 'queued');
    const next = await rig.quotedOrder(ann.id, stars(100));
    const { message_id: after } = ann.say('/morph');
    await ann.waitForMessage({ text: /you have −49\.00 ⭐/, button: /^Pay 50 ⭐/ }, { after });
    const confirmed = await rig.deps.orders().confirm(next, ann.id, {
      ...{ mode: 'seamless', price: stars(100) },
    });
    assert.equal(confirmed.kind, 'short');
    ann.say('/balance');
    await ann.waitForMessage({ text: /balance: −49\.00 ⭐\n.*50\.00 ⭐\nIt is below zero/ });
  });
});

describe('accepting the terms', () => {
  test('sells the pack that was asked for, and is asked once', async (t) => {
    const rig = await start(t);
    const ann = await rig.somebody({ accepted: false });
    ann.say('/topup');
    await ann.press(/^100 ⭐$/);
    await ann.press(/Accept/);
    await ann.pay();
    await ann.waitForMessage({ text: /\+100\.00 ⭐/ });
    assert.equal((await rig.known.find(ann.id))?.termsVersion, TERMS_VERSION);
  });

  test('of an older version shows the present ones', async (t) => {
    const rig = await start(t);
    const ann = await rig.somebody({ accepted: false });
    ann.say('/topup');
    await ann.press(/^100 ⭐$/);
    const { message_id } = await ann.waitForMessage({ button: /Accept/ });
    await rig.server.press(ann.id, message_id, 'terms:0:pack:100');
    await ann.waitForMessage({ button: /Accept/ }, { after: message_id });
    assert.equal((await rig.known.find(ann.id))?.termsVersion, null);
    assert.ok(!ann.messages().some(({ invoice }) => invoice));
  });
});

describe('/terms', () => {
  test('can be accepted there, with nothing to be paid, and asks nothing afterwards', async (t) => {
    const rig = await start(t);
    const ann = await rig.somebody({ accepted: false });
    ann.say('/terms');
    const terms = await ann.waitForMessage({ text: /^.*Terms of use/ });
    assert.deepEqual(buttonLabels(terms), ['✅ Accept']);
    await rig.server.press(ann.id, terms.message_id, 'terms:0:none');
    await ann.waitForMessage({ button: /Accept/ }, { after: terms });
    const answer = await ann.press(/Accept/, { after: terms });
    assert.match(answer.text ?? '', /Thank you/);
    await ann.waitUntilGone({ button: /Accept/ });
    assert.equal((await rig.known.find(ann.id))?.termsVersion, TERMS_VERSION);
    const { message_id: after } = ann.say('/terms');
    assert.deepEqual(buttonLabels(await ann.waitForMessage({ text: /Terms/ }, { after })), []);
    ann.say('/topup');
    await ann.press(/^50 ⭐$/);
    await ann.waitForMessage({ has: 'invoice' });
  });
});

describe('while sales are paused, or for somebody banned', () => {
  test('nothing is offered or sold; what was agreed to before starts when it is paid', async (t) => {
    const rig = await start(t);
    const ann = await rig.somebody();
    const orderId = await rig.quotedOrder(ann.id, PRICE);
    ann.say('/morph');
    await ann.press(/^Pay 45/);
    const { message_id } = await ann.waitForMessage({ has: 'invoice' });
    await rig.sales.pause(ADMIN);
    t.after(() => rig.sales.resume());
    const outcome = await rig.server.pay(ann.id, message_id);
    assert.match(outcome.kind === 'refused' ? outcome.reason : '', /Sales are paused/);
    const answer = await ann.press(/^Pay 45/);
    assert.match(answer.text ?? '', /Sales are paused/);
    const { message_id: after } = ann.say('/topup');
    await ann.waitForMessage({ text: /Sales are paused/ }, { after });
    rig.server.pushUpdate(paymentOf(ann, payloadAt(rig, ann, message_id), 45, 'paused'));
    await ann.waitForMessage({ text: /paid and comes by itself.*Your balance: 0\.47 ⭐/s });
    assert.equal(await rig.orderState(orderId), 'queued');
    const bob = await rig.somebody();
    await give(rig, bob, 5_000);
    await rig.quotedOrder(bob.id, PRICE);
    bob.say('/morph');
    const refused = await bob.press(/Confirm/);
    assert.match(refused.text ?? '', /Sales are paused/);
    await rig.sales.resume();
    await bob.press(/Confirm/);
    await bob.waitForMessage({ text: /0 of 1 transition/ });
  });

  test('what a banned person pays for stays on the balance', async (t) => {
    const rig = await start(t);
    const ann = await rig.somebody();
    const orderId = await rig.quotedOrder(ann.id, PRICE);
    const find = rig.known.find;
    t.after(() => {
      rig.known.find = find;
    });
    rig.known.find = async (id) => {
      const person = await find(id);
      return person && { ...person, bannedAt: new Date() };
    };
    const payload = await invoiceOf(rig, ann, orderId);
    rig.server.pushUpdate(paymentOf(ann, payload, 45, 'banned'));
    await ann.waitForMessage({ text: /Nothing new is started.*45\.00 ⭐/s });
    assert.equal(await rig.orderState(orderId), 'quoted');
  });
});

describe('following a payment', () => {
  const SOON = { payments: { ...FAST.payments, settleMs: 40 } };

  test('thanks once, although its order cannot be shown', async (t) => {
    const rig = await start(t, { timings: SOON });
    const ann = await rig.somebody();
    const orderId = await rig.quotedOrder(ann.id, PRICE);
    const payload = await invoiceOf(rig, ann, orderId);
    rig.deps.orders().intake = async () => {
      throw new Error('no counter');
    };
    rig.server.pushUpdate(paymentOf(ann, payload, 45, 'shown'));
    await until(() => rig.logged.some((line) => line.includes('failed to show a paid order')));
    await sleep(200);
    assert.equal(told(ann), 1);
    assert.equal(await rig.orderState(orderId), 'queued');
  });

  test('thanks once, although it cannot be written down at first', async (t) => {
    const rig = await start(t, { timings: SOON });
    const ann = await rig.somebody();
    const { settle } = rig.books.payments;
    let calls = 0;
    rig.books.payments.settle = (chargeId) => {
      calls += 1;
      return calls < 3 ? Promise.reject(new Error('away')) : settle(chargeId);
    };
    rig.server.pushUpdate(paymentOf(ann, 'x', 50, 'written'));
    await until(async () => calls >= 3 && (await openPayments(rig)) === 0);
    assert.equal(told(ann), 1);
  });

  test('says that the stars are on the balance when the order cannot be started', async (t) => {
    const rig = await start(t);
    const ann = await rig.somebody();
    const orderId = await rig.quotedOrder(ann.id, PRICE);
    const payload = await invoiceOf(rig, ann, orderId);
    rig.deps.orders().confirm = async () => {
      throw new Error('no queue');
    };
    rig.server.pushUpdate(paymentOf(ann, payload, 45, 'stuck'));
    const thanks = await ann.waitForMessage({ text: /\+45\.00 ⭐.*Your balance: 45\.00 ⭐/s });
    assert.deepEqual(buttonLabels(thanks), ['Continue']);
    await until(async () => (await openPayments(rig)) === 0);
  });

  test('told again does nothing for the payments of others', async (t) => {
    const rig = await start(t);
    const [ann, bob] = [await rig.somebody(), await rig.somebody()];
    rig.server.pushUpdate(paymentOf(ann, 'x', 50, 'again'));
    await ann.waitForMessage({ text: /\+50\.00 ⭐/ });
    const payment = { personId: bob.id, amountXtr: 50, payload: 'x', paidAt: new Date() };
    await rig.books.payments.book({ chargeId: `open-${bob.id}`, ...payment });
    rig.server.pushUpdate(paymentOf(ann, 'x', 50, 'again'));
    ann.say('/balance');
    await ann.waitForMessage({ text: /Your balance/ });
    await sleep(50);
    assert.deepEqual([told(ann), told(bob)], [1, 0]);
    await rig.books.payments.settle(`open-${bob.id}`);
  });

  test('does not start an order with other stars when its own have gone back', async (t) => {
    const rig = await start(t);
    const ann = await rig.somebody();
    await give(rig, ann, 10_000);
    const orderId = await rig.quotedOrder(ann.id, PRICE);
    const payload = await invoiceOf(rig, ann, orderId);
    await rig.bot.stop(1_000);
    const payment = { chargeId: `back-${ann.id}`, personId: ann.id, amountXtr: 45 };
    await rig.books.payments.book({ ...payment, payload, paidAt: new Date() });
    await rig.books.refunds.bookTold({ ...payment, at: new Date() });
    await rig.restart();
    await ann.waitForMessage({ text: /\+45\.00 ⭐.*Your balance: 100\.00 ⭐/s });
    assert.equal(await rig.orderState(orderId), 'quoted');
  });
});

/** How often a person was thanked for a payment. */
function told(person: Person): number {
  return person.messages().filter(({ text }) => /your payment has arrived/.test(text ?? '')).length;
}

type TestRig = Awaited<ReturnType<typeof start>>;

function key(name: string) {
  return { paymentMethod: 'Admin', key: `test:${name}:${Math.random()}` } as const;
}

async function give(rig: TestRig, person: Person, hundredths: number): Promise<void> {
  await rig.ledger.topUp({ ...key('give'), personId: person.id, amount: stars(hundredths) });
}

/** An invoice of 45 for this order; gives its payload. */
async function invoiceOf(rig: TestRig, { id: personId }: Person, orderId: string) {
  const order = { orderId, mode: 'seamless', price: PRICE } as const;
  return (await rig.books.invoices.open({ personId, amountXtr: 45, order })).id;
}

async function openPayments(rig: TestRig): Promise<number> {
  return (await rig.books.payments.unsettled({ olderThanMs: 0, limit: 10 })).length;
}

async function buy(rig: TestRig, person: Person, amountXtr: number): Promise<void> {
  const before = await rig.balance(person.id);
  const { message_id: after } = person.say('/topup');
  await person.press(new RegExp(`^${amountXtr} ⭐$`), { after });
  await person.pay({ after });
  await person.waitForMessage({ text: /payment has arrived/ }, { after });
  assert.equal(await rig.balance(person.id), before + amountXtr * 100);
}
