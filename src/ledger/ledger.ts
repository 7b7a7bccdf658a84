import { and, desc, eq, inArray, sql } from 'drizzle-orm';
import type { Db, Queryable, Tx } from '../db/database.ts';
import { accounts, type EntryKind, entries, orders } from '../db/schema.ts';
import { ACTIVE_STATES } from '../domain/order-state.ts';
import { formatStars, NO_STARS, type Stars, stars } from '../domain/stars.ts';
import {
  changeBalance,
  findDeed,
  findEntry,
  insertEntry,
  lockAccount,
  requirePositive,
  sameDeed,
} from './entries.ts';
import { type TopUpSource, topUpSource } from './keys.ts';

/** Money for a sale. `key` makes it happen once, however often it is asked for. */
export interface Charge {
  readonly personId: number;
  /** Above zero; it is stored negative. */
  readonly amount: Stars;
  readonly cost: Stars;
  readonly serviceType: string;
  readonly orderId: string;
  readonly key: string;
}

/** Money back for a part of a charge, or for all of it. */
export interface Refund {
  readonly chargeKey: string;
  readonly amount: Stars;
  readonly cost: Stars;
  readonly reason: string;
  readonly key: string;
}

/** Money in. */
export interface TopUp {
  readonly personId: number;
  readonly amount: Stars;
  readonly paymentMethod: 'TelegramStars' | 'Admin' | 'Bonus';
  readonly reason?: string;
  readonly key: string;
}

export type ChargeOutcome =
  | { readonly kind: 'charged'; readonly entryId: number; readonly balance: Stars }
  | { readonly kind: 'already'; readonly entryId: number }
  | { readonly kind: 'short'; readonly balance: Stars };

export type RefundOutcome =
  | { readonly kind: 'refunded'; readonly entryId: number }
  | { readonly kind: 'already'; readonly entryId: number }
  | { readonly kind: 'no_charge' }
  | { readonly kind: 'exceeds'; readonly left: Stars };

export type TopUpOutcome =
  | { readonly kind: 'topped_up'; readonly balance: Stars }
  | { readonly kind: 'already' };

/** A line of a person's statement. */
export interface StatementLine {
  readonly kind: EntryKind;
  /**
   * Of a top-up, its reversal or reinstatement: where the stars came from; null for a kind this version does
   * not know.
   */
  readonly source: TopUpSource | null;
  /** Signed. */
  readonly amount: Stars;
  readonly serviceType: string | null;
  /** The order it belongs to; null for money in. */
  readonly orderId: string | null;
  readonly reason: string | null;
  readonly at: Date;
}

/**
 * The books. Writing takes part in the caller's transaction: an order and its charge commit together.
 * Every writer first locks the person's account row, so writers of one person take turns and an
 * idempotency key is either seen or ours.
 */
export interface Ledger {
  charge(tx: Tx, charge: Charge): Promise<ChargeOutcome>;
  /** Never more than what is left of the charge. */
  refund(tx: Tx, refund: Refund): Promise<RefundOutcome>;
  /** In the caller's transaction, or in one of its own. */
  topUp(topUp: TopUp, tx?: Tx): Promise<TopUpOutcome>;
  /** Zero for a person without an account. */
  balance(personId: number, db?: Queryable): Promise<Stars>;
  /** The newest entries first. */
  statement(personId: number, limit: number): Promise<StatementLine[]>;
  /** What was refunded of one order, in total. */
  refunded(orderId: string, db?: Queryable): Promise<Stars>;
  /** What was charged for the person's orders that are still on their way, less their refunds. */
  reserved(personId: number): Promise<Stars>;
}

/** @param deps.db the database for reading outside of transactions. */
export function createLedger(deps: { readonly db: Db }): Ledger {
  return {
    charge: recordCharge,
    refund: recordRefund,
    topUp: (topUp, tx) =>
      tx ? recordTopUp(tx, topUp) : deps.db.transaction((own) => recordTopUp(own, topUp)),
    balance: (personId, db = deps.db) => readBalance(db, personId),
    statement: (personId, limit) => readStatement(deps.db, personId, limit),
    refunded: (orderId, db = deps.db) => readRefunded(db, orderId),
    reserved: (personId) => readReserved(deps.db, personId),
  };
}

