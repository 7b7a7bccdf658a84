import type { Stars } from '../domain/stars.ts';
import type { Payment } from './payments.ts';

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
 * `unknown`: no such payment, or another person's. `spent`: less is left on the balance than the
 * payment, and Telegram returns whole payments only.
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
  | { readonly kind: 'spent'; readonly balance: Stars; readonly amountXtr: number };

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
  /** Takes the stars from the balance and puts the refund into the outbox, in one transaction. */
  request(request: RefundRequest): Promise<RefundRequestOutcome>;
  /**
   * The payments of the last days that could go back now, newest first, all of them together: their
   * sum is covered by the balance. Those on their way are not among them.
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
