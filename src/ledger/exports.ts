import { and, asc, eq, gt, gte, lte, sql } from 'drizzle-orm';
import type { Db } from '../db/database.ts';
import { entries, orders } from '../db/schema.ts';
import { payments, starRefunds } from '../db/stars-schema.ts';
import { type Period, periodStart } from '../domain/period.ts';
import { formatStars, type Stars } from '../domain/stars.ts';

export const EXPORTS = ['payments', 'orders', 'ledger'] as const;
export type ExportKind = (typeof EXPORTS)[number];

/** Times as `2026-11-22T10:00:00.000Z`, amounts of stars as `489.83`; null is an empty cell. */
export type Cell = string | number | null;

/** A table for a spreadsheet. Some cells hold what people or operators wrote: escape them. */
export interface ExportTable {
  readonly columns: readonly string[];
  /** The oldest first; read page by page while they are taken. */
  readonly rows: AsyncIterable<readonly Cell[]>;
}

/** Rows that are read at once. */
const PAGE = 500;

interface Span {
  readonly from: Date;
  readonly until: Date;
}

/** The books of a period that ends now, row by row, however many there are. */
export function exportTable(db: Db, kind: ExportKind, period: Period, now: Date): ExportTable {
  const span = { from: periodStart(period, now) ?? new Date(0), until: now };
  switch (kind) {
    case 'payments':
      return { columns: PAYMENT_COLUMNS, rows: exportPayments(db, span) };
    case 'orders':
      return { columns: ORDER_COLUMNS, rows: exportOrders(db, span) };
    case 'ledger':
      return { columns: ENTRY_COLUMNS, rows: exportEntries(db, span) };
  }
}

const PAYMENT_COLUMNS = [
  'charge_id',
  'person_id',
  'amount_xtr',
  'paid_at',
  'source',
  'payload',
  'refund',
  'refund_requested_by',
  'refund_at',
];

async function* exportPayments(db: Db, { from, until }: Span): AsyncGenerator<readonly Cell[]> {
  for (let last = 0; ; ) {
    const page = await db
      .select({ payment: payments, refund: starRefunds })
      .from(payments)
      .leftJoin(
        starRefunds,
        and(eq(starRefunds.chargeId, payments.chargeId), sql`${starRefunds.state} <> 'failed'`),
      )
      .where(
        and(gt(payments.entryId, last), gte(payments.paidAt, from), lte(payments.paidAt, until)),
      )
      .orderBy(asc(payments.entryId))
      .limit(PAGE);
    for (const { payment, refund } of page) {
      last = payment.entryId;
      yield [
        ...[payment.chargeId, payment.personId, payment.amountXtr, timeCell(payment.paidAt)],
        ...[payment.source, payment.invoiceId, refund?.state ?? null],
        ...[refund?.requestedBy ?? null, timeCell(refund?.createdAt)],
      ];
    }
    if (page.length < PAGE) return;
  }
}

const ORDER_COLUMNS = [
  'order_id',
  'person_id',
  'service_type',
  'state',
  'price',
  'refunded',
  'created_at',
  'confirmed_at',
  'ended_at',
  'failure',
];

async function* exportOrders(db: Db, { from, until }: Span): AsyncGenerator<readonly Cell[]> {
  const refunded = sql`(select coalesce(sum(amount), 0) from ledger_entries
    where order_id = orders.id and kind = 'refund')`.mapWith(entries.amount);
  for (let last: string | undefined; ; ) {
    // The database counts microseconds, a Date does not: the row itself says where to go on.
    const after =
      last === undefined
        ? undefined
        : sql`(orders.created_at, orders.id) > (select o.created_at, o.id from orders o where o.id = ${last})`;
    const page = await db
      .select({ order: orders, refunded })
      .from(orders)
      .where(and(gte(orders.createdAt, from), lte(orders.createdAt, until), after))
      .orderBy(asc(orders.createdAt), asc(orders.id))
      .limit(PAGE);
    for (const { order, refunded } of page) {
      last = order.id;
      yield [
        ...[order.id, order.personId, order.serviceType, order.state, starsCell(order.price)],
        ...[formatStars(refunded), timeCell(order.createdAt), timeCell(order.confirmedAt)],
        ...[timeCell(order.endedAt), order.failure],
      ];
    }
    if (page.length < PAGE) return;
  }
}

const ENTRY_COLUMNS = [
  'entry_id',
  'person_id',
  'kind',
  'amount',
  'cost',
  'payment_method',
  'service_type',
  'order_id',
  'refunds_entry_id',
  'reverses_entry_id',
  'idempotency_key',
  'reason',
  'created_at',
];

async function* exportEntries(db: Db, { from, until }: Span): AsyncGenerator<readonly Cell[]> {
  for (let last = 0; ; ) {
    const page = await db
      .select()
      .from(entries)
      .where(and(gt(entries.id, last), gte(entries.createdAt, from), lte(entries.createdAt, until)))
      .orderBy(asc(entries.id))
      .limit(PAGE);
    for (const entry of page) {
      last = entry.id;
      yield [
        ...[entry.id, entry.personId, entry.kind, formatStars(entry.amount)],
        ...[formatStars(entry.cost), entry.paymentMethod, entry.serviceType, entry.orderId],
        ...[entry.chargeId, entry.reversesId, entry.idempotencyKey, entry.reason],
        timeCell(entry.createdAt),
      ];
    }
    if (page.length < PAGE) return;
  }
}

function timeCell(moment: Date | null | undefined): string | null {
  return moment?.toISOString() ?? null;
}

function starsCell(amount: Stars | null): string | null {
  return amount === null ? null : formatStars(amount);
}
