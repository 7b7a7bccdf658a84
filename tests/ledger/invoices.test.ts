import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { eq } from 'drizzle-orm';
import { orders, people } from '../../src/db/schema.ts';
import { invoices as invoiceRows } from '../../src/db/stars-schema.ts';
import type { OrderState } from '../../src/domain/order-state.ts';
import { NO_STARS, stars } from '../../src/domain/stars.ts';
import { createInvoices, type Invoice, type Invoices } from '../../src/ledger/invoices.ts';
import { createPayments } from '../../src/ledger/payments.ts';
import { createSales } from '../../src/people/sales.ts';
import { addPerson, openTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let invoices: Invoices;

before(async () => {
  database = await openTestDatabase();
  invoices = createInvoices({ db: database.db });
});
after(() => database.close());

describe('opening', () => {
  test('makes an invoice of a day, with an id that says nothing and fits Telegram', async () => {
    const personId = await addPerson(database.db);
    const invoice = await invoices.open({ personId, amountXtr: 50 });
    assert.match(invoice.id, /^[\w-]{22}$/);
    assert.equal(invoice.state, 'open');
    assert.equal(invoice.order, null);
    const hours = (invoice.expiresAt.getTime() - Date.now()) / 3_600_000;
    assert.ok(hours > 23.9 && hours <= 24);
    assert.deepEqual(await invoices.find(invoice.id), invoice);
  });

  test('for an order keeps what was offered, and leaves one invoice to be paid', async () => {
    const personId = await addPerson(database.db);
    const order = await offer(personId);
    const first = await invoices.open({ personId, amountXtr: 5, order });
    const second = await invoices.open({ personId, amountXtr: 6, order });
    assert.deepEqual(second.order, order);
    assert.equal((await invoices.find(first.id))?.state, 'cancelled');
    assert.equal((await invoices.find(second.id))?.state, 'open');
  });

  test('ten at once for one order leaves one to be paid', async () => {
    const personId = await addPerson(database.db);
    const order = await offer(personId);
    const opened = await Promise.all(
      Array.from({ length: 10 }, () => invoices.open({ personId, amountXtr: 5, order })),
    );
    const found = await Promise.all(opened.map(({ id }) => invoices.find(id)));
    assert.equal(found.filter((invoice) => invoice?.state === 'open').length, 1);
  });

  test('plain top-ups side by side is fine, but not twice the same', async () => {
    const personId = await addPerson(database.db);
    const other = await invoices.open({ personId: await addPerson(database.db), amountXtr: 50 });
    const order = await invoices.open({ personId, amountXtr: 50, order: await offer(personId) });
    const hundred = await invoices.open({ personId, amountXtr: 100 });
    const fifties = await Promise.all(
      Array.from({ length: 10 }, () => invoices.open({ personId, amountXtr: 50 })),
    );
    const found = await Promise.all(fifties.map(({ id }) => invoices.find(id)));
    assert.equal(found.filter((invoice) => invoice?.state === 'open').length, 1);
    for (const { id } of [other, order, hundred]) {
      assert.equal((await invoices.find(id))?.state, 'open');
    }
  });
});

describe('a checkout', () => {
  test('of an open invoice by its person is fine', async () => {
    assert.equal(await ask(await anInvoice()), 'ok');
  });

  test('with an invented payload is unknown', async () => {
    const invoice = await anInvoice();
    assert.equal(await ask(invoice, { payload: randomUUID() }), 'unknown');
    assert.equal(await ask(invoice, { payload: "' or 1=1 --" }), 'unknown');
  });

  test('by somebody else is refused before anything is told of it', async () => {
    const invoice = await anInvoice();
    const stranger = await addPerson(database.db);
    assert.equal(await ask(invoice, { personId: stranger }), 'another_person');
    assert.equal(
      await ask(invoice, { personId: stranger, amountXtr: 1, currency: 'EUR' }),
      'another_person',
    );
  });

  test('of another amount or currency is refused', async () => {
    const invoice = await anInvoice();
    assert.equal(await ask(invoice, { amountXtr: 49 }), 'other_amount');
    assert.equal(await ask(invoice, { amountXtr: 51 }), 'other_amount');
    assert.equal(await ask(invoice, { currency: 'USD' }), 'other_currency');
  });

  test('of one that was paid, cancelled or expired says which', async () => {
    const paid = await anInvoice();
    await pay(paid);
    assert.equal(await ask(paid), 'used');
    const cancelled = await anInvoice();
    assert.equal(await invoices.cancel(cancelled.id, cancelled.personId), true);
    assert.equal(await ask(cancelled), 'withdrawn');
    const replaced = await anInvoice();
    await invoices.open({ personId: replaced.personId, amountXtr: replaced.amountXtr });
    assert.equal(await ask(replaced), 'withdrawn');
    const expired = await anInvoice();
    await age(expired.id);
    assert.equal(await ask(expired), 'expired', 'also before anybody swept it');
    await invoices.takeDown(100);
    assert.equal(await ask(expired), 'expired');
  });

  test('by somebody banned is refused', async () => {
    const invoice = await anInvoice();
    await database.db
      .update(people)
      .set({ bannedAt: new Date() })
      .where(eq(people.id, invoice.personId));
    assert.equal(await ask(invoice), 'banned');
  });

  test('while sales are paused is refused, and fine again afterwards', async () => {
    const invoice = await anInvoice();
    const sales = createSales({ db: database.db });
    await sales.pause(1, 'stock-taking');
    assert.equal(await ask(invoice), 'paused');
    await sales.resume();
    assert.equal(await ask(invoice), 'ok');
  });

  for (const [state, answer] of [
    ['quoted', 'ok'],
    ['draft', 'cancelled'],
    ['cancelled', 'cancelled'],
    ['queued', 'used'],
    ['delivered', 'used'],
    ['failed', 'used'],
  ] as const) {
    test(`for an order that is ${state} by now: ${answer}`, async () => {
      const personId = await addPerson(database.db);
      const order = await offer(personId, state);
      assert.equal(await ask(await invoices.open({ personId, amountXtr: 50, order })), answer);
    });
  }
});

test('an invoice for a mode that was dropped for another may not be paid', async () => {
  const personId = await addPerson(database.db);
  const order = await offer(personId);
  const invoice = await invoices.open({ personId, amountXtr: 50, order });
  const choose = (mode: 'loop' | 'seamless') =>
    database.db.update(orders).set({ mode }).where(eq(orders.id, order.orderId));
  await choose('seamless');
  assert.equal(await ask(invoice), 'cancelled');
  await choose('loop');
  assert.equal(await ask(invoice), 'ok');
});

describe('cancelling', () => {
  test('is for its own person, once, and never after it was paid', async () => {
    const invoice = await anInvoice();
    const stranger = await addPerson(database.db);
    assert.equal(await invoices.cancel(invoice.id, stranger), false);
    assert.equal(await invoices.cancel(invoice.id, invoice.personId), true);
    assert.equal(await invoices.cancel(invoice.id, invoice.personId), false);
    const paid = await anInvoice();
    await pay(paid);
    assert.equal(await invoices.cancel(paid.id, paid.personId), false);
    assert.equal((await invoices.find(paid.id))?.state, 'paid');
  });

  test('those of an order leaves the others alone', async () => {
    const personId = await addPerson(database.db);
    const order = await offer(personId);
    const of = await invoices.open({ personId, amountXtr: 5, order });
    const other = await invoices.open({ personId, amountXtr: 5 });
    await invoices.cancelOf(order.orderId);
    assert.equal((await invoices.find(of.id))?.state, 'cancelled');
    assert.equal((await invoices.find(other.id))?.state, 'open');
  });
});

test('messages of closed invoices are named until they are gone, those of open ones never', async () => {
  const [open, paid, cancelled, expired, unsent] = [
    await anInvoice(11),
    await anInvoice(12),
    await anInvoice(13),
    await anInvoice(14),
    await anInvoice(),
  ];
  await pay(paid);
  await invoices.cancel(cancelled.id, cancelled.personId);
  await age(expired.id);
  await invoices.cancel(unsent.id, unsent.personId);
  const ids = [open, paid, cancelled, expired, unsent].map(({ id }) => id);
  const named = async () =>
    (await invoices.takeDown(1000))
      .filter(({ invoiceId }) => ids.includes(invoiceId))
      .map(({ messageId, state }) => `${messageId} ${state}`);
  assert.deepEqual(await named(), ['12 paid', '13 cancelled', '14 expired']);
  assert.deepEqual(await named(), ['12 paid', '13 cancelled', '14 expired'], 'nothing is lost');
  await invoices.messageGone(paid.id);
  await invoices.messageGone(expired.id);
  assert.deepEqual(await named(), ['13 cancelled']);
  await invoices.setMessage(unsent.id, 15);
  assert.deepEqual(await named(), ['13 cancelled', '15 cancelled'], 'sent when it was too late');
});

async function anInvoice(messageId?: number): Promise<Invoice> {
  const personId = await addPerson(database.db);
  const invoice = await invoices.open({ personId, amountXtr: 50 });
  if (messageId !== undefined) await invoices.setMessage(invoice.id, messageId);
  return invoice;
}

function ask(
  { id, personId, amountXtr }: Invoice,
  change: Partial<Parameters<Invoices['check']>[0]> = {},
) {
  return invoices.check({ payload: id, personId, amountXtr, currency: 'XTR', ...change });
}

async function pay({ id, personId, amountXtr }: Invoice): Promise<void> {
  const payments = createPayments({ db: database.db, referralBonus: NO_STARS });
  const told = { chargeId: randomUUID(), personId, amountXtr, payload: id, paidAt: new Date() };
  assert.equal((await payments.book(told)).kind, 'booked');
}

async function age(id: string): Promise<void> {
  await database.db
    .update(invoiceRows)
    .set({ expiresAt: new Date(Date.now() - 1) })
    .where(eq(invoiceRows.id, id));
}

async function offer(personId: number, state: OrderState = 'quoted') {
  const orderId = randomUUID();
  const confirmed = !['draft', 'quoted', 'cancelled'].includes(state);
  await database.db.insert(orders).values({
    ...{ id: orderId, personId, serviceType: 'image_morphing', state },
    confirmedAt: confirmed ? new Date() : null,
  });
  return { orderId, mode: 'loop', price: stars(4500) } as const;
}
