import { eq } from 'drizzle-orm';
import type { Tx } from '../db/database.ts';
import { starRefunds } from '../db/stars-schema.ts';
import type { Stars } from '../domain/stars.ts';
import { lockPayment, readRefunds, reverse } from './refund-rows.ts';

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

/** Books what Telegram tells; in the caller's transaction. */
export async function bookToldRefund(tx: Tx, told: ToldRefund): Promise<ToldRefundOutcome> {
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
