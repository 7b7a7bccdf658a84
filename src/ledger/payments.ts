import { and, asc, desc, eq, isNull, lt, lte, ne, sql } from 'drizzle-orm';
import type { Db, Queryable, Tx } from '../db/database.ts';
import { accounts, entries, people } from '../db/schema.ts';
import { invoices, payments, starRefunds } from '../db/stars-schema.ts';
import { NO_STARS, type Stars } from '../domain/stars.ts';
import { starsOfXtr } from '../domain/xtr.ts';
import { changeBalance, findDeed, insertEntry, lockAccount, requirePositive } from './entries.ts';
import { type Invoice, toInvoice } from './invoices.ts';
import { paymentKey, referralKey } from './keys.ts';

/** A payment as Telegram tells it, in an update or in its list of transactions. */
export interface ToldPayment {
  /** `telegram_payment_charge_id`: what makes it one payment, however often it is told. */
  readonly chargeId: string;
  readonly personId: number;
  readonly amountXtr: number;
  /** Null when Telegram tells none. */
  readonly payload: string | null;
  readonly paidAt: Date;
}

/** A payment in our books. */
export interface Payment {
  readonly chargeId: string;
  readonly personId: number;
  readonly amountXtr: number;
  /** The payload as told; it may belong to no invoice of ours. */
  readonly invoiceId: string | null;
  readonly source: 'update' | 'reconciled';
  readonly paidAt: Date;
  /** Whether it goes, or went, back to Telegram; null when nobody asked, or Telegram refused. */
  readonly refund: 'requested' | 'sent' | 'confirmed' | null;
}

/** A payment in the books, with what it led to; the same whenever it is asked for. */
export interface BookedPayment {
  readonly payment: Payment;
  /** The invoice it paid: the person's own, of this amount. Null for any other payload. */
  readonly invoice: Invoice | null;
  /** Whether another payment had paid that invoice before; this one was credited all the same. */
  readonly repeated: boolean;
  readonly firstTopUp: boolean;
  /** What whoever invited the person got for it. */
  readonly bonus: { readonly personId: number; readonly amount: Stars } | null;
  /** The person's balance now. */
  readonly balance: Stars;
}

/**
 * `already`: booked before, the rest as it was then. `unknown_person`: meet them first, then book again.
 * `conflict`: the charge id stands for another person or amount; nothing was booked, tell the admins.
 */
export type Booking =
  | ({ readonly kind: 'booked' | 'already' } & BookedPayment)
  | { readonly kind: 'unknown_person' }
  | { readonly kind: 'conflict'; readonly payment: Payment };

/** The payments that Telegram took for us. */
export interface Payments {
  /**
   * Books payment, top-up, the paid invoice and the bonus of a first top-up, in one transaction and
   * once per charge id, whoever calls it how often and at the same time. Real money is always booked:
   * for an old, foreign or unknown invoice, of a banned person, while sales are paused.
   */
  book(payment: ToldPayment, source?: Payment['source']): Promise<Booking>;
  find(chargeId: string): Promise<Payment | undefined>;
  /** The newest first, of one person or of everybody. */
  list(query: {
    readonly personId?: number;
    readonly limit: number;
    readonly offset?: number;
  }): Promise<Payment[]>;
  /**
   * Payments booked this long ago whose consequences (starting the order, telling the person) were not
   * settled: the process died in between, or the reconciliation booked them. The oldest first.
   */
  unsettled(query: {
    readonly olderThanMs: number;
    readonly limit: number;
  }): Promise<BookedPayment[]>;
  /** Says that the consequences are done. True for the one caller that says it first. */
  settle(chargeId: string): Promise<boolean>;
}

type PaymentRow = typeof payments.$inferSelect;

/** @param deps.referralBonus for whoever invited a person, on that person's first payment; may be none. */
export function createPayments(deps: { readonly db: Db; readonly referralBonus: Stars }): Payments {
  const { db, referralBonus } = deps;

  return {
    book: (payment, source = 'update') =>
      db.transaction((tx) => bookPayment(tx, payment, source, referralBonus)),

    async find(chargeId) {
      const [payment] = await selectPayments(db).where(eq(payments.chargeId, chargeId));
      return payment;
    },

    list: ({ personId, limit, offset = 0 }) =>
      selectPayments(db)
        .where(personId === undefined ? undefined : eq(payments.personId, personId))
        .orderBy(desc(payments.paidAt), desc(payments.entryId))
        .limit(limit)
        .offset(offset),

    async unsettled({ olderThanMs, limit }) {
      const rows = await db
        .select()
        .from(payments)
        .where(
          and(
            isNull(payments.settledAt),
            lte(payments.createdAt, new Date(Date.now() - olderThanMs)),
          ),
        )
        .orderBy(asc(payments.createdAt))
        .limit(limit);
      return Promise.all(rows.map((row) => describeBooked(db, row)));
    },

    async settle(chargeId) {
      const settled = await db
        .update(payments)
        .set({ settledAt: new Date() })
        .where(and(eq(payments.chargeId, chargeId), isNull(payments.settledAt)))
        .returning({ chargeId: payments.chargeId });
      return settled.length > 0;
    },
  };
}

