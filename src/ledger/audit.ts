import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { type Db, selectRows } from '../db/database.ts';
import { formatStars, parseStars, type Stars } from '../domain/stars.ts';

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
 * invoice with its payment; every bonus with what brought it. It only reads.
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
  promo_code: (code) => `Stars given for promo code ${code}`,
};

const TOTALS = sql`
  select (select count(*) from accounts)::int as accounts,
         (select count(*) from ledger_entries)::int as entries,
         (select coalesce(sum(balance), 0) from accounts)::text as "totalBalance",
         (select coalesce(sum(amount), 0) from ledger_entries)::text as "totalEntries",
         (select count(*) from payments)::int as payments,
         (select coalesce(sum(amount_xtr), 0) from payments)::text as "totalPayments",
         (select coalesce(-sum(amount), 0) from ledger_entries
           where kind in ('reversal', 'reinstatement'))::text as "totalReversed",
         (select count(*) from star_refunds where state = 'requested')::int as "waitingRefunds"`;

const DIFFERENCES = sql`
  with step_refunds as (
    select s.order_id, s.position,
           case when s.state in ('replaced', 'failed', 'cancelled') or o.state = 'failed'
                then s.price else 0 end as expected,
           coalesce(r.amount, 0) as found
      from steps s
      join orders o on o.id = s.order_id
      left join ledger_entries r on r.idempotency_key = 'refund:step:' || s.id
  ), reversals as (
    select v.id, v.idempotency_key, v.reverses_id, -v.amount as amount,
           coalesce(n.amount, 0) as reinstated
      from ledger_entries v
      left join ledger_entries n on n.reverses_id = v.id and n.kind = 'reinstatement'
     where v.kind = 'reversal'
  ), reversed as (
    select reverses_id, sum(amount - reinstated) as total from reversals group by 1
  ), paid as (
    select i.id, i.state, i.amount_xtr,
           exists (select from payments p
                    where p.invoice_id = i.id and p.person_id = i.person_id
                      and p.amount_xtr = i.amount_xtr) as found
      from invoices i
  ), compared as (
    select 'balance' as what, coalesce(a.person_id, e.person_id)::text as subject,
           coalesce(e.total, 0) as expected, coalesce(a.balance, 0) as found
      from accounts a
      full join (select person_id, sum(amount) as total from ledger_entries group by 1) e
        on e.person_id = a.person_id
    union all
    select 'refund_exceeds_charge', c.idempotency_key, -c.amount, r.total
      from ledger_entries c
      join (select charge_id, sum(amount) as total from ledger_entries group by 1) r
        on r.charge_id = c.id and r.total > -c.amount
    union all
    select 'order_charge', o.id, case when o.confirmed_at is null then 0 else coalesce(o.price, 0) end,
           coalesce(c.total, 0)
      from orders o
      left join (select order_id, sum(-amount) as total from ledger_entries
                  where kind = 'charge' group by 1) c on c.order_id = o.id
    union all
    select 'order_steps', o.id, coalesce(o.price, 0), coalesce(s.total, 0)
      from orders o
      left join (select order_id, sum(price) as total from steps group by 1) s on s.order_id = o.id
     where o.confirmed_at is not null
    union all
    select 'order_refunds', o.id, coalesce(s.total, 0), coalesce(r.total, 0)
      from orders o
      left join (select order_id, sum(found) as total from step_refunds group by 1) s
        on s.order_id = o.id
      left join (select order_id, sum(amount) as total from ledger_entries
                  where kind = 'refund' group by 1) r on r.order_id = o.id
    union all
    select 'step_refund', order_id || ':' || position, expected, found from step_refunds
    union all
    select 'payment_top_up', coalesce(p.charge_id, e.idempotency_key), coalesce(p.amount_xtr, 0),
           coalesce(e.amount, 0)
      from payments p
      full join (select * from ledger_entries
                  where kind = 'top_up' and payment_method = 'TelegramStars') e
        on e.id = p.entry_id and e.person_id = p.person_id
    union all
    select 'payment_reversal', p.charge_id,
           case when exists (select from star_refunds r
                              where r.charge_id = p.charge_id and r.state <> 'failed')
                then p.amount_xtr else 0 end,
           coalesce(v.total, 0)
      from payments p
      left join reversed v on v.reverses_id = p.entry_id
    union all
    select 'reversal_exceeds_payment', p.charge_id, p.amount_xtr, v.total
      from payments p
      join reversed v on v.reverses_id = p.entry_id and v.total > p.amount_xtr
    union all
    select 'payment_reversal', v.idempotency_key, 0, v.amount
      from reversals v
     where not exists (select from payments p where p.entry_id = v.reverses_id)
    union all
    select 'star_refund', r.charge_id, p.amount_xtr, coalesce(v.amount, 0)
      from star_refunds r
      join payments p on p.charge_id = r.charge_id
      left join reversals v on v.id = r.entry_id and v.reverses_id = p.entry_id
    union all
    select 'star_refund_failed', r.charge_id,
           case when r.state = 'failed' then p.amount_xtr else 0 end, coalesce(v.reinstated, 0)
      from star_refunds r
      join payments p on p.charge_id = r.charge_id
      left join reversals v on v.id = r.entry_id
    union all
    select 'invoice', id, case when state = 'paid' then amount_xtr else 0 end,
           case when found then amount_xtr else 0 end
      from paid
    union all
    select 'referral_bonus', e.idempotency_key, 0, e.amount
      from ledger_entries e
     where e.idempotency_key like 'referral:%'
       and not exists (select from payments p where p.bonus_entry_id = e.id
                          and e.idempotency_key = 'referral:' || p.person_id)
    union all
    select 'promo_code', c.code, c.used * c.stars, coalesce(e.total, 0)
      from promo_codes c
      left join (select split_part(idempotency_key, ':', 2) as code, sum(amount) as total
                   from ledger_entries where idempotency_key like 'promo:%' group by 1) e
        on e.code = c.code
  )
  select what, subject, expected::text as expected, found::text as found
    from compared where expected <> found order by 1, 2`;
