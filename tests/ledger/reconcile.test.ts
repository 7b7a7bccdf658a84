import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import { eq, sql } from 'drizzle-orm';
import { people } from '../../src/db/schema.ts';
import { payments as paymentRows, starCursor, starRefunds } from '../../src/db/stars-schema.ts';
import { NO_STARS } from '../../src/domain/stars.ts';
import { createLedger, type Ledger } from '../../src/ledger/ledger.ts';
import { createPayments, type Payments } from '../../src/ledger/payments.ts';
import { createReconciler, type Reconciler } from '../../src/ledger/reconcile.ts';
import { createStarRefunds, type StarRefunds } from '../../src/ledger/star-refunds.ts';
import type { StarTransaction } from '../../src/ledger/star-transaction.ts';
import { addPerson, openTestDatabase, type TestDatabase } from '../support/database.ts';
import { createTelegramBooks, type TelegramBooks } from './telegram-books.ts';

/** A tenth of Telegram's longest. */
const PAGE = 10;

let database: TestDatabase;
let ledger: Ledger;
let payments: Payments;
let refunds: StarRefunds;
let reconciler: Reconciler;
let telegram: TelegramBooks;
let personId: number;

before(async () => {
  database = await openTestDatabase();
});
after(() => database.close());

// Each test has the whole list of transactions, and so empty books, for itself.
beforeEach(async () => {
  const { db } = database;
  await db.transaction(async (tx) => {
    // Else the triggers that keep the books would keep them.
    await tx.execute(sql`set local session_replication_role = replica`);
    await tx.execute(sql`truncate ${people}, ${starCursor} restart identity cascade`);
  });
  ledger = createLedger({ db });
  payments = createPayments({ db, referralBonus: NO_STARS });
  refunds = createStarRefunds({ db });
  reconciler = createReconciler({ db, payments, refunds, pageSize: PAGE });
  telegram = createTelegramBooks(randomUUID());
  personId = await addPerson(db);
});

describe('comparing', () => {
  test('credits what the bot missed, takes what went back, and then agrees', async () => {
    const told = telegram.pay(personId, 50, null);
    await book(told);
    const missed = telegram.pay(personId, 100, 'payload');
    telegram.refund(personId, told.id);
    const first = await reconciler.run(telegram.fetch);
    assert.deepEqual(
      first.credited.map(({ payment }) => [payment.chargeId, payment.source, payment.invoiceId]),
      [[missed.id, 'reconciled', 'payload']],
    );
    assert.deepEqual(first.reversed, [{ chargeId: told.id, personId, amountXtr: 50 }]);
    assert.deepEqual(first.differences, []);
    assert.equal(first.compared, 3);
    assert.equal(await ledger.balance(personId), 10_000);
    const second = await reconciler.run(telegram.fetch);
    assert.deepEqual(second, {
      ...{ compared: 3, credited: [], reversed: [], confirmed: 0, differences: [] },
    });
  });

  test('confirms a refund that Telegram made and whose answer was lost', async () => {
    const payment = telegram.pay(personId, 50, null);
    await book(payment);
    await refunds.request({ chargeId: payment.id, by: { kind: 'person', personId } });
    telegram.refund(personId, payment.id);
    const { confirmed, reversed } = await reconciler.run(telegram.fetch);
    assert.deepEqual([confirmed, reversed.length], [1, 0]);
    assert.equal((await payments.find(payment.id))?.refund, 'confirmed');
    assert.deepEqual(await refunds.take(10), []);
  });

  test('ten times at once credits once', async () => {
    telegram.pay(personId, 50, null);
    const runs = await Promise.all(
      Array.from({ length: 10 }, () => reconciler.run(telegram.fetch)),
    );
    assert.equal(runs.flatMap(({ credited }) => credited).length, 1);
    assert.equal(await ledger.balance(personId), 5000);
  });

  test('passes over what is no payment of a person', async () => {
    const withdrawal = { id: 'w', direction: 'out', amountXtr: 1000, personId: null } as const;
    const result = await reconciler.reconcile([{ ...withdrawal, payload: null, at: new Date() }]);
    assert.deepEqual([result.compared, result.differences], [1, []]);
  });
});

