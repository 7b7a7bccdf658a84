import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { eq } from 'drizzle-orm';
import {
  accounts,
  entries,
  orders,
  people,
  photos,
  predictions,
  steps,
} from '../../src/db/schema.ts';
import { payments } from '../../src/db/stars-schema.ts';
import type { OrderState } from '../../src/domain/order-state.ts';
import type { Period } from '../../src/domain/period.ts';
import { NO_STARS, stars } from '../../src/domain/stars.ts';
import { type ExportKind, exportTable } from '../../src/ledger/exports.ts';
import { readStatistics } from '../../src/ledger/statistics.ts';
import { addPerson, openTestDatabase, type TestDatabase } from '../support/database.ts';

const NOW = new Date('2026-03-10T15:00:00Z');

let database: TestDatabase;
let ada: number;
let bob: number;

before(async () => {
  database = await openTestDatabase();
  ada = await addPersonAt('2026-01-05T00:00:00Z');
  bob = await addPersonAt('2026-03-10T00:00:00Z');
  await writeOrder('old', ada, 'delivered', 10_000, '2026-01-05T23:59:59Z', 30);
  await writeOrder('week', ada, 'delivered', 4500, '2026-03-04T00:00:00Z', 40);
  await writeOrder('today', bob, 'queued', 1500, '2026-03-10T14:00:00Z', 60);
  await writeRefund('week', 1500, '2026-03-10T09:00:00Z');
  await writeOrder('draft', ada, 'draft', null, '2026-03-09T10:00:00Z');
  await writePayment(ada, 100, '2026-01-05T10:00:00Z');
  await writePayment(bob, 50, '2026-03-10T13:00:00Z');
});
after(() => database.close());

describe('statistics', () => {
  test('of today have what was sold, given back, paid and rendered today', async () => {
    const { days, ...today } = await read('today');
    assert.deepEqual(today, {
      orders: 1,
      revenue: stars(0),
      cost: stars(0),
      margin: stars(0),
      refunds: stars(1500),
      payments: 1,
      paymentsXtr: 50,
      reversed: stars(0),
      activePeople: 1,
      newPeople: 1,
      ordersByState: { queued: 1 },
      medianRenderSeconds: 60,
    });
    assert.deepEqual(
      days.map(({ day, orders, paymentsXtr, renders }) => [day, orders, paymentsXtr, renders]),
      [['2026-03-10', 1, 50, 1]],
    );
  });

  test('of a week have seven days, the empty ones too', async () => {
    const { days, ...week } = await read('week');
    assert.deepEqual(
      [week.orders, week.revenue, week.cost, week.margin, week.refunds],
      [2, 4500, 3000, 1500, 1500],
    );
    assert.deepEqual([week.activePeople, week.newPeople, week.medianRenderSeconds], [2, 1, 50]);
    assert.deepEqual(week.ordersByState, { delivered: 1, queued: 1, draft: 1 });
    assert.deepEqual(
      days.map(({ day, revenue, activePeople }) => [day.slice(5), revenue, activePeople]),
      [
        ['03-04', 4500, 1],
        ['03-05', 0, 0],
        ['03-06', 0, 0],
        ['03-07', 0, 0],
        ['03-08', 0, 0],
        ['03-09', 0, 1],
        ['03-10', 0, 1],
      ],
    );
    assert.deepEqual(
      days.map(({ renders, medianRenderSeconds }) => [renders, medianRenderSeconds]),
      [[1, 40], ...Array.from({ length: 5 }, () => [0, null]), [1, 60]],
    );
  });

  test('of all time begin with the first day there was', async () => {
    const all = await read('all');
    assert.equal(all.days.at(0)?.day, '2026-01-05');
    assert.equal(all.days.at(-1)?.day, '2026-03-10');
    assert.equal(all.days.length, 65);
    assert.deepEqual(
      [all.orders, all.revenue, all.margin, all.paymentsXtr, all.medianRenderSeconds],
      [3, 14_500, 4834, 150, 40],
    );
    const sum = (of: (day: (typeof all.days)[number]) => number) =>
      all.days.reduce((total, day) => total + of(day), 0);
    assert.deepEqual(
      [sum((day) => day.revenue), sum((day) => day.cost), sum((day) => day.orders)],
      [all.revenue, all.cost, all.orders],
    );
  });

  test('of an empty database are zeros', async () => {
    const empty = await openTestDatabase();
    try {
      const all = await readStatistics(empty.db, 'all', NOW);
      assert.deepEqual([all.orders, all.revenue, all.medianRenderSeconds], [0, 0, null]);
      assert.deepEqual(
        all.days.map(({ day }) => day),
        ['2026-03-10'],
      );
    } finally {
      await empty.close();
    }
  });
});

