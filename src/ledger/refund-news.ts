import { and, asc, eq, isNull, ne } from 'drizzle-orm';
import type { Db } from '../db/database.ts';
import { entries } from '../db/schema.ts';
import { payments, starRefunds } from '../db/stars-schema.ts';
import { type Stars, stars } from '../domain/stars.ts';

/** What became of a payment on its way back, for those whom it concerns. */
export interface RefundNews {
  /** The refund's. */
  readonly id: number;
  readonly chargeId: string;
  readonly personId: number;
  readonly amountXtr: number;
  /**
   * `returned`: Telegram gave back what we asked it to; `taken`: it did so by itself; `refused`: it does
   * not, for `error`, and the stars are on the balance again.
   */
  readonly outcome: 'returned' | 'taken' | 'refused';
  readonly error: string | null;
  /** What left the balance of whoever had invited the person; null for nothing. */
  readonly bonus: { readonly personId: number; readonly amount: Stars } | null;
}

/** The oldest first. */
export async function readRefundNews(db: Db, limit: number): Promise<RefundNews[]> {
  const rows = await db
    .select({ refund: starRefunds, payment: payments, bonus: entries })
    .from(starRefunds)
    .innerJoin(payments, eq(payments.chargeId, starRefunds.chargeId))
    .leftJoin(entries, eq(entries.id, payments.bonusEntryId))
    .where(and(ne(starRefunds.state, 'requested'), isNull(starRefunds.toldAt)))
    .orderBy(asc(starRefunds.id))
    .limit(limit);
  return rows.map(({ refund, payment, bonus }) => {
    const { id, chargeId, lastError: error } = refund;
    const { personId, amountXtr } = payment;
    const outcome = outcomeOf(refund);
    const isGone = bonus && outcome !== 'refused';
    const taken = isGone ? { personId: bonus.personId, amount: stars(bonus.amount) } : null;
    return { id, chargeId, personId, amountXtr, outcome, error, bonus: taken };
  });
}

function outcomeOf(refund: typeof starRefunds.$inferSelect): RefundNews['outcome'] {
  if (refund.state === 'failed') return 'refused';
  return refund.requestedBy === 'telegram' ? 'taken' : 'returned';
}

/** Everybody was told. */
export async function markRefundTold(db: Db, id: number): Promise<void> {
  await db.update(starRefunds).set({ toldAt: new Date() }).where(eq(starRefunds.id, id));
}
