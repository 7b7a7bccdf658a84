import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { type Db, selectRows } from '../db/database.ts';
import { formatStars, parseStars, type Stars } from '../domain/stars.ts';

/** What is compared; the subject of `balance` is a person, of a `refund_exceeds_charge` an entry's key. */
const DIFFERENCE_KINDS = [
  'balance',
  'refund_exceeds_charge',
  'order_charge',
  'order_steps',
  'order_refunds',
  'step_refund',
] as const;

/** One thing that does not add up. */
export interface Difference {
  readonly what: (typeof DIFFERENCE_KINDS)[number];
  /** Person, entry key, order or step (`order:position`) it is about. */
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
 * steps; and every step that was not rendered as ordered with its refund. It only reads.
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
  const lines = [
    `Accounts: ${accounts}, together ${formatStars(totalBalance)} ⭐`,
    `Entries: ${entries}, together ${formatStars(totalEntries)} ⭐`,
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
};

const TOTALS = sql`
  select (select count(*) from accounts)::int as accounts,
         (select count(*) from ledger_entries)::int as entries,
         (select coalesce(sum(balance), 0) from accounts)::text as "totalBalance",
         (select coalesce(sum(amount), 0) from ledger_entries)::text as "totalEntries"`;

const DIFFERENCES = sql`
  with step_refunds as (
    select s.order_id, s.position,
           case when s.state in ('replaced', 'failed', 'cancelled') or o.state = 'failed'
                then s.price else 0 end as expected,
           coalesce(r.amount, 0) as found
      from steps s
      join orders o on o.id = s.order_id
      left join ledger_entries r on r.idempotency_key = 'refund:step:' || s.id
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
  )
  select what, subject, expected::text as expected, found::text as found
    from compared where expected <> found order by 1, 2`;
