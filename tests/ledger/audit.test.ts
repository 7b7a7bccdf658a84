import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type SQL, sql } from 'drizzle-orm';
import type { Tx } from '../../src/db/database.ts';
import { orders, photos, steps } from '../../src/db/schema.ts';
import { stars } from '../../src/domain/stars.ts';
import { auditLedger, type Difference, formatAudit } from '../../src/ledger/audit.ts';
import { createLedger } from '../../src/ledger/ledger.ts';
import { addPerson, openTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
/** Somebody with 100.00 ⭐ and an order of two steps at 7.50 ⭐, one done, one replaced and refunded. */
let personId: number;
const orderId = 'abc';

before(async () => {
  database = await openTestDatabase();
  personId = await addPerson(database.db);
  await writeOrder();
});
after(() => database.close());

test('sound books have no differences, and the totals of both sides agree', async () => {
  const report = await auditLedger(database.db);
  assert.deepEqual(report, {
    accounts: 1,
    entries: 3,
    totalBalance: stars(9250),
    totalEntries: stars(9250),
    differences: [],
  });
  assert.equal(
    formatAudit(report),
    'Accounts: 1, together 92.50 ⭐\nEntries: 3, together 92.50 ⭐\nNo differences.\n',
  );
});

describe('a planted difference is found:', () => {
  finds(
    'a balance that was changed by hand',
    () => [sql`update accounts set balance = balance + 1`],
    () => [difference('balance', `${personId}`, 9250, 9350)],
  );
  finds(
    'an account that was lost',
    () => [sql`delete from accounts`],
    () => [difference('balance', `${personId}`, 9250, 0)],
  );
  finds(
    'an entry that was changed',
    () => [sql`update ledger_entries set amount = 90 where kind = 'top_up'`],
    () => [difference('balance', `${personId}`, 8250, 9250)],
  );
  finds(
    'a refund above its charge',
    () => [
      sql`update ledger_entries set amount = 15.01 where kind = 'refund'`,
      sql`update accounts set balance = 100.01`,
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
      sql`update accounts set balance = balance - 15`,
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
      sql`update accounts set balance = balance + 1`,
    ],
    () => [difference('order_refunds', orderId, 750, 850)],
  );
});

test('the report names who and what, and how many', () => {
  const text = formatAudit({
    accounts: 2,
    entries: 5,
    totalBalance: stars(100),
    totalEntries: stars(0),
    differences: [difference('balance', '7', 0, 100), difference('step_refund', 'abc:1', 750, 0)],
  });
  assert.equal(
    text,
    [
      'Accounts: 2, together 1.00 ⭐',
      'Entries: 5, together 0.00 ⭐',
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
      fromPhotoId: inserted.id,
      toPhotoId: inserted.id,
    })
    .returning({ id: steps.id });
  assert.ok(step);
  return step.id;
}
