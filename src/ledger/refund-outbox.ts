import { and, asc, eq, lte } from 'drizzle-orm';
import type { Db, Tx } from '../db/database.ts';
import { payments, starRefunds } from '../db/stars-schema.ts';
import type { Stars } from '../domain/stars.ts';
import { starsOfXtr } from '../domain/xtr.ts';
import { giveBonusAgain } from './bonus-return.ts';
import { changeBalance, insertEntry } from './entries.ts';
import { reinstatementKey } from './keys.ts';
import { lockPayment } from './refund-rows.ts';

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

/** What became of a refund that Telegram will not make. */
export type FailedRefundOutcome =
  | { readonly kind: 'reinstated'; readonly personId: number; readonly balance: Stars }
  /** It is not waiting to be sent: sent, confirmed, or failed before. */
  | { readonly kind: 'not_waiting' };

/** The pause before a refund is handed out again: 10 s, doubled each time, at most an hour. */
const FIRST_PAUSE_S = 10;
const LONGEST_PAUSE_S = 3600;

/** Takes refunds that are due, each for one taker, and puts off when they are due again. */
export async function takeRefunds(tx: Tx, limit: number): Promise<DueRefund[]> {
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

/** Telegram said yes. One that became something else meanwhile stays as it is. */
export async function markRefundSent(db: Db, id: number): Promise<void> {
  await db
    .update(starRefunds)
    .set({ state: 'sent', sentAt: new Date(), lastError: null })
    .where(and(eq(starRefunds.id, id), eq(starRefunds.state, 'requested')));
}

/** It is tried again: after the pause it was taken with, or after this one. */
export async function markRefundRetry(
  db: Db,
  id: number,
  error: string,
  pauseSeconds?: number,
): Promise<void> {
  const nextTryAt =
    pauseSeconds === undefined ? {} : { nextTryAt: new Date(Date.now() + pauseSeconds * 1000) };
  await db
    .update(starRefunds)
    .set({ lastError: error, ...nextTryAt })
    .where(and(eq(starRefunds.id, id), eq(starRefunds.state, 'requested')));
}

/** Puts the stars of a refund that Telegram will not make back on the balance. */
export async function failRefund(tx: Tx, id: number, error: string): Promise<FailedRefundOutcome> {
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
