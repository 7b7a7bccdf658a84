import { and, asc, count, desc, eq, gte, inArray, isNull, lte } from 'drizzle-orm';
import type { Db, Tx } from '../db/database.ts';
import { accounts } from '../db/schema.ts';
import { payments, starRefunds } from '../db/stars-schema.ts';
import { NO_STARS, type Stars, stars } from '../domain/stars.ts';
import { starsOfXtr } from '../domain/xtr.ts';
import { giveBonusAgain, takeBonusBack } from './bonus-return.ts';
import { changeBalance, insertEntry, lockAccount } from './entries.ts';
import { reinstatementKey, reversalKey } from './keys.ts';
import { readReturnable } from './paid-left.ts';
import { type Payment, selectPayments } from './payments.ts';

/** Who wants a payment to go back. */
export interface RefundRequest {
  readonly chargeId: string;
  readonly by:
    | { readonly kind: 'person'; readonly personId: number }
    | { readonly kind: 'admin'; readonly adminId: number };
  readonly reason?: string;
  /** A payment older than this many days is `late`; leave it out for no limit. */
  readonly refundDays?: number;
  /** An operator's: also when it is late or spent; the balance may become negative. */
  readonly force?: boolean;
}

/**
 * `unknown`: no such payment, or another person's. `spent`: less is `left` than the payment, and
 * Telegram returns whole payments only. To a person what was given to them is not left, as nobody paid for
 * it; for an operator the whole balance is.
 */
export type RefundRequestOutcome =
  | {
      readonly kind: 'requested';
      readonly refundId: number;
      readonly personId: number;
      readonly amountXtr: number;
      readonly balance: Stars;
    }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'already'; readonly state: NonNullable<Payment['refund']> }
  | { readonly kind: 'late'; readonly paidAt: Date }
  | {
      readonly kind: 'spent';
      readonly balance: Stars;
      readonly left: Stars;
      readonly amountXtr: number;
    };

/** A refund to be sent: `refundStarPayment(personId, chargeId)`. */
export interface DueRefund {
  readonly id: number;
  readonly chargeId: string;
  readonly personId: number;
  readonly amountXtr: number;
  readonly requestedBy: 'person' | 'admin';
  /** How often it was handed out, this time included. */
  readonly tries: number;
}

/** A refund as Telegram tells it, in a `refunded_payment` or in its list of transactions. */
export interface ToldRefund {
  readonly chargeId: string;
  readonly personId: number;
  readonly amountXtr: number;
  readonly at: Date;
}

/**
 * `confirmed`: one that we asked for; `already`: known. `reversed`: we had not asked (a chargeback, or
 * somebody refunded by hand): the stars were taken from the balance, below zero if need be.
 * `unknown_payment`: book the payment first (reconciliation does). `conflict`: person or amount is
 * another's; nothing was booked, tell the admins.
 */
export type ToldRefundOutcome =
  | { readonly kind: 'confirmed' | 'already' }
  | { readonly kind: 'reversed'; readonly balance: Stars }
  | { readonly kind: 'unknown_payment' | 'conflict' };

/** What became of a refund that Telegram will not make. */
export type FailedRefundOutcome =
  | { readonly kind: 'reinstated'; readonly personId: number; readonly balance: Stars }
  /** It is not waiting to be sent: sent, confirmed, or failed before. */
  | { readonly kind: 'not_waiting' };

/** Payments on their way back to Telegram, whole ones, each at most once. */
export interface StarRefunds {
  /**
   * Takes the stars from the balance and puts the refund into the outbox, in one transaction. A bonus
   * that the payment had brought to whoever invited the person goes with it, and comes again with it.
   */
  request(request: RefundRequest): Promise<RefundRequestOutcome>;
  /**
   * The payments of the last days that could go back now, newest first, all of them together: their
   * sum is covered by what was paid and is still on the balance. Those on their way are not among them.
   */
  unused(personId: number, refundDays: number): Promise<Payment[]>;
  /**
   * Takes refunds that are due, oldest first. Each is handed out again only after a pause that grows
   * from 10 s to an hour, so that a process that died with it loses nothing.
   */
  take(limit: number): Promise<DueRefund[]>;
  /** Telegram said yes, or CHARGE_ALREADY_REFUNDED. */
  markSent(id: number): Promise<void>;
  /** It could not be sent for a reason that may pass (429, 502, BALANCE_TOO_LOW); tried again later. */
  markRetry(id: number, error: string, pauseSeconds?: number): Promise<void>;
  /** Telegram said no for good: the stars go back to the balance as a reinstatement. */
  markFailed(id: number, error: string): Promise<FailedRefundOutcome>;
  /** What Telegram tells of a refund, ours or not; the same one may be told again. */
  bookTold(refund: ToldRefund): Promise<ToldRefundOutcome>;
  /** Waiting to be sent, and sent but not yet seen in Telegram's books. */
  count(): Promise<{ readonly requested: number; readonly sent: number }>;
}