describe('what cannot be explained is a difference:', () => {
  test('another amount or person than the books have', async () => {
    const [amount, person] = [telegram.pay(personId, 50, null), telegram.pay(personId, 60, null)];
    await book(amount);
    await book(person);
    const stranger = await addPerson(database.db);
    const { differences } = await reconciler.reconcile([
      { ...amount, amountXtr: 51 },
      { ...person, personId: stranger },
      { ...person, direction: 'out', amountXtr: 1 },
    ]);
    assert.deepEqual(
      differences.map(({ kind, direction, ours, telegrams }) => [
        ...[kind, direction, ours?.personId, ours?.amountXtr],
        ...[telegrams?.personId, telegrams?.amountXtr],
      ]),
      [
        ['amount', 'in', personId, 50, personId, 51],
        ['person', 'in', personId, 60, stranger, 60],
        ['amount', 'out', personId, 60, personId, 1],
      ],
    );
    assert.equal(await ledger.balance(personId), 11_000);
    assert.equal(await ledger.balance(stranger), 0);
  });

  test('a payment of somebody nobody met, until they are', async () => {
    const { id } = telegram.pay(1, 50, null);
    const { differences } = await reconciler.run(telegram.fetch);
    assert.deepEqual(differences, [
      {
        ...{ kind: 'unknown_person', chargeId: id, direction: 'in', ours: null },
        telegrams: { personId: 1, amountXtr: 50 },
      },
    ]);
  });

  test('a line that the books refuse, which keeps no other line from them', async () => {
    const nothing = telegram.pay(personId, 0, null);
    const payment = telegram.pay(personId, 50, null);
    for (let index = 0; index < 12; index++) telegram.pay(personId, 1, null);
    const first = await reconciler.run(telegram.fetch);
    assert.equal(first.credited.length, 13);
    assert.ok(first.credited.some((booked) => booked.payment.chargeId === payment.id));
    const { differences } = await reconciler.run(telegram.fetch);
    assert.deepEqual(
      differences.map(({ kind, chargeId }) => [kind, chargeId]),
      [['not_booked', nothing.id]],
      'it is tried again',
    );
    assert.match(differences[0]?.error ?? '', /more than 0/);
  });

  test('a refund of a payment that neither side has', async () => {
    const at = new Date();
    const { differences } = await reconciler.reconcile([
      { id: 'x', direction: 'out', amountXtr: 50, personId, payload: null, at },
    ]);
    assert.deepEqual(
      differences.map(({ kind }) => kind),
      ['unknown_payment'],
    );
  });

  test('a payment or a refund that Telegram does not have, once it had the time to', async () => {
    const forged = { id: 'forged', direction: 'in', amountXtr: 50, personId } as const;
    await book({ ...forged, payload: null, at: new Date() });
    const payment = telegram.pay(personId, 60, null);
    await book(payment);
    await refunds.request({ chargeId: payment.id, by: { kind: 'person', personId } });
    const [due] = await refunds.take(1);
    await refunds.markSent(due?.id ?? 0);
    assert.deepEqual((await reconciler.run(telegram.fetch)).differences, [], 'they are young');

    const earlier = new Date(Date.now() - 600_000);
    await database.db
      .update(paymentRows)
      .set({ createdAt: earlier })
      .where(eq(paymentRows.chargeId, 'forged'));
    await database.db.update(starRefunds).set({ sentAt: earlier });
    const { differences } = await reconciler.run(telegram.fetch);
    assert.deepEqual(
      differences.map(({ kind, chargeId }) => [kind, chargeId]),
      [
        ['payment_not_at_telegram', 'forged'],
        ['refund_not_at_telegram', payment.id],
      ],
    );
  });
});

