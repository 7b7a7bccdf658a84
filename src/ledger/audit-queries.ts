import { sql } from 'drizzle-orm';

/** Both sides in numbers; what audit.ts calls each column. */
export const TOTALS = sql`
  select (select count(*) from accounts)::int as accounts,
         (select count(*) from ledger_entries)::int as entries,
         (select coalesce(sum(balance), 0) from accounts)::text as "totalBalance",
         (select coalesce(sum(amount), 0) from ledger_entries)::text as "totalEntries",
         (select count(*) from payments)::int as payments,
         (select coalesce(sum(amount_xtr), 0) from payments)::text as "totalPayments",
         (select coalesce(-sum(amount), 0) from ledger_entries
           where kind in ('reversal', 'reinstatement')
             and payment_method = 'TelegramStars')::text as "totalReversed",
         (select count(*) from star_refunds where state = 'requested')::int as "waitingRefunds"`;

/** Everything that is compared, as (what, subject, expected, found); only what differs is returned. */
export const DIFFERENCES = sql`
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
     where not exists (select from payments p where v.reverses_id in (p.entry_id, p.bonus_entry_id))
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
    select 'bonus_reversal', p.charge_id,
           case when exists (select from star_refunds r
                              where r.charge_id = p.charge_id and r.state <> 'failed')
                then e.amount else 0 end,
           coalesce(v.total, 0)
      from payments p
      join ledger_entries e on e.id = p.bonus_entry_id
      left join reversed v on v.reverses_id = e.id
    union all
    select 'promo_code', c.code, c.used * c.stars, coalesce(e.total, 0)
      from promo_codes c
      left join (select split_part(idempotency_key, ':', 2) as code, sum(amount) as total
                   from ledger_entries where idempotency_key like 'promo:%' group by 1) e
        on e.code = c.code
  )
  select what, subject, expected::text as expected, found::text as found
    from compared where expected <> found order by 1, 2`;
