import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { type Db, selectRows } from '../db/database.ts';
import { ORDER_STATES, type OrderState } from '../domain/order-state.ts';
import { type Period, periodStart } from '../domain/period.ts';
import { parseStars, type Stars, stars } from '../domain/stars.ts';

/** Sales of a period, by the time of each entry: a refund lowers the day it was made on. */
export interface Sales {
  /** Orders that were confirmed, and so charged. */
  readonly orders: number;
  /** Charges less refunds. */
  readonly revenue: Stars;
  /** What we paid for them at the catalogue's prices, less what was refunded. */
  readonly cost: Stars;
  readonly refunds: Stars;
  readonly paymentsXtr: number;
  /** People who began an order or paid. */
  readonly activePeople: number;
}

export interface DayOfSales extends Sales {
  /** In UTC, `2026-11-22`. */
  readonly day: string;
  /** Predictions that ended well on it, and how long one took; null when there was none. */
  readonly renders: number;
  readonly medianRenderSeconds: number | null;
}

export interface Statistics extends Sales {
  /** Revenue less cost. */
  readonly margin: Stars;
  readonly payments: number;
  /** What went back to Telegram. */
  readonly reversed: Stars;
  readonly newPeople: number;
  /** Orders begun in the period, by what became of them. */
  readonly ordersByState: Readonly<Partial<Record<OrderState, number>>>;
  /** Of the predictions that ended well; null when there was none. */
  readonly medianRenderSeconds: number | null;
  /** Every day of the period, oldest first, also those on which nothing happened. */
  readonly days: readonly DayOfSales[];
}

const amount = z.string().transform((text, context) => {
  const parsed = parseStars(text);
  if (parsed === undefined) context.addIssue(`not an amount: ${text}`);
  return parsed ?? z.NEVER;
});
const salesRow = z.object({
  orders: z.number(),
  revenue: amount,
  cost: amount,
  refunds: amount,
  paymentsXtr: z.number(),
  activePeople: z.number(),
});
const dayRow = salesRow.extend({
  day: z.string(),
  renders: z.number(),
  medianRenderSeconds: z.number().nullable(),
});
const totalsRow = salesRow.extend({
  payments: z.number(),
  reversed: amount,
  newPeople: z.number(),
  medianRenderSeconds: z.number().nullable(),
});
const stateRow = z.object({ state: z.enum(ORDER_STATES), count: z.number() });

/** What was sold in a period that ends now, in one snapshot. It only reads. */
export async function readStatistics(db: Db, period: Period, now: Date): Promise<Statistics> {
  const begin = periodStart(period, now);
  const from = begin === null ? sql`'-infinity'::timestamptz` : timeOf(begin);
  const until = timeOf(now);
  return db.transaction(
    async (tx) => {
      const [totals] = await selectRows(tx, totalsQuery(from, until));
      const states = await selectRows(tx, statesQuery(from, until));
      const days = await selectRows(tx, daysQuery(begin === null ? sql`null` : from, until));
      const read = totalsRow.parse(totals);
      return {
        ...read,
        margin: stars(read.revenue - read.cost),
        ordersByState: Object.fromEntries(
          states.map((row) => stateRow.parse(row)).map(({ state, count }) => [state, count]),
        ),
        days: days.map((row) => dayRow.parse(row)),
      };
    },
    { isolationLevel: 'repeatable read', accessMode: 'read only' },
  );
}

type Sql = ReturnType<typeof sql>;

function timeOf(moment: Date): Sql {
  return sql`${moment.toISOString()}::timestamptz`;
}

/** Everything that counts, as (at, person, what); each query sums it up in its own way. */
function eventsBetween(from: Sql, until: Sql): Sql {
  return sql`
    events as (
      select created_at as at, null::bigint as active,
             0 as orders, -amount as revenue, -cost as cost,
             case when kind = 'refund' then amount else 0 end as refunds, 0 as xtr
        from ledger_entries where kind in ('charge', 'refund')
         and created_at between ${from} and ${until}
      union all
      select confirmed_at, null, 1, 0, 0, 0, 0
        from orders where confirmed_at between ${from} and ${until}
      union all
      select created_at, person_id, 0, 0, 0, 0, 0
        from orders where created_at between ${from} and ${until}
      union all
      select paid_at, person_id, 0, 0, 0, 0, amount_xtr
        from payments where paid_at between ${from} and ${until}
    )`;
}

const SUMS = sql`
  coalesce(sum(e.orders), 0)::int as orders,
  coalesce(sum(e.revenue), 0)::text as revenue,
  coalesce(sum(e.cost), 0)::text as cost,
  coalesce(sum(e.refunds), 0)::text as refunds,
  coalesce(sum(e.xtr), 0)::int as "paymentsXtr",
  count(distinct e.active)::int as "activePeople"`;

/** Of predictions. */
const MEDIAN_SECONDS = sql`
  percentile_cont(0.5) within group (order by extract(epoch from ended_at - started_at)::float8)`;

function totalsQuery(from: Sql, until: Sql): Sql {
  return sql`
    with ${eventsBetween(from, until)}
    select ${SUMS},
           (select count(*) from payments where paid_at between ${from} and ${until})::int as payments,
           (select coalesce(-sum(amount), 0) from ledger_entries
             where kind in ('reversal', 'reinstatement') and payment_method = 'TelegramStars'
               and created_at between ${from} and ${until})::text as reversed,
           (select count(*) from people
             where created_at between ${from} and ${until})::int as "newPeople",
           (select ${MEDIAN_SECONDS} from predictions
             where state = 'succeeded' and ended_at between ${from} and ${until}) as "medianRenderSeconds"
      from events e`;
}

function statesQuery(from: Sql, until: Sql): Sql {
  return sql`
    select state, count(*)::int as count from orders
     where created_at between ${from} and ${until} group by state`;
}

/** `from`: null for the day of the first event. */
function daysQuery(from: Sql, until: Sql): Sql {
  return sql`
    with ${eventsBetween(sql`coalesce(${from}, '-infinity'::timestamptz)`, until)},
    days as (
      select generate_series(
        date_trunc('day', coalesce(${from}, (select min(at) from events), ${until}) at time zone 'UTC'),
        date_trunc('day', ${until} at time zone 'UTC'),
        interval '1 day') as day
    ), renders as (
      select date_trunc('day', ended_at at time zone 'UTC') as day, count(*)::int as renders,
             ${MEDIAN_SECONDS} as seconds
        from predictions
       where state = 'succeeded' and ended_at <= ${until}
         and ended_at >= coalesce(${from}, '-infinity'::timestamptz)
       group by 1
    )
    select to_char(d.day, 'YYYY-MM-DD') as day, ${SUMS},
           coalesce(max(r.renders), 0) as renders, max(r.seconds) as "medianRenderSeconds"
      from days d
      left join events e on date_trunc('day', e.at at time zone 'UTC') = d.day
      left join renders r on r.day = d.day
     group by d.day order by d.day`;
}