/** A payment as others see it, with the one refund of it that did not fail. */
export function selectPayments(db: Queryable) {
  return db
    .select({
      chargeId: payments.chargeId,
      personId: payments.personId,
      amountXtr: payments.amountXtr,
      invoiceId: payments.invoiceId,
      source: payments.source,
      paidAt: payments.paidAt,
      refund: sql<Payment['refund']>`${starRefunds.state}`,
    })
    .from(payments)
    .leftJoin(
      starRefunds,
      and(eq(starRefunds.chargeId, payments.chargeId), ne(starRefunds.state, 'failed')),
    );
}

async function bookPayment(
  tx: Tx,
  told: ToldPayment,
  source: Payment['source'],
  referralBonus: Stars,
): Promise<Booking> {
  const amount = starsOfXtr(told.amountXtr);
  requirePositive(amount);
  const { chargeId, personId, amountXtr } = told;
  const [person] = await tx
    .select({ invitedBy: people.invitedBy })
    .from(people)
    .where(eq(people.id, personId));
  if (!person) return { kind: 'unknown_person' };
  await lockAccount(tx, personId);
  const [known] = await tx.select().from(payments).where(eq(payments.chargeId, chargeId));
  if (known) {
    const same = known.personId === personId && known.amountXtr === amountXtr;
    if (same) return { kind: 'already', ...(await describeBooked(tx, known)) };
    const [payment] = await selectPayments(tx).where(eq(payments.chargeId, chargeId));
    if (!payment) throw new Error(`Payment ${chargeId} is gone`);
    return { kind: 'conflict', payment };
  }
  await changeBalance(tx, personId, amount);
  const entryId = await insertEntry(tx, {
    personId,
    kind: 'top_up',
    amount,
    idempotencyKey: paymentKey(chargeId),
    paymentMethod: 'TelegramStars',
  });
  const inviterId = person.invitedBy;
  const bonusEntryId =
    inviterId !== null && referralBonus > 0 && (await isFirst(tx, personId, entryId))
      ? await payBonus(tx, inviterId, personId, referralBonus)
      : null;
  const paidAt = told.paidAt;
  const [row] = await tx
    .insert(payments)
    .values({
      ...{ chargeId, personId, amountXtr, invoiceId: told.payload, source },
      ...{ entryId, bonusEntryId, paidAt },
    })
    .returning();
  if (!row) throw new Error(`Payment ${chargeId} was not written`);
  await tx
    .update(invoices)
    .set({ state: 'paid', paidAt })
    .where(and(paidBy(row), ne(invoices.state, 'paid')));
  return { kind: 'booked', ...(await describeBooked(tx, row)) };
}

/** Whoever invited a person is paid for that once; the bonus goes back with its payment. */
async function payBonus(
  tx: Tx,
  inviterId: number,
  invitedId: number,
  amount: Stars,
): Promise<number | null> {
  await lockAccount(tx, inviterId);
  const idempotencyKey = referralKey(invitedId);
  if (await findDeed(tx, idempotencyKey)) return null;
  await changeBalance(tx, inviterId, amount);
  return insertEntry(tx, {
    personId: inviterId,
    kind: 'top_up',
    amount,
    idempotencyKey,
    paymentMethod: 'Bonus',
  });
}

async function describeBooked(db: Queryable, row: PaymentRow): Promise<BookedPayment> {
  const [payment] = await selectPayments(db).where(eq(payments.chargeId, row.chargeId));
  if (!payment) throw new Error(`Payment ${row.chargeId} is gone`);
  const [invoice] = await db.select().from(invoices).where(paidBy(row));
  const [bonus] =
    row.bonusEntryId === null
      ? []
      : await db
          .select({ personId: entries.personId, amount: entries.amount })
          .from(entries)
          .where(eq(entries.id, row.bonusEntryId));
  const [account] = await db
    .select({ balance: accounts.balance })
    .from(accounts)
    .where(eq(accounts.personId, row.personId));
  return {
    payment,
    invoice: invoice ? toInvoice(invoice) : null,
    repeated: invoice !== undefined && !(await isFirst(db, row.personId, row.entryId, invoice.id)),
    firstTopUp: await isFirst(db, row.personId, row.entryId),
    bonus: bonus ?? null,
    balance: account?.balance ?? NO_STARS,
  };
}

/** The invoice that a payment pays: the payer's own, of exactly what was paid. */
function paidBy({ invoiceId, personId, amountXtr }: PaymentRow) {
  return and(
    eq(invoices.id, invoiceId ?? ''),
    eq(invoices.personId, personId),
    eq(invoices.amountXtr, amountXtr),
  );
}

/** Whether no earlier payment of the person (for this invoice) is in the books. */
async function isFirst(
  db: Queryable,
  personId: number,
  entryId: number,
  invoiceId?: string,
): Promise<boolean> {
  const earlier = await db
    .select({ entryId: payments.entryId })
    .from(payments)
    .where(
      and(
        eq(payments.personId, personId),
        lt(payments.entryId, entryId),
        invoiceId === undefined ? undefined : eq(payments.invoiceId, invoiceId),
      ),
    )
    .limit(1);
  return earlier.length === 0;
}
