import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { eq, sql } from 'drizzle-orm';
import { orders, people } from '../../src/db/schema.ts';
import { payments as paymentRows } from '../../src/db/stars-schema.ts';
import { stars } from '../../src/domain/stars.ts';
import { createInvoices, type Invoices } from '../../src/ledger/invoices.ts';
import { createLedger, type Ledger } from '../../src/ledger/ledger.ts';
import {
  type BookedPayment,
  type Booking,
  createPayments,
  type Payments,
  type ToldPayment,
} from '../../src/ledger/payments.ts';
import { addPerson, openTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let ledger: Ledger;
let invoices: Invoices;
let payments: Payments;

before(async () => {
  database = await openTestDatabase();
  const { db } = database;
  ledger = createLedger({ db });
  invoices = createInvoices({ db });
  payments = createPayments({ db, referralBonus: stars(1000) });
});
after(() => database.close());

describe('a payment', () => {
  test('is on the balance, its invoice paid, and its consequences named', async () => {
    const personId = await addPerson(database.db);
    const order = await offer(personId);
    const { id } = await invoices.open({ personId, amountXtr: 50, order });
    const booked = expectBooked(await payments.book(told(personId, { payload: id })));
    assert.equal(booked.balance, 5000);
    assert.deepEqual(booked.invoice?.order, order);
    assert.equal(booked.invoice?.state, 'paid');
    assert.equal(booked.repeated, false);
    assert.equal(booked.firstTopUp, true);
    assert.equal(booked.bonus, null);
    assert.equal(booked.payment.source, 'update');
    const [line] = await ledger.statement(personId, 10);
    assert.deepEqual([line?.kind, line?.source, line?.amount], ['top_up', 'payment', 5000]);
  });

  test('that is told again changes nothing and says the same', async () => {
    const personId = await addPerson(database.db);
    const { id } = await invoices.open({ personId, amountXtr: 50 });
    const payment = told(personId, { payload: id });
    const first = expectBooked(await payments.book(payment));
    const second = await payments.book(payment, 'reconciled');
    assert.equal(second.kind, 'already');
    assert.deepEqual(second, { ...first, kind: 'already' });
    assert.equal(await ledger.balance(personId), 5000);
  });

  test('of an invoice that was paid before is credited, and called repeated', async () => {
    const personId = await addPerson(database.db);
    const { id } = await invoices.open({ personId, amountXtr: 50 });
    await payments.book(told(personId, { payload: id }));
    const again = expectBooked(await payments.book(told(personId, { payload: id })));
    assert.equal(again.repeated, true);
    assert.equal(again.firstTopUp, false);
    assert.equal(again.balance, 10_000);
  });

  test('of an invoice that was cancelled or expired meanwhile is credited and marked paid', async () => {
    const personId = await addPerson(database.db);
    const { id } = await invoices.open({ personId, amountXtr: 50 });
    await invoices.cancel(id, personId);
    const booked = expectBooked(await payments.book(told(personId, { payload: id })));
    assert.equal(booked.invoice?.state, 'paid');
    assert.equal(booked.balance, 5000);
  });

  for (const [title, forge] of [
    ['an invented payload', () => ({ payload: randomUUID() })],
    ['no payload', () => ({ payload: null })],
    ['another amount than the invoice', (id: string) => ({ payload: id, amountXtr: 49 })],
  ] as const) {
    test(`with ${title} is credited and pays no invoice`, async () => {
      const personId = await addPerson(database.db);
      const { id } = await invoices.open({ personId, amountXtr: 50 });
      const payment = told(personId, forge(id));
      const booked = expectBooked(await payments.book(payment));
      assert.equal(booked.invoice, null);
      assert.equal(booked.balance, payment.amountXtr * 100);
      assert.equal((await invoices.find(id))?.state, 'open');
    });
  }

  test("with another person's payload is credited to who paid, and pays no invoice", async () => {
    const owner = await addPerson(database.db);
    const { id } = await invoices.open({ personId: owner, amountXtr: 50 });
    const payer = await addPerson(database.db);
    const booked = expectBooked(await payments.book(told(payer, { payload: id })));
    assert.equal(booked.invoice, null);
    assert.equal(booked.balance, 5000);
    assert.equal(await ledger.balance(owner), 0);
    assert.equal((await invoices.find(id))?.state, 'open');
  });

  test('of somebody nobody met waits until they are', async () => {
    assert.deepEqual(await payments.book(told(1)), { kind: 'unknown_person' });
  });

  test('whose charge id stands for another person or amount is a conflict', async () => {
    const personId = await addPerson(database.db);
    const payment = told(personId);
    await payments.book(payment);
    const other = await addPerson(database.db);
    for (const forged of [
      { ...payment, amountXtr: 5000 },
      { ...payment, personId: other },
    ]) {
      assert.equal((await payments.book(forged)).kind, 'conflict');
    }
    assert.equal(await ledger.balance(other), 0);
    assert.equal(await ledger.balance(personId), 5000);
  });

  test('of nothing, of less or of a part of an XTR is refused', async () => {
    const personId = await addPerson(database.db);
    for (const amountXtr of [0, -50, 0.5]) {
      await assert.rejects(payments.book(told(personId, { amountXtr })), RangeError);
    }
    assert.deepEqual(await ledger.statement(personId, 1), []);
  });

  test('stays as it was written: the database refuses to rewrite it', async () => {
    const { chargeId } = expectBooked(
      await payments.book(told(await addPerson(database.db))),
    ).payment;
    for (const statement of [
      sql`update payments set amount_xtr = 1 where charge_id = ${chargeId}`,
      sql`update payments set person_id = 1 where charge_id = ${chargeId}`,
      sql`delete from payments where charge_id = ${chargeId}`,
      sql`truncate payments cascade`,
    ]) {
      await assert.rejects(database.db.execute(statement), (error: Error) =>
        /payments is never rewritten/.test(String(error.cause)),
      );
    }
  });
});

describe('the bonus for an invitation', () => {
  test('is paid for the first payment of whoever came, and for no other', async () => {
    const { inviter, invited } = await invite();
    const first = expectBooked(await payments.book(told(invited)));
    assert.deepEqual(first.bonus, { personId: inviter, amount: 1000 });
    const second = expectBooked(await payments.book(told(invited)));
    assert.equal(second.bonus, null);
    assert.equal(await ledger.balance(inviter), 1000);
    const [line] = await ledger.statement(inviter, 1);
    assert.equal(line?.source, 'referral');
  });

  test('is paid once by twenty first payments at once', async () => {
    const { inviter, invited } = await invite();
    const bookings = await Promise.all(
      Array.from({ length: 20 }, () => payments.book(told(invited))),
    );
    assert.equal(bookings.map(expectBooked).filter(({ bonus }) => bonus !== null).length, 1);
    assert.equal(bookings.map(expectBooked).filter(({ firstTopUp }) => firstTopUp).length, 1);
    assert.equal(await ledger.balance(inviter), 1000);
    assert.equal(await ledger.balance(invited), 100_000);
  });

  test('is paid to each along a chain of invitations that pay at once', async () => {
    const chain = [await addPerson(database.db)];
    for (let link = 0; link < 6; link++) {
      const [inviter = 0] = chain;
      chain.unshift(await addPerson(database.db));
      await database.db
        .update(people)
        .set({ invitedBy: inviter })
        .where(eq(people.id, chain[0] ?? 0));
    }
    await Promise.all(chain.flatMap((id) => [payments.book(told(id)), payments.book(told(id))]));
    const balances = await Promise.all(chain.map((id) => ledger.balance(id)));
    assert.deepEqual(balances, [10_000, ...Array.from({ length: 6 }, () => 11_000)]);
  });

  test('may be nothing at all', async () => {
    const { inviter, invited } = await invite();
    const stingy = createPayments({ db: database.db, referralBonus: stars(0) });
    assert.equal(expectBooked(await stingy.book(told(invited))).bonus, null);
    assert.deepEqual(await ledger.statement(inviter, 1), []);
  });
});

test('payments are listed the newest first, page by page, with where they went', async () => {
  const personId = await addPerson(database.db);
  for (const amountXtr of [1, 2, 3]) {
    const paidAt = new Date(Date.now() - 1000 * (10 - amountXtr));
    await payments.book(told(personId, { amountXtr, paidAt }));
  }
  const amounts = async (query: { limit: number; offset?: number }) =>
    (await payments.list({ personId, ...query })).map(({ amountXtr }) => amountXtr);
  assert.deepEqual(await amounts({ limit: 2 }), [3, 2]);
  assert.deepEqual(await amounts({ limit: 2, offset: 2 }), [1]);
  assert.ok((await payments.list({ limit: 100 })).length >= 3, 'of everybody');
});

test('what follows a payment is named until one caller has settled it', async () => {
  const personId = await addPerson(database.db);
  const { payment } = expectBooked(await payments.book(told(personId), 'reconciled'));
  const { chargeId } = payment;
  const isNamed = async (olderThanMs: number) => {
    const left = await payments.unsettled({ olderThanMs, limit: 1000 });
    return left.some((booked) => booked.payment.chargeId === chargeId);
  };
  assert.equal(await isNamed(60_000), false, 'whoever booked it is still at it');
  assert.equal(await isNamed(0), true);
  const settled = await Promise.all(Array.from({ length: 10 }, () => payments.settle(chargeId)));
  assert.equal(settled.filter(Boolean).length, 1);
  assert.equal(await isNamed(0), false);
  const [row] = await database.db
    .select()
    .from(paymentRows)
    .where(eq(paymentRows.chargeId, chargeId));
  assert.ok(row?.settledAt);
});

function told(personId: number, change: Partial<ToldPayment> = {}): ToldPayment {
  return {
    ...{ chargeId: randomUUID(), personId, amountXtr: 50, payload: null, paidAt: new Date() },
    ...change,
  };
}

function expectBooked(booking: Booking): BookedPayment & { readonly kind: 'booked' } {
  assert.ok(booking.kind === 'booked', booking.kind);
  return { ...booking, kind: 'booked' };
}

async function invite() {
  const inviter = await addPerson(database.db);
  const invited = await addPerson(database.db);
  await database.db.update(people).set({ invitedBy: inviter }).where(eq(people.id, invited));
  return { inviter, invited };
}

async function offer(personId: number) {
  const orderId = randomUUID();
  await database.db
    .insert(orders)
    .values({ id: orderId, personId, serviceType: 'image_morphing', state: 'quoted' });
  return { orderId, mode: 'loop', price: stars(4500) } as const;
}
