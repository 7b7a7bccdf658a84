import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CheckoutAnswer } from '../../src/ledger/invoices.ts';
import type { Person } from '../support/chat.ts';
import { createFakeBooks } from '../support/fake-books.ts';
import { payloadAt, preparePayments } from './payments-rig.ts';
import { DatabaseDown, FAST, pictures, type Rig, startRig, until } from './rig.ts';

const start = preparePayments();

describe('a pre-checkout is refused, in kind words,', () => {
  test('for another person, as with a forwarded invoice', async (t) => {
    const rig = await start(t);
    const ann = await rig.somebody();
    const eve = await rig.somebody({ language: 'ru' });
    const messageId = await invoiceFor(ann);
    const outcome = await rig.server.pay(eve.id, { chatId: ann.id, messageId });
    assert.match(reason(outcome), /чужой счёт. Ничего не списано/);
    assert.equal((await rig.server.pay(ann.id, messageId)).kind, 'paid');
    assert.equal(await rig.balance(eve.id), 0);
  });

  test('for another amount, another currency, and an invoice that nobody sent', async (t) => {
    const rig = await start(t, { allowViolations: true });
    const ann = await rig.somebody();
    const payload = payloadAt(rig, ann, await invoiceFor(ann));
    for (const [query, words] of [
      [{ total_amount: 1 }, /amount is not that of the invoice/],
      [{ currency: 'USD' as 'XTR' }, /Telegram Stars only/],
      [{ invoice_payload: 'forged' }, /do not know this invoice/],
      [{ invoice_payload: `${payload}'; drop table invoices` }, /do not know this invoice/],
    ] as const) {
      const asked = { currency: 'XTR' as const, total_amount: 50, invoice_payload: payload };
      assert.match(await ask(rig, ann, { ...asked, ...query }), words);
    }
  });

  test('for an invoice that was cancelled or has expired, which is then taken down', async (t) => {
    const rig = await start(t);
    const ann = await rig.somebody();
    const messageId = await invoiceFor(ann);
    await rig.books.invoices.cancel(payloadAt(rig, ann, messageId), ann.id);
    assert.match(reason(await rig.server.pay(ann.id, messageId)), /was taken back/);
    await ann.waitUntilGone({ has: 'invoice' });
  });

  test('for somebody banned', async (t) => {
    const rig = await start(t);
    const ann = await rig.somebody();
    rig.deps.books.invoices.check = async () => 'banned';
    const outcome = await rig.server.pay(ann.id, await invoiceFor(ann));
    assert.match(reason(outcome), /cannot order or pay here at the moment/);
  });
});

