import { count, inArray } from 'drizzle-orm';
import type { Db } from '../db/database.ts';
import { starRefunds } from '../db/stars-schema.ts';
import type { Payment } from './payments.ts';
import { markRefundTold, type RefundNews, readRefundNews } from './refund-news.ts';
import {
  type DueRefund,
  type FailedRefundOutcome,
  failRefund,
  markRefundRetry,
  markRefundSent,
  takeRefunds,
} from './refund-outbox.ts';
import {
  type RefundRequest,
  type RefundRequestOutcome,
  readUnused,
  requestRefund,
} from './request-refund.ts';
import { bookToldRefund, type ToldRefund, type ToldRefundOutcome } from './told-refund.ts';

/** Payments on their way back to Telegram, whole ones, each at most once. */
export interface StarRefunds {
  /**
   * Takes the stars from the balance and puts the refund into the outbox, in one transaction. A bonus
   * that the payment had brought to whoever invited the person goes with it, and comes again with it.
   */
  request(request: RefundRequest): Promise<RefundRequestOutcome>;
  /**
   * The payments of the last days that could go back now, newest first, all of them together. Those on
   * their way are not among them.
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
  /**
   * What became of refunds and was not told yet, oldest first: the same until `markTold`, so that a
   * process that dies in between loses no news.
   */
  news(limit: number): Promise<RefundNews[]>;
  markTold(id: number): Promise<void>;
  /** Waiting to be sent, and sent but not yet seen in Telegram's books. */
  count(): Promise<{ readonly requested: number; readonly sent: number }>;
}

export function createStarRefunds(deps: { readonly db: Db }): StarRefunds {
  const { db } = deps;
  return {
    request: (request) => db.transaction((tx) => requestRefund(tx, request)),
    unused: (personId, refundDays) => readUnused(db, personId, refundDays),
    take: (limit) => db.transaction((tx) => takeRefunds(tx, limit)),
    markSent: (id) => markRefundSent(db, id),
    markRetry: (id, error, pauseSeconds) => markRefundRetry(db, id, error, pauseSeconds),
    markFailed: (id, error) => db.transaction((tx) => failRefund(tx, id, error)),
    bookTold: (refund) => db.transaction((tx) => bookToldRefund(tx, refund)),
    news: (limit) => readRefundNews(db, limit),
    markTold: (id) => markRefundTold(db, id),

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
