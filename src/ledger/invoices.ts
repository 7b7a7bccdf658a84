import type { Db } from '../db/database.ts';
import type { MorphMode } from '../domain/morph-plan.ts';
import type { Stars } from '../domain/stars.ts';

/** The order that an invoice pays for, and what its person was shown: what `confirm` asks for. */
export interface InvoicedOrder {
  readonly orderId: string;
  readonly mode: MorphMode;
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
 * `cancelled`: taken back, or its order is no longer as it was quoted.
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
  | 'expired';

/** The invoices we sent. No function here takes part in a transaction of the caller's. */
export interface Invoices {
  /** A new open invoice; an earlier open one for the same order is cancelled, so that one is live. */
  open(invoice: {
    readonly personId: number;
    readonly amountXtr: number;
    readonly order?: InvoicedOrder;
  }): Promise<Invoice>;
  find(id: string): Promise<Invoice | undefined>;
  /** Which message carries it. */
  setMessage(id: string, messageId: number): Promise<void>;
  /** Of a person's own invoice; false when it is not open (any more). */
  cancel(id: string, personId: number): Promise<boolean>;
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
