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
 * `not_booked`: the books refused the line, why is its `error`; it is tried again with every run;
 * `payment_not_at_telegram`, `refund_not_at_telegram`: the books have what Telegram has not.
 */
export interface StarDifference {
  readonly kind:
    | 'amount'
    | 'person'
    | 'unknown_person'
    | 'unknown_payment'
    | 'not_booked'
    | 'payment_not_at_telegram'
    | 'refund_not_at_telegram';
  readonly chargeId: string;
  readonly direction: 'in' | 'out';
  /** As our books have it; null when they have nothing. */
  readonly ours: { readonly personId: number; readonly amountXtr: number } | null;
  readonly telegrams: { readonly personId: number; readonly amountXtr: number } | null;
  readonly error?: string;
}

/** One page of Telegram's list, oldest first, as its `offset` and `limit` ask. */
export type FetchStarTransactions = (
  offset: number,
  limit: number,
) => Promise<readonly StarTransaction[]>;

/** A line about a person's payment. */
export type PersonalLine = StarTransaction & { readonly personId: number };

export function isPersonal(transaction: StarTransaction): transaction is PersonalLine {
  return transaction.personId !== null;
}

/** What makes a line one. */
export function lineKey({ direction, id }: Pick<StarTransaction, 'direction' | 'id'>): string {
  return `${direction} ${id}`;
}

/** Whether a difference of this kind may be gone once the line is read again. */
export function isPending(kind: StarDifference['kind']): boolean {
  return kind === 'unknown_person' || kind === 'not_booked';
}

/** In what a line about a payment differs from how the payment was booked; undefined when in nothing. */
export function comparedTo(
  line: PersonalLine,
  payment: { readonly personId: number; readonly amountXtr: number },
): StarDifference | undefined {
  if (line.personId !== payment.personId) return differenceOf('person', line, payment);
  if (line.amountXtr !== payment.amountXtr) return differenceOf('amount', line, payment);
  return undefined;
}

export function differenceOf(
  kind: StarDifference['kind'],
  { id: chargeId, direction, personId, amountXtr }: PersonalLine,
  payment: { readonly personId: number; readonly amountXtr: number } | null,
): StarDifference {
  const ours = payment && { personId: payment.personId, amountXtr: payment.amountXtr };
  return { kind, chargeId, direction, ours, telegrams: { personId, amountXtr } };
}
