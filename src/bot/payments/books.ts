import type { Invoices } from '../../ledger/invoices.ts';
import type { Payments } from '../../ledger/payments.ts';
import type { Reconciler } from '../../ledger/reconcile.ts';
import type { StarRefunds } from '../../ledger/star-refunds.ts';
import type { Sales } from '../../people/sales.ts';
import type { Terms } from '../../people/terms.ts';

/** What the bot needs to know and write down about payments. */
export interface StarBooks {
  readonly payments: Payments;
  readonly invoices: Invoices;
  readonly refunds: StarRefunds;
  readonly reconciler: Reconciler;
  readonly sales: Pick<Sales, 'paused'>;
  readonly terms: Terms;
}

/** What is offered, and for how long it may be taken back. */
export interface PaymentOffers {
  /** The packs of a top-up, in XTR. */
  readonly packs: readonly number[];
  /** Days within which unused payments can be taken back; 0: not by oneself. */
  readonly refundDays: number;
}

/** The pauses and patience of payments; tests shorten them. In milliseconds. */
export interface PaymentTimings {
  /** How long the books are waited for before a pre-checkout is refused: Telegram allows ten seconds. */
  readonly checkoutMs: number;
  /** How often Telegram's list of transactions is compared with the books. */
  readonly reconcileMs: number;
  /** How often payments whose consequences were left open are looked for, and how old they are. */
  readonly settleMs: number;
  /** How often refunds are looked for that are due. */
  readonly refundMs: number;
  /** How often invoices are looked for that nobody should pay any more. */
  readonly takeDownMs: number;
}
