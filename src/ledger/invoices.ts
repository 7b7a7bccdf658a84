import { randomBytes } from 'node:crypto';
import { and, asc, eq, isNotNull, isNull, lte, ne } from 'drizzle-orm';
import type { Db, Queryable } from '../db/database.ts';
import { settings } from '../db/people-schema.ts';
import { orders, people } from '../db/schema.ts';
import { invoices } from '../db/stars-schema.ts';
import type { OrderMode } from '../domain/order-mode.ts';
import type { Stars } from '../domain/stars.ts';

/** The order that an invoice pays for, and what its person was shown: what `confirm` asks for. */
export interface InvoicedOrder {
  readonly orderId: string;
  readonly mode: OrderMode;
  readonly price: Stars;
}

export interface Invoice {
  /** Opaque and random, 22 characters: the payload of `sendInvoice`, also fit for `start_parameter`. */
  readonly id: string;
  readonly personId: number;
  readonly amountXtr: number;
  /** A paid one may have been cancelled or expired before: its money came all the same. */
  readonly state: 'open' | 'paid' | 'cancelled' | 'expired';
  /** Null for a plain top-up. */
  readonly order: InvoicedOrder | null;
  readonly messageId: number | null;
  readonly expiresAt: Date;
}

/** A message in the person's chat that carries an invoice nobody should pay any more. */
export interface InvoiceMessage {
  readonly invoiceId: string;
  readonly personId: number;
  readonly messageId: number;
  readonly state: 'paid' | 'cancelled' | 'expired';
}

/** What a `pre_checkout_query` tells. */
export interface CheckoutQuery {
  readonly payload: string;
  readonly personId: number;
  readonly amountXtr: number;
  readonly currency: string;
}

/**
 * Whether an invoice may be paid now. `used`: it was paid, or its order was confirmed without it;
 * `cancelled`: taken back, or its order is no longer as it was quoted, or another mode was chosen;
 * `withdrawn`: one for no order was taken back, or there is a newer one for the same.
 */
export type CheckoutAnswer =
  | 'ok'
  | 'unknown'
  | 'another_person'
  | 'banned'
  | 'paused'
  | 'other_currency'
  | 'other_amount'
  | 'used'
  | 'cancelled'
  | 'withdrawn'
  | 'expired';

/** The invoices we sent. No function here takes part in a transaction of the caller's. */
export interface Invoices {
  /**
   * A new open invoice; an earlier open one for the same order, or for the same pack, is cancelled, so that
   * one is live.
   */
  open(invoice: {
    readonly personId: number;
    readonly amountXtr: number;
    readonly order?: InvoicedOrder;
  }): Promise<Invoice>;
  find(id: string): Promise<Invoice | undefined>;
  /** Which message carries it. */
  setMessage(id: string, messageId: number): Promise<void>;
  /**
   * Of a person's own invoice; false when it is not open (any more).
   * @param messageId the message it was asked from: it is to be taken down, whatever was known of it.
   */
  cancel(id: string, personId: number, messageId?: number): Promise<boolean>;
  /** For an order that was confirmed, changed or cancelled. */
  cancelOf(orderId: string): Promise<void>;
  /**
   * Expires what is due and returns messages to delete or mark, oldest first, until `messageGone` is
   * told of each; a process that dies in between finds them again.
   */
  takeDown(limit: number): Promise<InvoiceMessage[]>;
  messageGone(id: string): Promise<void>;
  /** One read, for the answer that Telegram waits for. It changes nothing. */
  check(query: CheckoutQuery): Promise<CheckoutAnswer>;
}

/** How long an invoice may be paid. */
export const INVOICE_HOURS = 24;

type InvoiceRow = typeof invoices.$inferSelect;