const DAY_MS = 86_400_000;

/** The pause before a refund is handed out again: 10 s, doubled each time, at most an hour. */
const FIRST_PAUSE_S = 10;
const LONGEST_PAUSE_S = 3600;

type PaymentRow = typeof payments.$inferSelect;
type RefundRow = typeof starRefunds.$inferSelect;

export function createStarRefunds(deps: { readonly db: Db }): StarRefunds {
  const { db } = deps;
  return {
    request: (request) => db.transaction((tx) => requestRefund(tx, request)),
    unused: (personId, refundDays) => readUnused(db, personId, refundDays),
    take: (limit) => db.transaction((tx) => takeRefunds(tx, limit)),

    async markSent(id) {
      await db
        .update(starRefunds)
        .set({ state: 'sent', sentAt: new Date(), lastError: null })
        .where(and(eq(starRefunds.id, id), eq(starRefunds.state, 'requested')));
    },

    async markRetry(id, error, pauseSeconds) {
      const nextTryAt =
        pauseSeconds === undefined ? {} : { nextTryAt: new Date(Date.now() + pauseSeconds * 1000) };
      await db
        .update(starRefunds)
        .set({ lastError: error, ...nextTryAt })
        .where(and(eq(starRefunds.id, id), eq(starRefunds.state, 'requested')));
    },

    markFailed: (id, error) => db.transaction((tx) => failRefund(tx, id, error)),
    bookTold: (refund) => db.transaction((tx) => bookTold(tx, refund)),

    async count() {
      const rows = await db
        .select({ state: starRefunds.state, count: count() })
        .from(starRefunds)
        .where(inArray(starRefunds.state, ['requested', 'sent']))
        .groupBy(starRefunds.state);
      const of = (state: string) => rows.find((row) => row.state === state)?.count ?? 0;
      return { requested: of('requested'), sent: of('sent') };
    },
  };
}

async function requestRefund(tx: Tx, request: RefundRequest): Promise<RefundRequestOutcome> {
  const { by, chargeId, force = false } = request;
  const payment = await lockPayment(tx, chargeId);
  if (!payment || (by.kind === 'person' && by.personId !== payment.personId)) {
    return { kind: 'unknown' };
  }
  const earlier = await readRefunds(tx, chargeId);
  const live = earlier.find((refund) => refund.state !== 'failed');
  if (live && live.state !== 'failed') return { kind: 'already', state: live.state };
  const { personId, amountXtr, paidAt } = payment;
  if (!force && request.refundDays !== undefined && paidAt < daysAgo(request.refundDays)) {
    return { kind: 'late', paidAt };
  }
  const { balance } = payment;
  const left = by.kind === 'admin' ? balance : await readReturnable(tx, personId, balance);
  if (!force && left < starsOfXtr(amountXtr)) return { kind: 'spent', balance, left, amountXtr };
  const reversal = await reverse(tx, payment, earlier.length, {
    requestedBy: by.kind,
    adminId: by.kind === 'admin' ? by.adminId : null,
    reason: request.reason ?? null,
  });
  return { kind: 'requested', personId, amountXtr, ...reversal };
}

/** The payment, with its person's account held and balance read; undefined when there is none. */
async function lockPayment(
  tx: Tx,
  chargeId: string,
): Promise<(PaymentRow & { readonly balance: Stars }) | undefined> {
  const [payment] = await tx.select().from(payments).where(eq(payments.chargeId, chargeId));
  return payment && { ...payment, balance: await lockAccount(tx, payment.personId) };
}

function readRefunds(tx: Tx, chargeId: string): Promise<RefundRow[]> {
  return tx.select().from(starRefunds).where(eq(starRefunds.chargeId, chargeId)).for('update');
}

/** Takes a whole payment from the balance, and writes down where it goes. */
async function reverse(
  tx: Tx,
  payment: PaymentRow,
  attempt: number,
  refund: Omit<typeof starRefunds.$inferInsert, 'chargeId' | 'entryId'>,
): Promise<{ readonly refundId: number; readonly balance: Stars }> {
  const { chargeId, personId } = payment;
  const amount = stars(-starsOfXtr(payment.amountXtr));
  const balance = await changeBalance(tx, personId, amount);
  const entryId = await insertEntry(tx, {
    personId,
    kind: 'reversal',
    amount,
    idempotencyKey: reversalKey(chargeId, attempt),
    paymentMethod: 'TelegramStars',
    reversesId: payment.entryId,
    reason: refund.reason ?? null,
  });
  await takeBonusBack(tx, { bonusEntryId: payment.bonusEntryId, reversalId: entryId });
  const [row] = await tx
    .insert(starRefunds)
    .values({ ...refund, chargeId, entryId })
    .returning({ id: starRefunds.id });
  if (!row) throw new Error(`The refund of ${chargeId} was not written`);
  return { refundId: row.id, balance };
}

