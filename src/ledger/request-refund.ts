import { and, desc, eq, gte, inArray, isNull } from 'drizzle-orm';
import type { Db, Tx } from '../db/database.ts';
import { accounts } from '../db/schema.ts';
import { payments, starRefunds } from '../db/stars-schema.ts';
import { NO_STARS, type Stars, stars } from '../domain/stars.ts';
import { starsOfXtr } from '../domain/xtr.ts';
import { readPaidLeft, returnable } from './paid-left.ts';
import { type Payment, selectPayments } from './payments.ts';
import { lockPayment, readRefunds, reverse } from './refund-rows.ts';

/** Who wants a payment to go back. */
export interface RefundRequest {
  readonly chargeId: string;
  readonly by:
    | { readonly kind: 'person'; readonly personId: number }
    | { readonly kind: 'admin'; readonly adminId: number };
  readonly reason?: string;
  /** A payment older than this many days is `late`; leave it out for no limit. */
  readonly refundDays?: number;
}

/**
 * `unknown`: no such payment, or another person's. `spent`: less is `left` of this payment than it was, and
 * Telegram returns whole payments only, whoever asks. What was given to the person is not left of it, nor
 * what they paid after it was spent.
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

const DAY_MS = 86_400_000;

/** Takes the stars from the balance and puts the refund into the outbox; in the caller's transaction. */
export async function requestRefund(tx: Tx, request: RefundRequest): Promise<RefundRequestOutcome> {
  const { by, chargeId } = request;
  const payment = await lockPayment(tx, chargeId);
  if (!payment || (by.kind === 'person' && by.personId !== payment.personId)) {
    return { kind: 'unknown' };
  }
  const earlier = await readRefunds(tx, chargeId);
  const live = earlier.find((refund) => refund.state !== 'failed');
  if (live && live.state !== 'failed') return { kind: 'already', state: live.state };
  const { personId, amountXtr, paidAt, balance } = payment;
  if (request.refundDays !== undefined && paidAt < daysAgo(request.refundDays)) {
    return { kind: 'late', paidAt };
  }
  const paidLeft = await readPaidLeft(tx, personId);
  const left = returnable(paidLeft.of(payment.entryId), balance);
  if (left < starsOfXtr(amountXtr)) return { kind: 'spent', balance, left, amountXtr };
  const reversal = await reverse(tx, payment, earlier.length, {
    requestedBy: by.kind,
    adminId: by.kind === 'admin' ? by.adminId : null,
    reason: request.reason ?? null,
  });
  return { kind: 'requested', personId, amountXtr, ...reversal };
}

/** The payments of the last days that could go back together, the newest first. */
export async function readUnused(db: Db, personId: number, refundDays: number): Promise<Payment[]> {
  const [account] = await db
    .select({ balance: accounts.balance })
    .from(accounts)
    .where(eq(accounts.personId, personId));
  let balance = account?.balance ?? NO_STARS;
  let paidLeft = await readPaidLeft(db, personId);
  const candidates = await selectPayments(db)
    .where(
      and(
        eq(payments.personId, personId),
        gte(payments.paidAt, daysAgo(refundDays)),
        isNull(starRefunds.id),
      ),
    )
    .orderBy(desc(payments.paidAt), desc(payments.entryId));
  const topUps = await readTopUps(db, candidates);
  return candidates.filter(({ chargeId, amountXtr }) => {
    const amount = starsOfXtr(amountXtr);
    const topUpId = topUps.get(chargeId) ?? 0;
    if (returnable(paidLeft.of(topUpId), balance) < amount) return false;
    paidLeft = paidLeft.without(topUpId);
    balance = stars(balance - amount);
    return true;
  });
}

/** The entries that put payments on the balance, by charge id. */
async function readTopUps(db: Db, of: readonly Payment[]): Promise<ReadonlyMap<string, number>> {
  const rows = await db
    .select({ chargeId: payments.chargeId, entryId: payments.entryId })
    .from(payments)
    .where(
      inArray(
        payments.chargeId,
        of.map(({ chargeId }) => chargeId),
      ),
    );
  return new Map(rows.map(({ chargeId, entryId }) => [chargeId, entryId]));
}

function daysAgo(days: number): Date {
  return new Date(Date.now() - days * DAY_MS);
}