export function createInvoices(deps: { readonly db: Db }): Invoices {
  const { db } = deps;

  /** Only what is open can be closed: a payment that was booked meanwhile stays. */
  const cancel = (on: Queryable, which: ReturnType<typeof and>) =>
    on
      .update(invoices)
      .set({ state: 'cancelled' })
      .where(and(eq(invoices.state, 'open'), which))
      .returning({ id: invoices.id });

  return {
    open: ({ personId, amountXtr, order }) =>
      db.transaction(async (tx) => {
        // Of two at once one waits here, or each would leave the other's open. Not the account: a
        // confirm holds the order, which the new row refers to, and waits for the account.
        await tx
          .select({ id: people.id })
          .from(people)
          .where(eq(people.id, personId))
          .for('no key update');
        await cancel(
          tx,
          order
            ? eq(invoices.orderId, order.orderId)
            : and(
                eq(invoices.personId, personId),
                eq(invoices.amountXtr, amountXtr),
                isNull(invoices.orderId),
              ),
        );
        const [row] = await tx
          .insert(invoices)
          .values({
            id: randomBytes(16).toString('base64url'),
            personId,
            amountXtr,
            expiresAt: new Date(Date.now() + INVOICE_HOURS * 3_600_000),
            ...(order && {
              orderId: order.orderId,
              offered: { mode: order.mode, price: order.price },
            }),
          })
          .returning();
        if (!row) throw new Error('An invoice was not written');
        return toInvoice(row);
      }),

    async find(id) {
      const [row] = await db.select().from(invoices).where(eq(invoices.id, id));
      return row && toInvoice(row);
    },

    async setMessage(id, messageId) {
      await db.update(invoices).set({ messageId }).where(eq(invoices.id, id));
    },

    async cancel(id, personId, messageId) {
      const mine = and(eq(invoices.id, id), eq(invoices.personId, personId));
      const cancelled = await cancel(db, mine);
      // A process that died while it sent the invoice never learned where it is.
      if (messageId !== undefined) await db.update(invoices).set({ messageId }).where(mine);
      return cancelled.length > 0;
    },

    async cancelOf(orderId) {
      await cancel(db, eq(invoices.orderId, orderId));
    },

    async takeDown(limit) {
      await db
        .update(invoices)
        .set({ state: 'expired' })
        .where(and(eq(invoices.state, 'open'), lte(invoices.expiresAt, new Date())));
      const rows = await db
        .select()
        .from(invoices)
        .where(and(ne(invoices.state, 'open'), isNotNull(invoices.messageId)))
        .orderBy(asc(invoices.createdAt))
        .limit(limit);
      return rows.flatMap(({ id, personId, messageId, state }) =>
        messageId === null || state === 'open'
          ? []
          : [{ invoiceId: id, personId, messageId, state }],
      );
    },

    async messageGone(id) {
      await db.update(invoices).set({ messageId: null }).where(eq(invoices.id, id));
    },

    async check(query) {
      const [found] = await db
        .select({
          invoice: invoices,
          bannedAt: people.bannedAt,
          orderState: orders.state,
          chosen: orders.mode,
          confirmedAt: orders.confirmedAt,
          paused: settings.key,
        })
        .from(invoices)
        .innerJoin(people, eq(people.id, invoices.personId))
        .leftJoin(orders, eq(orders.id, invoices.orderId))
        .leftJoin(settings, eq(settings.key, 'sales_paused'))
        .where(eq(invoices.id, query.payload));
      if (!found) return 'unknown';
      const { invoice } = found;
      if (invoice.personId !== query.personId) return 'another_person';
      if (found.bannedAt) return 'banned';
      if (found.paused) return 'paused';
      if (query.currency !== 'XTR') return 'other_currency';
      if (invoice.amountXtr !== query.amountXtr) return 'other_amount';
      if (invoice.state === 'paid' || found.confirmedAt) return 'used';
      if (invoice.state === 'cancelled' && invoice.orderId === null) return 'withdrawn';
      if (invoice.state !== 'open') return invoice.state;
      if (invoice.expiresAt <= new Date()) return 'expired';
      if (found.orderState === null) return 'ok';
      const { chosen } = found;
      const changed = chosen !== null && chosen !== invoice.offered?.mode;
      return found.orderState === 'quoted' && !changed ? 'ok' : 'cancelled';
    },
  };
}

/** A row of ours as everybody else sees it. */
export function toInvoice(row: InvoiceRow): Invoice {
  const { id, personId, amountXtr, state, orderId, offered, messageId, expiresAt } = row;
  const order = orderId === null || offered === null ? null : { orderId, ...offered };
  return { id, personId, amountXtr, state, order, messageId, expiresAt };
}
