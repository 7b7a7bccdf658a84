import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eq, type SQL, sql } from 'drizzle-orm';
import type { Tx } from '../../src/db/database.ts';
import { orders, people, photos, steps } from '../../src/db/schema.ts';
import { invoices, starRefunds } from '../../src/db/stars-schema.ts';
import { stars } from '../../src/domain/stars.ts';
import { auditLedger, type Difference, formatAudit } from '../../src/ledger/audit.ts';
import { createLedger } from '../../src/ledger/ledger.ts';
import { createPayments } from '../../src/ledger/payments.ts';
import { createStarRefunds } from '../../src/ledger/star-refunds.ts';
import { createPromo } from '../../src/people/promo.ts';
import { addPerson, openTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
/** Somebody with 100.00 ⭐ and an order of two steps at 7.50 ⭐, one done, one replaced and refunded. */
let personId: number;
/**
 * Somebody who came by that person's link, paid an invoice of 50 XTR and one of 25 XTR, and asked for both
 * back: Telegram took the first and refused the second; and who used a promo code of 5.00 ⭐.
 */
let payerId: number;
/** The entry that took the first payment back. */
let reversalId: number;
const orderId = 'abc';

before(async () => {
  database = await openTestDatabase();
  personId = await addPerson(database.db);
  await writeOrder();
  payerId = await addPerson(database.db);
  await writePayments();
});
after(() => database.close());

test('sound books have no differences, and the totals of both sides agree', async () => {
  const report = await auditLedger(database.db);
  assert.deepEqual(report, {
    accounts: 2,
    entries: 11,
    totalBalance: stars(12_250),
    totalEntries: stars(12_250),
    payments: 2,
    totalPayments: stars(7500),
    totalReversed: stars(5000),
    waitingRefunds: 0,
    differences: [],
  });
  assert.equal(
    formatAudit(report),
    [
      'Accounts: 2, together 122.50 ⭐',
      'Entries: 11, together 122.50 ⭐',
      'Payments: 2, together 75.00 ⭐, of which 50.00 ⭐ went back',
      'Refunds waiting to be sent: 0',
      'No differences.',
      '',
    ].join('\n'),
  );
});

describe('a planted difference is found:', () => {
  finds(
    'a balance that was changed by hand',
    () => [sql`update accounts set balance = balance + 1 where person_id = ${personId}::bigint`],
    () => [difference('balance', `${personId}`, 9250, 9350)],
  );
  finds(
    'an account that was lost',
    () => [sql`delete from accounts where person_id = ${personId}::bigint`],
    () => [difference('balance', `${personId}`, 9250, 0)],
  );
  finds(
    'an entry that was changed',
    () => [sql`update ledger_entries set amount = 90 where idempotency_key = 'top-up'`],
    () => [difference('balance', `${personId}`, 8250, 9250)],
  );
  finds(
    'a refund above its charge',
    () => [
      sql`update ledger_entries set amount = 15.01 where kind = 'refund'`,
      sql`update accounts set balance = balance + 7.51 where person_id = ${personId}::bigint`,
      sql`update steps set price = 15.01 where state = 'replaced'`,
      sql`update steps set price = -0.01 where state = 'done'`,
    ],
    () => [difference('refund_exceeds_charge', `charge:${orderId}`, 1500, 1501)],
  );
  finds(
    'an order that was charged twice',
    () => [
      sql`insert into ledger_entries (person_id, kind, amount, idempotency_key, service_type, payment_method, order_id)
          values (${personId}::bigint, 'charge', -15, 'again', 'image_morphing', 'Internal', ${orderId})`,
      sql`update accounts set balance = balance - 15 where person_id = ${personId}::bigint`,
    ],
    () => [difference('order_charge', orderId, 1500, 3000)],
  );
  finds(
    'an order that was charged and never confirmed',
    () => [sql`update orders set confirmed_at = null`],
    () => [difference('order_charge', orderId, 0, 1500)],
  );
  finds(
    'a price that is neither the charge nor the sum of the steps',
    () => [sql`update orders set price = 16`],
    () => [
      difference('order_charge', orderId, 1600, 1500),
      difference('order_steps', orderId, 1600, 1500),
    ],
  );
  finds(
    'a failed step whose stars never came back',
    () => [sql`update steps set state = 'cancelled'`],
    () => [difference('step_refund', `${orderId}:0`, 750, 0)],
  );
  finds(
    'a step that was rendered and refunded all the same',
    () => [sql`update steps set state = 'done'`],
    () => [difference('step_refund', `${orderId}:1`, 0, 750)],
  );
  finds(
    'an order that failed and kept stars',
    () => [sql`update orders set state = 'failed'`],
    () => [difference('step_refund', `${orderId}:0`, 750, 0)],
  );
  finds(
    'a refund that belongs to no step',
    () => [
      sql`insert into ledger_entries (person_id, kind, amount, idempotency_key, payment_method, order_id, charge_id)
          select person_id, 'refund', 1, 'stray', 'Internal', order_id, id
            from ledger_entries where kind = 'charge'`,
      sql`update accounts set balance = balance + 1 where person_id = ${personId}::bigint`,
    ],
    () => [difference('order_refunds', orderId, 750, 850)],
  );
  finds(
    'a payment whose top-up is of another amount',
    () => [sql`update payments set amount_xtr = 51 where charge_id = 'first'`],
    () => [
      difference('invoice', 'invoice', 5000, 0),
      difference('payment_reversal', 'first', 5100, 5000),
      difference('payment_top_up', 'first', 5100, 5000),
      difference('star_refund', 'first', 5100, 5000),
    ],
  );
  finds(
    'a payment that topped up somebody else',
    () => [sql`update payments set person_id = ${personId}::bigint where charge_id = 'second'`],
    () => [
      difference('payment_top_up', 'payment:second', 0, 2500),
      difference('payment_top_up', 'second', 2500, 0),
    ],
  );
  finds(
    'a top-up that no payment brought',
    () => [
      sql`insert into ledger_entries (person_id, kind, amount, idempotency_key, payment_method)
          values (${payerId}::bigint, 'top_up', 7, 'payment:forged', 'TelegramStars')`,
      sql`update accounts set balance = balance + 7 where person_id = ${payerId}::bigint`,
    ],
    () => [difference('payment_top_up', 'payment:forged', 0, 700)],
  );
  finds(
    'a reversal that nobody asked for, above its payment',
    () => [
      sql`insert into ledger_entries (person_id, kind, amount, idempotency_key, payment_method, reverses_id)
          select person_id, 'reversal', -amount, 'reversal:again', 'TelegramStars', id
            from ledger_entries where idempotency_key = 'payment:first'`,
      sql`update accounts set balance = balance - 50 where person_id = ${payerId}::bigint`,
    ],
    () => [
      difference('payment_reversal', 'first', 5000, 10_000),
      difference('reversal_exceeds_payment', 'first', 5000, 10_000),
    ],
  );
  finds(
    'a reversal of what was no payment',
    () => [
      sql`insert into ledger_entries (person_id, kind, amount, idempotency_key, payment_method, reverses_id)
          select person_id, 'reversal', -1, 'reversal:stray', 'TelegramStars', id
            from ledger_entries where idempotency_key = 'top-up'`,
      sql`update accounts set balance = balance - 1 where person_id = ${personId}::bigint`,
    ],
    () => [difference('payment_reversal', 'reversal:stray', 0, 100)],
  );
  finds(
    'a refund that is called failed though its stars stayed away',
    () => [sql`update star_refunds set state = 'failed' where charge_id = 'first'`],
    () => [
      difference('bonus_reversal', 'first', 0, 1000),
      difference('payment_reversal', 'first', 0, 5000),
      difference('star_refund_failed', 'first', 5000, 0),
    ],
  );
  finds(
    'a refund that is called confirmed though its stars came back',
    () => [sql`update star_refunds set state = 'confirmed' where charge_id = 'second'`],
    () => [
      difference('payment_reversal', 'second', 2500, 0),
      difference('star_refund_failed', 'second', 0, 2500),
    ],
  );
  finds(
    'a refund that has the reversal of another payment',
    () => [
      sql`delete from star_refunds where charge_id = 'second'`,
      sql`insert into star_refunds (charge_id, entry_id, requested_by)
          select 'second', id, 'admin' from ledger_entries where idempotency_key = 'top-up'`,
    ],
    () => [
      difference('payment_reversal', 'second', 2500, 0),
      difference('star_refund', 'second', 2500, 0),
    ],
  );
  finds(
    'an invoice that is called paid and was not',
    () => [sql`update invoices set state = 'paid', paid_at = now() where id = 'unpaid'`],
    () => [difference('invoice', 'unpaid', 5000, 0)],
  );
  finds(
    'an invoice that was paid and is not called so',
    () => [sql`update invoices set state = 'open', paid_at = null where id = 'invoice'`],
    () => [difference('invoice', 'invoice', 0, 5000)],
  );
  finds(
    'a bonus that no payment brought',
    () => [sql`update payments set bonus_entry_id = null`],
    () => [
      difference('payment_reversal', `bonus_reversal:${reversalId}`, 0, 1000),
      difference('referral_bonus', `referral:${payerId}`, 0, 1000),
    ],
  );
  finds(
    'a bonus that stayed though its payment went back',
    () => [
      sql`delete from ledger_entries where idempotency_key = ${`bonus_reversal:${reversalId}`}`,
      sql`update accounts set balance = balance + 10 where person_id = ${personId}::bigint`,
    ],
    () => [difference('bonus_reversal', 'first', 1000, 0)],
  );
  finds(
    'a promo code that gave more than it was used',
    () => [sql`update promo_codes set used = 0`],
    () => [difference('promo_code', 'SPRING', 0, 500)],
  );
});

test('the report names who and what, and how many', () => {
  const text = formatAudit({
    accounts: 2,
    entries: 5,
    totalBalance: stars(100),
    totalEntries: stars(0),
    payments: 1,
    totalPayments: stars(5000),
    totalReversed: stars(0),
    waitingRefunds: 1,
    differences: [difference('balance', '7', 0, 100), difference('step_refund', 'abc:1', 750, 0)],
  });
  assert.equal(
    text,
    [
      'Accounts: 2, together 1.00 ⭐',
      'Entries: 5, together 0.00 ⭐',
      'Payments: 1, together 50.00 ⭐, of which 0.00 ⭐ went back',
      'Refunds waiting to be sent: 1',
      'Balance of person 7: expected 0.00 ⭐, found 1.00 ⭐',
      'Refund of step abc:1: expected 7.50 ⭐, found 0.00 ⭐',
      'Differences: 2',
      '',
    ].join('\n'),
  );
});

function difference(
  what: Difference['what'],
  subject: string,
  expected: number,
  found: number,
): Difference {
  return { what, subject, expected: stars(expected), found: stars(found) };
}

/** Plants behind the back of the trigger, audits, and takes all of it back. */
function finds(title: string, plant: () => SQL[], expected: () => Difference[]): void {
  test(title, async () => {
    let found: readonly Difference[] = [];
    const undo = new Error('undo');
    const planted = database.db.transaction(async (tx) => {
      await tx.execute(sql`alter table ledger_entries disable trigger ledger_entries_append_only`);
      await tx.execute(sql`alter table payments disable trigger payments_unchangeable`);
      for (const statement of plant()) await tx.execute(statement);
      found = (await auditLedger(tx)).differences;
      throw undo;
    });
    await assert.rejects(planted, (error) => error === undo);
    assert.deepEqual(found, expected());
  });
}

async function writeOrder(): Promise<void> {
  const ledger = createLedger({ db: database.db });
  const amount = stars(10_000);
  await ledger.topUp({ personId, amount, paymentMethod: 'Admin', key: 'top-up' });
  await database.db.transaction(async (tx) => {
    await tx.insert(orders).values({
      id: orderId,
      personId,
      serviceType: 'image_morphing',
      state: 'delivered',
      price: stars(1500),
      confirmedAt: new Date(),
    });
    const chargeKey = `charge:${orderId}`;
    await ledger.charge(tx, {
      personId,
      amount: stars(1500),
      cost: stars(1000),
      serviceType: 'image_morphing',
      orderId,
      key: chargeKey,
    });
    await writeStep(tx, 0, 'done');
    await ledger.refund(tx, {
      chargeKey,
      amount: stars(750),
      cost: stars(500),
      reason: 'moderation',
      key: `refund:step:${await writeStep(tx, 1, 'replaced')}`,
    });
  });
}

async function writePayments(): Promise<void> {
  const { db } = database;
  await db.update(people).set({ invitedBy: personId }).where(eq(people.id, payerId));
  const expiresAt = new Date();
  await db.insert(invoices).values([
    { id: 'invoice', personId: payerId, amountXtr: 50, expiresAt },
    { id: 'unpaid', personId: payerId, amountXtr: 50, expiresAt },
  ]);
  const payments = createPayments({ db, referralBonus: stars(1000) });
  const refunds = createStarRefunds({ db });
  const paidAt = new Date();
  for (const [chargeId, amountXtr, payload] of [
    ['first', 50, 'invoice'],
    ['second', 25, null],
  ] as const) {
    await payments.book({ chargeId, personId: payerId, amountXtr, payload, paidAt });
    await refunds.request({ chargeId, by: { kind: 'person', personId: payerId } });
  }
  const [first, second] = await refunds.take(2);
  const [refund] = await db.select().from(starRefunds).where(eq(starRefunds.chargeId, 'first'));
  reversalId = refund?.entryId ?? 0;
  await refunds.markSent(first?.id ?? 0);
  await refunds.bookTold({ chargeId: 'first', personId: payerId, amountXtr: 50, at: new Date() });
  await refunds.markFailed(second?.id ?? 0, 'CHARGE_NOT_FOUND');
  const promo = createPromo({ db, ledger: createLedger({ db }) });
  const code = { code: 'SPRING', stars: stars(500), uses: 3, days: 7, adminId: 1 };
  await promo.create(code);
  await promo.redeem('spring', payerId);
}

async function writeStep(tx: Tx, position: number, state: 'done' | 'replaced'): Promise<number> {
  const photo = { orderId, state: 'ready', messageId: position, fileId: 'f' } as const;
  const [inserted] = await tx
    .insert(photos)
    .values({ ...photo, fileUniqueId: `photo-${position}` })
    .returning({ id: photos.id });
  assert.ok(inserted);
  const [step] = await tx
    .insert(steps)
    .values({
      orderId,
      position,
      state,
      rank: position,
      price: stars(750),
      cost: stars(500),
      photoIds: [inserted.id, inserted.id],
    })
    .returning({ id: steps.id });
  assert.ok(step);
  return step.id;
}
