import { sql } from 'drizzle-orm';
import {
  bigint,
  bigserial,
  check,
  index,
  integer,
  jsonb,
  pgTable,
  smallint,
  text,
  uniqueIndex,
} from 'drizzle-orm/pg-core';
import type { OrderMode } from '../domain/order-mode.ts';
import type { Stars } from '../domain/stars.ts';
import { createdAt, moment } from './columns.ts';
import { entries, orders, people } from './schema.ts';

/** What an invoice's order was offered for, so that it can be confirmed once the invoice is paid. */
export interface OfferedOrder {
  readonly mode: OrderMode;
  readonly price: Stars;
}

/** Invoices that were sent. The id is the payload that Telegram gives back with the payment. */
export const invoices = pgTable(
  'invoices',
  {
    id: text('id').primaryKey(),
    personId: bigint('person_id', { mode: 'number' })
      .notNull()
      .references(() => people.id),
    amountXtr: integer('amount_xtr').notNull(),
    state: text('state')
      .$type<'open' | 'paid' | 'cancelled' | 'expired'>()
      .notNull()
      .default('open'),
    /** The order that the payment is for, and what was offered; null for a plain top-up. */
    orderId: text('order_id').references(() => orders.id),
    offered: jsonb('offered').$type<OfferedOrder>(),
    /** The message that carries it; null before it is sent and after it is gone. */
    messageId: integer('message_id'),
    createdAt: createdAt(),
    expiresAt: moment('expires_at').notNull(),
    paidAt: moment('paid_at'),
  },
  (table) => [
    index('invoices_person').on(table.personId, table.createdAt),
    index('invoices_order').on(table.orderId).where(sql`${table.state} = 'open'`),
    index('invoices_open').on(table.expiresAt).where(sql`${table.state} = 'open'`),
    index('invoices_to_take_down')
      .on(table.id)
      .where(sql`${table.state} <> 'open' and ${table.messageId} is not null`),
    check('invoices_amount', sql`${table.amountXtr} > 0`),
    check('invoices_paid', sql`(${table.state} = 'paid') = (${table.paidAt} is not null)`),
    check('invoices_offered', sql`(${table.orderId} is null) = (${table.offered} is null)`),
  ],
);

/** Payments that Telegram told us of, each once. What they are is never changed (a trigger). */
export const payments = pgTable(
  'payments',
  {
    /** `telegram_payment_charge_id`, which is also the id of Telegram's own transaction. */
    chargeId: text('charge_id').primaryKey(),
    personId: bigint('person_id', { mode: 'number' })
      .notNull()
      .references(() => people.id),
    amountXtr: integer('amount_xtr').notNull(),
    /** The payload as Telegram told it; it may belong to no invoice of ours. */
    invoiceId: text('invoice_id'),
    source: text('source').$type<'update' | 'reconciled'>().notNull(),
    /** The top-up that put it on the balance. */
    entryId: bigint('entry_id', { mode: 'number' })
      .notNull()
      .unique()
      .references(() => entries.id),
    /** What it brought to whoever invited the person. */
    bonusEntryId: bigint('bonus_entry_id', { mode: 'number' })
      .unique()
      .references(() => entries.id),
    /** When Telegram took the money. */
    paidAt: moment('paid_at').notNull(),
    createdAt: createdAt(),
    /** When it was found in Telegram's own list of transactions. */
    seenAt: moment('seen_at'),
    /** When the order it was for had been started and the person told. */
    settledAt: moment('settled_at'),
  },
  (table) => [
    index('payments_person').on(table.personId, table.paidAt),
    index('payments_invoice').on(table.invoiceId),
    index('payments_paid_at').on(table.paidAt),
    index('payments_unseen').on(table.createdAt).where(sql`${table.seenAt} is null`),
    index('payments_unsettled').on(table.createdAt).where(sql`${table.settledAt} is null`),
    check('payments_amount', sql`${table.amountXtr} > 0`),
  ],
);

/**
 * Payments on their way back to Telegram: the outbox of refundStarPayment, and what Telegram took back
 * by itself. requested: the stars have left the balance; sent: Telegram said yes; confirmed: seen in
 * Telegram's own books; failed: Telegram said no, and the stars are back on the balance.
 */
export const starRefunds = pgTable(
  'star_refunds',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    chargeId: text('charge_id')
      .notNull()
      .references(() => payments.chargeId),
    state: text('state')
      .$type<'requested' | 'sent' | 'confirmed' | 'failed'>()
      .notNull()
      .default('requested'),
    /** The reversal that took the stars from the balance. */
    entryId: bigint('entry_id', { mode: 'number' })
      .notNull()
      .unique()
      .references(() => entries.id),
    requestedBy: text('requested_by').$type<'person' | 'admin' | 'telegram'>().notNull(),
    adminId: bigint('admin_id', { mode: 'number' }),
    reason: text('reason'),
    /** How often it was handed out to be sent, when it may be again, and what went wrong last. */
    tries: smallint('tries').notNull().default(0),
    nextTryAt: moment('next_try_at').notNull().defaultNow(),
    lastError: text('last_error'),
    createdAt: createdAt(),
    sentAt: moment('sent_at'),
    /** When it became confirmed or failed. */
    endedAt: moment('ended_at'),
    /** When everybody whom it concerns had been told what became of it. */
    toldAt: moment('told_at'),
  },
  (table) => [
    uniqueIndex('star_refunds_once').on(table.chargeId).where(sql`${table.state} <> 'failed'`),
    index('star_refunds_charge').on(table.chargeId),
    index('star_refunds_due').on(table.nextTryAt).where(sql`${table.state} = 'requested'`),
    index('star_refunds_untold')
      .on(table.id)
      .where(sql`${table.state} <> 'requested' and ${table.toldAt} is null`),
  ],
);

/** How far Telegram's list of star transactions was compared with ours; one row. */
export const starCursor = pgTable(
  'star_cursor',
  {
    id: smallint('id').primaryKey().default(1),
    /** How many transactions, from the oldest on, were compared. */
    compared: integer('compared').notNull(),
    /** Which one was the last of them; another one at its place means that the list is another. */
    lastLine: text('last_line'),
    comparedAt: moment('compared_at').notNull(),
  },
  (table) => [check('star_cursor_one', sql`${table.id} = 1`)],
);
