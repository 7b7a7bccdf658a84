import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { type Db, selectRows } from '../db/database.ts';

/** One thing that does not add up. */
export interface Difference {
  readonly what: 'balance' | 'refund_exceeds_charge' | 'order_charge' | 'step_refund';
  /** Person or order it is about. */
  readonly subject: string;
  readonly expected: string;
  readonly found: string;
}

/** What the audit looked at and found; sound books have no differences. */
export interface AuditReport {
  readonly people: number;
  readonly entries: number;
  readonly totalBalance: string;
  readonly differences: readonly Difference[];
}

const totalsRow = z.object({
  people: z.coerce.number(),
  entries: z.coerce.number(),
  total: z.coerce.string(),
});
const differenceRow = z.object({
  what: z.enum(['balance', 'refund_exceeds_charge', 'order_charge', 'step_refund']),
  subject: z.coerce.string(),
  expected: z.coerce.string(),
  found: z.coerce.string(),
});

/**
 * Compares, in one snapshot: every balance with the sum of its entries; every charge with its refunds;
 * every confirmed order's price with its charge and with the sum of its steps; and every step that
 * was not rendered as ordered with its refund.
 */
export async function auditLedger(db: Db): Promise<AuditReport> {
  return db.transaction(
    async (tx) => {
      const [totals] = await selectRows(
        tx,
        sql`select (select count(*) from accounts)::int as people,
                   (select count(*) from ledger_entries)::int as entries,
                   (select coalesce(sum(balance), 0) from accounts)::text as total`,
      );
      const differences = await selectRows(
        tx,
        sql`
        select 'balance' as what, coalesce(a.person_id, e.person_id)::text as subject,
               coalesce(e.total, 0)::text as expected, coalesce(a.balance, 0)::text as found
          from accounts a
          full join (select person_id, sum(amount) as total from ledger_entries group by 1) e
            on e.person_id = a.person_id
         where coalesce(e.total, 0) <> coalesce(a.balance, 0)
        union all
        select 'refund_exceeds_charge', c.idempotency_key, (-c.amount)::text, sum(r.amount)::text
          from ledger_entries c join ledger_entries r on r.charge_id = c.id
         group by c.id having sum(r.amount) > -c.amount
        union all
        select 'order_charge', o.id, o.price::text, coalesce(-c.amount, 0)::text
          from orders o
          left join ledger_entries c on c.order_id = o.id and c.kind = 'charge'
          left join (select order_id, sum(price) as total from steps group by 1) s on s.order_id = o.id
         where o.confirmed_at is not null
           and (o.price is distinct from -c.amount or o.price is distinct from s.total)
        union all
        select 'step_refund', s.order_id || ':' || s.position,
               case when s.state in ('replaced', 'failed', 'cancelled') or o.state = 'failed'
                    then s.price else 0 end::text,
               coalesce(r.amount, 0)::text
          from steps s
          join orders o on o.id = s.order_id
          left join ledger_entries r on r.idempotency_key = 'refund:step:' || s.id
         where case when s.state in ('replaced', 'failed', 'cancelled') or o.state = 'failed'
                    then s.price else 0 end <> coalesce(r.amount, 0)
        order by 1, 2`,
      );
      return {
        ...totalsRow
          .transform((row) => ({
            people: row.people,
            entries: row.entries,
            totalBalance: row.total,
          }))
          .parse(totals),
        differences: differences.map((row) => differenceRow.parse(row)),
      };
    },
    { isolationLevel: 'repeatable read' },
  );
}