describe('an export', () => {
  test('of payments has one row each, with where it went', async () => {
    const [row, ...more] = await rows('payments', 'today');
    assert.equal(more.length, 0);
    assert.deepEqual(
      [row?.['person_id'], row?.['amount_xtr'], row?.['paid_at'], row?.['refund']],
      [bob, 50, '2026-03-10T13:00:00.000Z', null],
    );
    assert.equal((await rows('payments', 'all')).length, 2);
  });

  test('of orders has those begun in the period, with what was refunded of each', async () => {
    const table = await rows('orders', 'week');
    assert.deepEqual(
      table.map((row) => [row['order_id'], row['state'], row['price'], row['refunded']]),
      [
        ['week', 'delivered', '45.00', '15.00'],
        ['draft', 'draft', null, '0.00'],
        ['today', 'queued', '15.00', '0.00'],
      ],
    );
  });

  test('of the ledger adds up to the balances', async () => {
    const table = await rows('ledger', 'all');
    const total = table.reduce((sum, row) => sum + Number(row['amount']), 0);
    assert.equal(table.length, 6);
    assert.equal(total, 150 - 100 - 45 - 15 + 15);
  });

  test('has every row once, however many pages it takes', async () => {
    const many = await openTestDatabase();
    try {
      const id = await addPerson(many.db);
      // Written in one statement: all of them are of the same microsecond.
      const ids = Array.from({ length: 1203 }, () => randomUUID());
      await many.db
        .insert(orders)
        .values(ids.map((each) => ({ id: each, personId: id, serviceType: 'test' })));
      const amount = stars(1);
      await many.db.insert(entries).values(
        ids.map((each) => ({
          ...{ personId: id, kind: 'top_up' as const, amount, idempotencyKey: each },
          paymentMethod: 'Admin' as const,
        })),
      );
      for (const [kind, column] of [
        ['orders', 'order_id'],
        ['ledger', 'idempotency_key'],
      ] as const) {
        const table = await rows(kind, 'today', many, new Date());
        assert.deepEqual(table.map((row) => row[column]).sort(), [...ids].sort());
      }
    } finally {
      await many.close();
    }
  });
});

function read(period: Period) {
  return readStatistics(database.db, period, NOW);
}

async function rows(kind: ExportKind, period: Period, from = database, now = NOW) {
  const { columns, rows } = exportTable(from.db, kind, period, now);
  const table: Record<string, unknown>[] = [];
  for await (const row of rows) {
    assert.equal(row.length, columns.length);
    table.push(Object.fromEntries(columns.map((column, index) => [column, row[index]])));
  }
  return table;
}

async function addPersonAt(at: string): Promise<number> {
  const id = await addPerson(database.db);
  await database.db
    .update(people)
    .set({ createdAt: new Date(at) })
    .where(eq(people.id, id));
  await database.db.insert(accounts).values({ personId: id });
  return id;
}

/** An order with its charge, and one prediction that took so long. */
async function writeOrder(
  id: string,
  personId: number,
  state: OrderState,
  price: number | null,
  at: string,
  renderSeconds = 0,
): Promise<void> {
  const { db } = database;
  const createdAt = new Date(at);
  await db.insert(orders).values({
    ...{ id, personId, serviceType: 'image_morphing', state, createdAt },
    ...(price === null ? {} : { price: stars(price), confirmedAt: createdAt }),
  });
  if (price === null) return;
  await db.insert(entries).values({
    ...{ personId, kind: 'charge', amount: stars(-price), cost: cost(-price), createdAt },
    ...{ idempotencyKey: `charge:${id}`, paymentMethod: 'Internal', serviceType: 'test' },
    orderId: id,
  });
  const [photo] = await db
    .insert(photos)
    .values({ orderId: id, state: 'ready', messageId: 1, fileId: 'f', fileUniqueId: 'f' })
    .returning();
  const photoId = photo?.id ?? 0;
  const [step] = await db
    .insert(steps)
    .values({
      ...{ orderId: id, position: 0, rank: 0, price: stars(price), cost: NO_STARS },
      ...{ fromPhotoId: photoId, toPhotoId: photoId },
    })
    .returning();
  await db.insert(predictions).values({
    ...{ id: randomUUID(), stepId: step?.id ?? 0, attempt: 1, provider: 'p', model: 'm' },
    ...{ state: 'succeeded', input: {}, fingerprint: 'f', startedAt: createdAt },
    endedAt: new Date(createdAt.getTime() + renderSeconds * 1000),
  });
}

async function writeRefund(orderId: string, amount: number, at: string): Promise<void> {
  const { db } = database;
  const [charge] = await db.select().from(entries).where(eq(entries.orderId, orderId));
  assert.ok(charge);
  await db.insert(entries).values({
    ...{ personId: charge.personId, kind: 'refund', amount: stars(amount), cost: cost(amount) },
    ...{ idempotencyKey: `refund:${orderId}`, paymentMethod: 'Internal', chargeId: charge.id },
    ...{ orderId, createdAt: new Date(at) },
  });
}

async function writePayment(personId: number, amountXtr: number, at: string): Promise<void> {
  const { db } = database;
  const chargeId = randomUUID();
  const paidAt = new Date(at);
  const [entry] = await db
    .insert(entries)
    .values({
      ...{ personId, kind: 'top_up', amount: stars(amountXtr * 100), createdAt: paidAt },
      ...{ idempotencyKey: `payment:${chargeId}`, paymentMethod: 'TelegramStars' },
    })
    .returning();
  await db
    .insert(payments)
    .values({ chargeId, personId, amountXtr, source: 'update', entryId: entry?.id ?? 0, paidAt });
}

/** Of a price, as the ledger signs it. */
function cost(price: number) {
  return stars(Math.trunc((price * 2) / 3));
}
