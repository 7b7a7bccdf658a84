import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Update } from 'grammy/types';
import { startSandbox } from '../support/sandbox.ts';
import { call, ok, refusal } from './call.ts';

const ann = 7;
const ben = 8;
const order = {
  chat_id: ann,
  title: 'Ten stars',
  description: 'For your balance',
  payload: 'order-1',
  provider_token: '',
  currency: 'XTR',
  prices: [{ label: 'Ten stars', amount: 10 }],
};
const tooOld =
  '400 Bad Request: query is too old and response timeout expired or query ID is invalid';

async function start(t: TestContext, allowViolations = false) {
  const server = await startSandbox(t, { allowViolations });
  server.addUser({ id: ann, first_name: 'Ann' });
  server.addUser({ id: ben, first_name: 'Ben' });
  server.addStars(ann, 25);
  let offset = 0;
  async function nextUpdate(): Promise<Update> {
    const [update] = await ok(call(server, 'getUpdates', { timeout: 5, limit: 1, offset }));
    assert.ok(update);
    offset = update.update_id + 1;
    return update;
  }
  /** Answers the next question of a payment; resolves with the query. */
  async function answerCheckout(answer: Record<string, unknown> = { ok: true }) {
    const { pre_checkout_query: query } = await nextUpdate();
    assert.ok(query);
    await ok(
      call(server, 'answerPreCheckoutQuery', { pre_checkout_query_id: query.id, ...answer }),
    );
    return query;
  }
  async function payWell(payer: number, invoice: Parameters<typeof server.pay>[1]) {
    const [outcome] = await Promise.all([server.pay(payer, invoice), answerCheckout()]);
    assert.equal(outcome.kind, 'paid');
    const { message } = await nextUpdate();
    return { chargeId: outcome.kind === 'paid' ? outcome.chargeId : '', message };
  }
  const invoice = await ok(call(server, 'sendInvoice', order));
  return { server, invoice, nextUpdate, answerCheckout, payWell };
}

test('an invoice shows its price and a button to pay it', async (t) => {
  const { server, invoice } = await start(t);
  assert.deepEqual(invoice.invoice, {
    title: 'Ten stars',
    description: 'For your balance',
    start_parameter: '',
    currency: 'XTR',
    total_amount: 10,
  });
  const [shown] = server.messages(ann);
  assert.deepEqual(shown?.reply_markup?.inline_keyboard, [[{ text: 'Pay ⭐️10', pay: true }]]);
  const reply_markup = {
    inline_keyboard: [[{ text: 'Buy', pay: true }], [{ text: 'No', callback_data: 'no' }]],
  };
  await ok(call(server, 'sendInvoice', { ...order, reply_markup }));
  assert.deepEqual(server.messages(ann).at(-1)?.reply_markup, reply_markup);
});

test('a payment the bot agrees to moves Stars and is told as a message', async (t) => {
  const { server, invoice, answerCheckout, nextUpdate } = await start(t);
  const paying = server.pay(ann, invoice.message_id);
  const { id: _id, ...query } = await answerCheckout();
  const price = { currency: 'XTR', total_amount: 10, invoice_payload: 'order-1' };
  assert.deepEqual(query, { from: server.world.state.chat(ann)?.user, ...price });
  const outcome = await paying;
  assert.equal(outcome.kind, 'paid');
  const { message } = await nextUpdate();
  assert.deepEqual(message?.successful_payment, {
    ...price,
    telegram_payment_charge_id: outcome.kind === 'paid' && outcome.chargeId,
    provider_payment_charge_id: '7_0',
  });
  assert.deepEqual(server.messages(ann).at(-1), message);
  assert.equal(server.stars(ann), 15);
  assert.deepEqual(await ok(call(server, 'getMyStarBalance')), { amount: 10 });
});

test('a refusal reaches the person in its words and moves nothing', async (t) => {
  const { server, invoice, answerCheckout } = await start(t);
  const paying = server.pay(ann, invoice.message_id);
  await answerCheckout({ ok: false, error_message: 'Sold out' });
  assert.deepEqual(await paying, { kind: 'refused', reason: 'Sold out' });
  assert.equal(server.stars(ann), 25);
  assert.equal(server.messages(ann).length, 1);
});

