import { z } from 'zod';
import { type Db, selectRows } from '../db/database.ts';
import { formatStars, parseStars, type Stars } from '../domain/stars.ts';
import { DIFFERENCES, TOTALS } from './audit-queries.ts';

/**
 * What is compared. The subject of `balance` is a person, of a `refund_exceeds_charge` an entry's key, of
 * an `invoice` its id, of a `promo_code` the code. The rest about payments is named by charge id, or by
 * the key of an entry that has no payment.
 */
const DIFFERENCE_KINDS = [
  'balance',
  'refund_exceeds_charge',
  'order_charge',
  'order_steps',
  'order_refunds',
  'step_refund',
  'payment_top_up',
  'payment_reversal',
  'reversal_exceeds_payment',
  'star_refund',
  'star_refund_failed',
  'invoice',
  'referral_bonus',
  'bonus_reversal',
  'promo_code',
] as const;

/** One thing that does not add up. */
export interface Difference {
  readonly what: (typeof DIFFERENCE_KINDS)[number];
  /** Person, entry key, order, step (`order:position`), charge id or code it is about. */
  readonly subject: string;
  readonly expected: Stars;
  readonly found: Stars;
}

/** What the audit looked at and found; sound books have no differences. */
export interface AuditReport {
  readonly accounts: number;
  readonly entries: number;
  readonly totalBalance: Stars;
  /** The sum of all entries, which the balances add up to in sound books. */
  readonly totalEntries: Stars;
  readonly payments: number;
  /** What Telegram took for us, 1 XTR as 1.00 ⭐. */
  readonly totalPayments: Stars;
  /** What went back to Telegram, or is on its way. */
  readonly totalReversed: Stars;
  /** Refunds that Telegram has not been told of yet. */
  readonly waitingRefunds: number;
  readonly differences: readonly Difference[];
}

const amount = z.string().transform((text, context) => {
  const parsed = parseStars(text);
  if (parsed === undefined) context.addIssue(`not an amount: ${text}`);
  return parsed ?? z.NEVER;
});
const totalsRow = z.object({
  accounts: z.number(),
  entries: z.number(),
  totalBalance: amount,
  totalEntries: amount,
  payments: z.number(),
  totalPayments: amount,
  totalReversed: amount,
  waitingRefunds: z.number(),
});
const differenceRow = z.object({
  what: z.enum(DIFFERENCE_KINDS),
  subject: z.string(),
  expected: amount,
  found: amount,
});

/**
 * Compares, in one snapshot: every balance with the sum of its entries; every charge with its refunds;
 * every order's price with its charge and with the sum of its steps, and its refunds with those of its
 * steps; every step that was not rendered as ordered with its refund; every payment with its top-up and
 * its reversal; every reversal with the refund that was sent, or failed and was reinstated; every paid
 * invoice with its payment; every bonus with what brought it, and with what took it back. It only reads.
 */
export async function auditLedger(db: Db): Promise<AuditReport> {
  return db.transaction(
    async (tx) => {
      const [totals] = await selectRows(tx, TOTALS);
      const differences = await selectRows(tx, DIFFERENCES);
      return {
        ...totalsRow.parse(totals),
        differences: differences.map((row) => differenceRow.parse(row)),
      };
    },
    { isolationLevel: 'repeatable read', accessMode: 'read only' },
  );
}

/** The report as an operator reads it, ending with a newline. */
export function formatAudit(report: AuditReport): string {
  const { accounts, entries, totalBalance, totalEntries, differences } = report;
  const { payments, totalPayments, totalReversed, waitingRefunds } = report;
  const lines = [
    `Accounts: ${accounts}, together ${formatStars(totalBalance)} ⭐`,
    `Entries: ${entries}, together ${formatStars(totalEntries)} ⭐`,
    `Payments: ${payments}, together ${formatStars(totalPayments)} ⭐, of which ${formatStars(totalReversed)} ⭐ went back`,
    `Refunds waiting to be sent: ${waitingRefunds}`,
  ];
  for (const { what, subject, expected, found } of differences) {
    lines.push(
      `${WORDS[what](subject)}: expected ${formatStars(expected)} ⭐, found ${formatStars(found)} ⭐`,
    );
  }
  lines.push(differences.length === 0 ? 'No differences.' : `Differences: ${differences.length}`);
  return `${lines.join('\n')}\n`;
}

const WORDS: Readonly<Record<Difference['what'], (subject: string) => string>> = {
  balance: (person) => `Balance of person ${person}`,
  refund_exceeds_charge: (key) => `Refunds of ${key} (at most its charge)`,
  order_charge: (order) => `Charge of order ${order}`,
  order_steps: (order) => `Sum of the steps of order ${order}`,
  order_refunds: (order) => `Refunds of order ${order} (those of its steps)`,
  step_refund: (step) => `Refund of step ${step}`,
  payment_top_up: (payment) => `Top-up of payment ${payment}`,
  payment_reversal: (payment) => `Reversals of payment ${payment} (those of its refund)`,
  reversal_exceeds_payment: (payment) => `Reversals of payment ${payment} (at most the payment)`,
  star_refund: (payment) => `Reversal behind the refund of payment ${payment}`,
  star_refund_failed: (payment) => `Reinstatement after the refund of payment ${payment}`,
  invoice: (invoice) => `Payment of invoice ${invoice}`,
  referral_bonus: (key) => `Bonus ${key} (the first payment that brought it)`,
  bonus_reversal: (payment) => `Bonus taken back with payment ${payment}`,
  promo_code: (code) => `Stars given for promo code ${code}`,
};