async function recordCharge(tx: Tx, charge: Charge): Promise<ChargeOutcome> {
  requirePositive(charge.amount);
  const balance = await lockAccount(tx, charge.personId);
  const earlier = await findDeed(tx, charge.key);
  if (earlier) return { kind: 'already', entryId: sameDeed(earlier, charge.personId, 'charge').id };
  // The statement that lowers the balance is the one that checks it.
  const [debited] = await tx
    .update(accounts)
    .set({ balance: sql`${accounts.balance} - ${formatStars(charge.amount)}::numeric` })
    .where(
      and(
        eq(accounts.personId, charge.personId),
        sql`${accounts.balance} >= ${formatStars(charge.amount)}::numeric`,
      ),
    )
    .returning({ balance: accounts.balance });
  if (!debited) return { kind: 'short', balance };
  const entryId = await insertEntry(tx, {
    personId: charge.personId,
    kind: 'charge',
    amount: stars(-charge.amount),
    cost: stars(-charge.cost),
    idempotencyKey: charge.key,
    serviceType: charge.serviceType,
    paymentMethod: 'Internal',
    orderId: charge.orderId,
  });
  return { kind: 'charged', entryId, balance: debited.balance };
}

async function recordRefund(tx: Tx, refund: Refund): Promise<RefundOutcome> {
  requirePositive(refund.amount);
  const charge = await findEntry(tx, refund.chargeKey);
  if (charge?.kind !== 'charge') return { kind: 'no_charge' };
  await lockAccount(tx, charge.personId);
  const earlier = await findDeed(tx, refund.key);
  if (earlier) return { kind: 'already', entryId: sameDeed(earlier, charge.personId, 'refund').id };
  const [returned] = await tx
    .select({ total: sql`coalesce(sum(${entries.amount}), 0)`.mapWith(entries.amount) })
    .from(entries)
    .where(eq(entries.chargeId, charge.id));
  const left = stars(-charge.amount - (returned?.total ?? NO_STARS));
  if (refund.amount > left) return { kind: 'exceeds', left };
  await changeBalance(tx, charge.personId, refund.amount);
  const entryId = await insertEntry(tx, {
    personId: charge.personId,
    kind: 'refund',
    amount: refund.amount,
    cost: refund.cost,
    idempotencyKey: refund.key,
    serviceType: charge.serviceType,
    paymentMethod: 'Internal',
    chargeId: charge.id,
    orderId: charge.orderId,
    reason: refund.reason,
  });
  return { kind: 'refunded', entryId };
}

async function recordTopUp(tx: Tx, topUp: TopUp): Promise<TopUpOutcome> {
  requirePositive(topUp.amount);
  await lockAccount(tx, topUp.personId);
  const earlier = await findDeed(tx, topUp.key);
  if (earlier) {
    sameDeed(earlier, topUp.personId, 'top_up');
    return { kind: 'already' };
  }
  const balance = await changeBalance(tx, topUp.personId, topUp.amount);
  await insertEntry(tx, {
    personId: topUp.personId,
    kind: 'top_up',
    amount: topUp.amount,
    idempotencyKey: topUp.key,
    paymentMethod: topUp.paymentMethod,
    reason: topUp.reason ?? null,
  });
  return { kind: 'topped_up', balance };
}

async function readBalance(db: Queryable, personId: number): Promise<Stars> {
  const [account] = await db
    .select({ balance: accounts.balance })
    .from(accounts)
    .where(eq(accounts.personId, personId));
  return account?.balance ?? NO_STARS;
}

async function readStatement(
  db: Queryable,
  personId: number,
  limit: number,
): Promise<StatementLine[]> {
  const lines = await db
    .select({
      key: entries.idempotencyKey,
      kind: entries.kind,
      amount: entries.amount,
      serviceType: entries.serviceType,
      orderId: entries.orderId,
      reason: entries.reason,
      at: entries.createdAt,
    })
    .from(entries)
    .where(eq(entries.personId, personId))
    .orderBy(desc(entries.id))
    .limit(limit);
  return lines.map(({ key, ...line }) => ({
    ...line,
    source: topUpSource(key),
  }));
}

async function readRefunded(db: Queryable, orderId: string): Promise<Stars> {
  const [sum] = await db
    .select({ total: sql`coalesce(sum(${entries.amount}), 0)`.mapWith(entries.amount) })
    .from(entries)
    .where(and(eq(entries.orderId, orderId), eq(entries.kind, 'refund')));
  return sum?.total ?? NO_STARS;
}

async function readReserved(db: Queryable, personId: number): Promise<Stars> {
  const [sum] = await db
    .select({ total: sql`coalesce(-sum(${entries.amount}), 0)`.mapWith(entries.amount) })
    .from(entries)
    .innerJoin(orders, eq(orders.id, entries.orderId))
    .where(and(eq(entries.personId, personId), inArray(orders.state, [...ACTIVE_STATES])));
  return sum?.total ?? NO_STARS;
}