describe('a pre-checkout is answered within a second', () => {
  test('while a handler of the same chat hangs and photos keep coming', async (t) => {
    const { rig, ann, check } = await withChecks(t);
    rig.orders.intake = () => new Promise(() => undefined);
    rig.orders.findOpen = () => new Promise(() => undefined);
    ann.say('/status');
    ann.sendPhotos(await pictures(40), { album: true });
    check('ok');
    const began = Date.now();
    assert.equal(await ask(rig, ann, QUERY), 'ok');
    assert.ok(Date.now() - began < 1_000, `${Date.now() - began} ms`);
    await rig.bot.stop(1);
  });

  test('with a no when the books do not answer, or the database is away', async (t) => {
    const { rig, ann, check } = await withChecks(t);
    const words = /could not look into the books.*Nothing was charged/;
    for (const answer of [new Promise<never>(() => undefined), new DatabaseDown('gone')] as const) {
      check(answer);
      const began = Date.now();
      assert.match(await ask(rig, ann, QUERY), words);
      assert.ok(Date.now() - began < 1_000, `${Date.now() - began} ms`);
    }
  });

  test('while the inbox cannot be written, and once', async (t) => {
    const { rig, ann, check } = await withChecks(t);
    ann.say('/start');
    await ann.waitForMessage({ has: 'animation' });
    rig.database.down = true;
    ann.say('/help');
    await sleep(60);
    check('ok');
    assert.equal(await ask(rig, ann, QUERY), 'ok');
    await sleep(100);
    assert.equal(calls(rig, 'answerPreCheckoutQuery').length, 1);
    rig.database.down = false;
    await ann.waitForMessage({ text: /How it works/ });
  });

  test('while the inbox neither takes nor refuses what came before', async (t) => {
    const { rig, ann, check } = await withChecks(t);
    ann.say('/start');
    await ann.waitForMessage({ has: 'animation' });
    const { store } = rig.deps.inbox;
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    rig.deps.inbox.store = async (batch) => {
      await held;
      return store(batch);
    };
    ann.say('/help');
    await sleep(60);
    check('ok');
    const began = Date.now();
    assert.equal(await ask(rig, ann, QUERY), 'ok');
    assert.ok(Date.now() - began < 1_000, `${Date.now() - began} ms`);
    release();
    await ann.waitForMessage({ text: /How it works/ });
    await sleep(100);
    assert.equal(calls(rig, 'answerPreCheckoutQuery').length, 1);
    const help = ann.messages().filter(({ text }) => /How it works/.test(text ?? ''));
    assert.equal(help.length, 1);
  });

  test('in spite of a Telegram that fails at first', async (t) => {
    const { rig, ann, check } = await withChecks(t);
    check('ok');
    rig.server.faults.add({ kind: '5xx', method: 'answerPreCheckoutQuery' });
    assert.equal(await ask(rig, ann, QUERY), 'ok');
  });
});

test('a pre-checkout that Telegram has given up does no harm', async (t) => {
  const { rig, ann, check } = await withChecks(t);
  check('ok');
  rig.server.pushUpdate(queryOf(ann, QUERY, 'unknown to the server'));
  await until(() => rig.logged.some((line) => line.includes('was not answered')));
  ann.say('/help');
  await ann.waitForMessage({ text: /How it works/ });
});

const QUERY = { currency: 'XTR', total_amount: 50, invoice_payload: 'x' } as const;

/** A bot whose books answer what a test says. */
async function withChecks(t: Parameters<typeof startRig>[0]) {
  const books = createFakeBooks();
  let next: CheckoutAnswer | Promise<CheckoutAnswer> | Error = 'unknown';
  books.invoices.check = async () => {
    if (next instanceof Error) throw next;
    return next;
  };
  const rig = await startRig(t, {
    timings: { payments: { ...FAST.payments, checkoutMs: 300 } },
    rooms: () => ({ books }),
  });
  const ann = rig.person(1, 'Ann');
  const check = (answer: typeof next) => {
    next = answer;
  };
  return { rig, ann, check };
}

/** Asks as Telegram does; gives `ok`, or the words of the refusal. */
async function ask(
  rig: Pick<Rig, 'server'>,
  person: Person,
  query: Parameters<typeof queryOf>[1],
): Promise<string> {
  const { id, ended } = rig.server.world.checkouts.open(10_000);
  rig.server.pushUpdate(queryOf(person, query, id));
  const end = await ended;
  if (end.kind !== 'answered') return end.kind;
  return end.answer.kind === 'agreed' ? 'ok' : end.answer.reason;
}

function queryOf(
  { id: personId }: Person,
  query: { currency: 'XTR'; total_amount: number; invoice_payload: string },
  id: string,
) {
  const from = { id: personId, is_bot: false, first_name: 'Ann', language_code: 'en' };
  return { pre_checkout_query: { id, from, ...query } };
}

/** Asks for a pack of 50 and gives the message of its invoice. */
async function invoiceFor(person: Person): Promise<number> {
  person.say('/topup');
  await person.press(/^50 ⭐$/);
  return (await person.waitForMessage({ has: 'invoice' })).message_id;
}

function reason(outcome: Awaited<ReturnType<Person['pay']>>): string {
  return outcome.kind === 'refused' ? outcome.reason : outcome.kind;
}

function calls({ server }: Pick<Rig, 'server'>, method: string) {
  return server.calls.filter((call) => call.method === method && call.status === 200);
}