async function readUnused(db: Db, personId: number, refundDays: number): Promise<Payment[]> {
  const [account] = await db
    .select({ balance: accounts.balance })
    .from(accounts)
    .where(eq(accounts.personId, personId));
  let left: number = await readReturnable(db, personId, account?.balance ?? NO_STARS);
  const candidates = await selectPayments(db)
    .where(
      and(
        eq(payments.personId, personId),
        gte(payments.paidAt, daysAgo(refundDays)),
        isNull(starRefunds.id),
      ),
    )
    .orderBy(desc(payments.paidAt), desc(payments.entryId));
  return candidates.filter(({ amountXtr }) => {
    const amount = starsOfXtr(amountXtr);
    if (amount > left) return false;
    left -= amount;
    return true;
  });
}

async function takeRefunds(tx: Tx, limit: number): Promise<DueRefund[]> {
  const due = await tx
    .select({ refund: starRefunds, payment: payments })
    .from(starRefunds)
    .innerJoin(payments, eq(payments.chargeId, starRefunds.chargeId))
    .where(and(eq(starRefunds.state, 'requested'), lte(starRefunds.nextTryAt, new Date())))
    .orderBy(asc(starRefunds.id))
    .limit(limit)
    .for('update', { of: starRefunds, skipLocked: true });
  const taken: DueRefund[] = [];
  for (const { refund, payment } of due) {
    const { id, requestedBy } = refund;
    if (requestedBy === 'telegram') throw new Error(`Refund ${id} is Telegram's own`);
    const tries = refund.tries + 1;
    const pauseS = Math.min(FIRST_PAUSE_S * 2 ** refund.tries, LONGEST_PAUSE_S);
    await tx
      .update(starRefunds)
      .set({ tries, nextTryAt: new Date(Date.now() + pauseS * 1000) })
      .where(eq(starRefunds.id, id));
    const { chargeId, personId, amountXtr } = payment;
    taken.push({ id, chargeId, personId, amountXtr, requestedBy, tries });
  }
  return taken;
}

async function failRefund(tx: Tx, id: number, error: string): Promise<FailedRefundOutcome> {
  const [told] = await tx.select().from(starRefunds).where(eq(starRefunds.id, id));
  const payment = told && (await lockPayment(tx, told.chargeId));
  const [refund] = await tx.select().from(starRefunds).where(eq(starRefunds.id, id)).for('update');
  if (!payment || refund?.state !== 'requested') return { kind: 'not_waiting' };
  const { personId } = payment;
  const amount = starsOfXtr(payment.amountXtr);
  const balance = await changeBalance(tx, personId, amount);
  await insertEntry(tx, {
    personId,
    kind: 'reinstatement',
    amount,
    idempotencyKey: reinstatementKey(id),
    paymentMethod: 'TelegramStars',
    reversesId: refund.entryId,
  });
  await giveBonusAgain(tx, refund.entryId);
  await tx
    .update(starRefunds)
    .set({ state: 'failed', lastError: error, endedAt: new Date() })
    .where(eq(starRefunds.id, id));
  return { kind: 'reinstated', personId, balance };
}

async function bookTold(tx: Tx, told: ToldRefund): Promise<ToldRefundOutcome> {
  const payment = await lockPayment(tx, told.chargeId);
  if (!payment) return { kind: 'unknown_payment' };
  if (payment.personId !== told.personId || payment.amountXtr !== told.amountXtr) {
    return { kind: 'conflict' };
  }
  const earlier = await readRefunds(tx, told.chargeId);
  const live = earlier.find((refund) => refund.state !== 'failed');
  if (live?.state === 'confirmed') return { kind: 'already' };
  const confirmed = { state: 'confirmed', endedAt: new Date() } as const;
  if (live) {
    const { id, sentAt } = live;
    await tx
      .update(starRefunds)
      .set({ ...confirmed, sentAt: sentAt ?? told.at, lastError: null })
      .where(eq(starRefunds.id, id));
    return { kind: 'confirmed' };
  }
  const { balance } = await reverse(tx, payment, earlier.length, {
    ...confirmed,
    requestedBy: 'telegram',
    sentAt: told.at,
  });
  return { kind: 'reversed', balance };
}

function daysAgo(days: number): Date {
  return new Date(Date.now() - days * DAY_MS);
}
