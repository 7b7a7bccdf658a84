import type { BookedPayment } from './payments.ts';

/** One line of Telegram's `getStarTransactions`; (id, direction) is what makes it one. */
export interface StarTransaction {
  /** Of a payment or its refund: the `telegram_payment_charge_id`. */
  readonly id: string;
  /** in: it has a `source`; out: it has a `receiver`. */
  readonly direction: 'in' | 'out';
  readonly amountXtr: number;
  /**
   * The user of an `invoice_payment`. Null for every other partner and transaction type (a withdrawal to
   * Fragment, ads, gifts): these are no payments of ours and are passed over.
   */
  readonly personId: number | null;
  readonly payload: string | null;
  readonly at: Date;
}

/**
 * What cannot be explained. `amount`, `person`: Telegram's line is of another than the books say;
 * `unknown_person`: somebody the bot never met paid; `unknown_payment`: a refund of a payment that neither side has;
 * `payment_not_at_telegram`, `refund_not_at_telegram`: the books have what Telegram has not.
 */
export interface StarDifference {
  readonly kind:
    | 'amount'
    | 'person'
    | 'unknown_person'
    | 'unknown_payment'
    | 'payment_not_at_telegram'
    | 'refund_not_at_telegram';
  readonly chargeId: string;
  readonly direction: 'in' | 'out';
  /** As our books have it; null when they have nothing. */
  readonly ours: { readonly personId: number; readonly amountXtr: number } | null;
  readonly telegrams: { readonly personId: number; readonly amountXtr: number } | null;
}

export interface Reconciliation {
  /** Lines compared. */
  readonly compared: number;
  /** Payments whose update was lost, now on the balance; their persons are to be told. */
  readonly credited: readonly BookedPayment[];
  /** Refunds that nobody here asked for, now taken from the balance. */
  readonly reversed: readonly {
    readonly chargeId: string;
    readonly personId: number;
    readonly amountXtr: number;
  }[];
  /** Refunds of ours now seen in Telegram's books. */
  readonly confirmed: number;
  readonly differences: readonly StarDifference[];
}

/** One page of Telegram's list, oldest first, as its `offset` and `limit` ask. */
export type FetchStarTransactions = (
  offset: number,
  limit: number,
) => Promise<readonly StarTransaction[]>;

export interface Reconciler {
  /**
   * Reads what is new in Telegram's list, and the last 100 lines before it again, and makes the books
   * agree with it. Safe to repeat, to run twice at once and to be killed.
   * @param options.whole from the very first line on, as after a restored backup.
   */
  run(
    fetch: FetchStarTransactions,
    options?: { readonly whole?: boolean },
  ): Promise<Reconciliation>;
  /**
   * The same for lines at hand, without paging.
   * @param completeUntil up to when the books must have been seen by now; without it nothing is missed.
   */
  reconcile(
    transactions: readonly StarTransaction[],
    completeUntil?: Date,
  ): Promise<Reconciliation>;
}