test('a purse that is short is told so, and the bot is not asked', async (t) => {
  const { server, invoice } = await start(t);
  server.addStars(ann, -20);
  assert.deepEqual(await server.pay(ann, invoice.message_id), { kind: 'short', missing: 5 });
  assert.deepEqual(await ok(call(server, 'getUpdates')), []);
  assert.throws(() => server.addStars(ann, -6), RangeError);
});

test('a payment nobody answers for ends unanswered, and a late answer is too old', async (t) => {
  const { server, invoice, nextUpdate } = await start(t);
  const outcome = await server.pay(ann, invoice.message_id, { timeoutMs: 20 });
  assert.deepEqual(outcome, { kind: 'unanswered' });
  const { pre_checkout_query: query } = await nextUpdate();
  const answer = { pre_checkout_query_id: query?.id, ok: true };
  assert.equal(await refusal(call(server, 'answerPreCheckoutQuery', answer)), tooOld);
  assert.equal(server.stars(ann), 25);
});

test('two payments at once never spend the same Stars', async (t) => {
  const { server, invoice, answerCheckout } = await start(t);
  server.addStars(ann, -10);
  const both = [server.pay(ann, invoice.message_id), server.pay(ann, invoice.message_id)];
  await answerCheckout();
  await answerCheckout();
  const outcomes = await Promise.all(both);
  assert.deepEqual(outcomes.map(({ kind }) => kind).toSorted(), ['paid', 'short']);
  assert.equal(server.stars(ann), 5);
});

test('an invoice can be paid again, and by somebody it was forwarded to', async (t) => {
  const { server, invoice, payWell } = await start(t);
  server.addStars(ben, 10);
  const first = await payWell(ann, invoice.message_id);
  const second = await payWell(ann, invoice.message_id);
  assert.notEqual(first.chargeId, second.chargeId);
  const place = { chatId: ann, messageId: invoice.message_id };
  const { message } = await payWell(ben, place);
  assert.equal(message?.chat.id, ben);
  assert.equal(message?.from.id, ben);
  assert.deepEqual([server.stars(ann), server.stars(ben)], [5, 0]);
});

test('the bot forwards an invoice so that it can be paid there, and cannot copy it', async (t) => {
  const { server, invoice, payWell } = await start(t);
  server.addStars(ben, 10);
  const source = { chat_id: ben, from_chat_id: ann, message_id: invoice.message_id };
  const forwarded = await ok(call(server, 'forwardMessage', source));
  await payWell(ben, forwarded.message_id);
  assert.equal(
    await refusal(call(server, 'copyMessage', source)),
    "400 Bad Request: message can't be copied",
  );
});

test('an invoice is paid by its link', async (t) => {
  const { server, payWell } = await start(t);
  const { chat_id: _chat, ...terms } = order;
  const link = await ok(call(server, 'createInvoiceLink', { ...terms, payload: 'by-link' }));
  assert.match(link, /^https:\/\/t\.me\/\$/);
  const { message } = await payWell(ann, { link });
  assert.equal(message?.successful_payment?.invoice_payload, 'by-link');
  await assert.rejects(server.pay(ann, { link: 'https://t.me/$nothing' }), /no link to an invoice/);
});

test('a deleted invoice is closed, before the question and after it', async (t) => {
  const { server, invoice, nextUpdate } = await start(t);
  const { message_id } = invoice;
  const paying = server.pay(ann, message_id);
  const { pre_checkout_query: query } = await nextUpdate();
  await ok(call(server, 'deleteMessage', { chat_id: ann, message_id }));
  const answer = { pre_checkout_query_id: query?.id ?? '', ok: true };
  await ok(call(server, 'answerPreCheckoutQuery', answer));
  assert.deepEqual(await paying, { kind: 'closed' });
  assert.deepEqual(await server.pay(ann, message_id), { kind: 'closed' });
  assert.equal(server.stars(ann), 25);
  await assert.rejects(server.pay(ann, 99), /is no invoice/);
});