describe('paging', () => {
  test('reads the whole list the first time, then what is new and a page of known lines again', async () => {
    for (let index = 0; index < 23; index++) telegram.pay(personId, 1, null);
    const asked: string[] = [];
    const fetch = (offset: number, limit: number) => {
      asked.push(`${offset}+${limit}`);
      return telegram.fetch(offset, limit);
    };
    assert.equal((await reconciler.run(fetch)).credited.length, 23);
    telegram.pay(personId, 1, null);
    assert.equal((await reconciler.run(fetch)).credited.length, 1);
    await reconciler.run(fetch, { whole: true });
    assert.deepEqual(asked, [
      ...['0+10', '10+10', '20+10'],
      ...['13+10', '23+10'],
      ...['0+10', '10+10', '20+10'],
    ]);
    assert.equal(await ledger.balance(personId), 2400);
  });

  test('begins anew with a list that is shorter than it was', async () => {
    for (let index = 0; index < 12; index++) telegram.pay(personId, 1, null);
    await reconciler.run(telegram.fetch);
    const other = createTelegramBooks(randomUUID());
    other.pay(personId, 7, null);
    assert.equal((await reconciler.run(other.fetch)).credited.length, 1);
    other.pay(personId, 8, null);
    assert.equal((await reconciler.run(other.fetch)).credited.length, 1);
  });

  test('begins anew with a list that is another one, however long it is', async () => {
    for (let index = 0; index < 15; index++) telegram.pay(personId, 1, null);
    await reconciler.run(telegram.fetch);
    const other = createTelegramBooks(randomUUID());
    for (let index = 0; index < 25; index++) other.pay(personId, 1, null);
    assert.equal((await reconciler.run(other.fetch)).credited.length, 25);
    assert.equal((await reconciler.run(other.fetch)).compared, PAGE);
  });

  test('reads the lines of people nobody met until they were booked, however many follow', async () => {
    const stranger = await addPerson(database.db);
    await database.db.delete(people).where(eq(people.id, stranger));
    for (let index = 0; index < 13; index++) telegram.pay(personId, 1, null);
    telegram.pay(stranger, 50, null);
    for (let index = 0; index < 23; index++) telegram.pay(personId, 1, null);
    telegram.pay(stranger, 70, null);
    for (let index = 0; index < 3; index++) {
      const { differences } = await reconciler.run(telegram.fetch);
      assert.deepEqual(
        differences.map(({ kind, telegrams }) => [kind, telegrams?.amountXtr]),
        [
          ['unknown_person', 50],
          ['unknown_person', 70],
        ],
      );
    }
    await database.db.insert(people).values({ id: stranger, firstName: 'Met', language: 'en' });
    const { credited, differences, compared } = await reconciler.run(telegram.fetch);
    assert.deepEqual([credited.length, differences.length, compared], [2, 0, 35]);
    assert.equal(await ledger.balance(stranger), 12_000);
    assert.equal((await reconciler.run(telegram.fetch)).compared, PAGE, 'and no further');
  });

  test('that fails half-way books nothing and is made up for the next time', async () => {
    for (let index = 0; index < 12; index++) telegram.pay(personId, 1, null);
    const broken = (offset: number, limit: number) =>
      offset > 0 ? Promise.reject(new Error('502')) : telegram.fetch(offset, limit);
    await assert.rejects(reconciler.run(broken), /502/);
    assert.equal((await reconciler.run(telegram.fetch)).credited.length, 12);
  });
});

async function book(line: StarTransaction): Promise<void> {
  assert.ok(line.personId !== null);
  const { id: chargeId, personId, amountXtr, payload, at: paidAt } = line;
  const booking = await payments.book({ chargeId, personId, amountXtr, payload, paidAt });
  assert.equal(booking.kind, 'booked');
}
