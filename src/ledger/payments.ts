import type { Stars } from '../domain/stars.ts';
import type { Invoice } from './invoices.ts';

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