test('a payment goes back once, to its payer, with a note in the chat', async (t) => {
  const { server, invoice, payWell, nextUpdate } = await start(t);
  const { chargeId } = await payWell(ann, invoice.message_id);
  const refund = (user_id: number, telegram_payment_charge_id: string) =>
    call(server, 'refundStarPayment', { user_id, telegram_payment_charge_id });
  assert.equal(await refusal(refund(ben, chargeId)), '400 Bad Request: CHARGE_NOT_FOUND');
  assert.equal(await refusal(refund(ann, 'other')), '400 Bad Request: CHARGE_NOT_FOUND');
  assert.equal(await ok(refund(ann, chargeId)), true);
  assert.equal(server.stars(ann), 25);
  assert.deepEqual((await nextUpdate()).message?.refunded_payment, {
    currency: 'XTR',
    total_amount: 10,
    invoice_payload: 'order-1',
    telegram_payment_charge_id: chargeId,
  });
  assert.equal(await refusal(refund(ann, chargeId)), '400 Bad Request: CHARGE_ALREADY_REFUNDED');
  assert.deepEqual(await ok(call(server, 'getMyStarBalance')), { amount: 0 });
});

test('a bot that has taken its Stars out cannot give them back', async (t) => {
  const { server, invoice, payWell } = await start(t);
  const { chargeId } = await payWell(ann, invoice.message_id);
  server.world.stars.withdraw(1);
  const payload = { user_id: ann, telegram_payment_charge_id: chargeId };
  assert.equal(
    await refusal(call(server, 'refundStarPayment', payload)),
    '400 Bad Request: BALANCE_TOO_LOW',
  );
});

test('transactions tell every movement in order, a refund under the id of its payment', async (t) => {
  const { server, invoice, payWell } = await start(t);
  const first = await payWell(ann, invoice.message_id);
  const second = await payWell(ann, invoice.message_id);
  const payload = { user_id: ann, telegram_payment_charge_id: first.chargeId };
  await ok(call(server, 'refundStarPayment', payload));
  const list = async (page: Record<string, unknown>) =>
    (await ok(call(server, 'getStarTransactions', page))).transactions.map(
      ({ id, amount, source, receiver }) => [id, amount, source?.type, receiver?.type],
    );
  const all = [
    [first.chargeId, 10, 'user', undefined],
    [second.chargeId, 10, 'user', undefined],
    [first.chargeId, 10, undefined, 'user'],
  ];
  assert.deepEqual(await list({}), all);
  assert.deepEqual(await list({ offset: 1, limit: 1 }), [all[1]]);
  const { transactions } = await ok(call(server, 'getStarTransactions'));
  assert.deepEqual(transactions[0]?.source, {
    type: 'user',
    transaction_type: 'invoice_payment',
    user: server.world.state.chat(ann)?.user,
    invoice_payload: 'order-1',
  });
});

test('invoices Telegram would not take are refused', async (t) => {
  const { server } = await start(t, true);
  const send = (change: Record<string, unknown>) =>
    refusal(call(server, 'sendInvoice', { ...order, ...change }));
  const required = (name: string) => `400 Bad Request: parameter "${name}" is required`;
  const price = (amount: number) => ({ prices: [{ label: 'x', amount }] });
  const buttons = (...inline_keyboard: unknown[]) => ({ reply_markup: { inline_keyboard } });
  assert.equal(await send({ title: '' }), required('title'));
  assert.match(await send({ title: 'x'.repeat(33) }), /^400 .*TITLE/);
  assert.match(await send({ description: 'x'.repeat(256) }), /^400 .*DESCRIPTION/);
  assert.equal(await send({ payload: 'д'.repeat(65) }), '400 Bad Request: INVOICE_PAYLOAD_INVALID');
  assert.equal(await send({ provider_token: 'x:y' }), '400 Bad Request: STARS_INVOICE_INVALID');
  assert.equal(
    await send({ prices: [...order.prices, ...order.prices] }),
    '400 Bad Request: STARS_INVOICE_INVALID',
  );
  assert.match(await send(price(0)), /total price must be positive/);
  assert.match(await send(price(10_001)), /CURRENCY_TOTAL_AMOUNT_INVALID/);
  assert.match(await send({ currency: 'EUR' }), /CURRENCY_INVALID/);
  const no = { text: 'No', callback_data: 'no' };
  const pay = { text: 'Pay', pay: true };
  assert.match(await send(buttons([no])), /REPLY_MARKUP_BUY_EMPTY/);
  assert.match(await send(buttons([no], [pay])), /BUTTON_TYPE_INVALID/);
  const elsewhere = { chat_id: ann, text: 'x', ...buttons([pay]) };
  assert.match(await refusal(call(server, 'sendMessage', elsewhere)), /BUTTON_TYPE_INVALID/);
});
