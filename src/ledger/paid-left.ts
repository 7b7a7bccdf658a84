import { asc, eq } from 'drizzle-orm';
import type { Queryable } from '../db/database.ts';
import { entries } from '../db/schema.ts';
import { type Stars, stars } from '../domain/stars.ts';
import type { Entry } from './entries.ts';

/** What the rule looks at of an entry. */
export type Movement = Pick<Entry, 'id' | 'kind' | 'amount' | 'paymentMethod' | 'chargeId'>;

/**
 * What is left of the payments of a person whose entries these are, the oldest first. Gifts (welcome,
 * promo codes, invitations, grants) are spent before what was paid, and only by charges that come after
 * them; a refund returns what was paid first. Below zero after a payment was taken back that was spent.
 */
export function countPaidLeft(movements: readonly Movement[]): Stars {
  let paid = 0;
  let gifts = 0;
  const paidParts = new Map<number, number>();
  for (const { id, kind, amount, paymentMethod, chargeId } of movements) {
    if (kind === 'charge') {
      const fromGifts = Math.min(Math.max(gifts, 0), -amount);
      const fromPaid = -amount - fromGifts;
      gifts -= fromGifts;
      paid -= fromPaid;
      paidParts.set(id, fromPaid);
    } else if (kind === 'refund') {
      const spent = paidParts.get(chargeId ?? 0) ?? 0;
      const toPaid = Math.min(amount, spent);
      paidParts.set(chargeId ?? 0, spent - toPaid);
      paid += toPaid;
      gifts += amount - toPaid;
    } else if (paymentMethod === 'TelegramStars') {
      paid += amount;
    } else {
      gifts += amount;
    }
  }
  return stars(paid);
}

/** How much of a balance may go back to Telegram: what was paid and is neither spent nor owed. */
export async function readReturnable(
  db: Queryable,
  personId: number,
  balance: Stars,
): Promise<Stars> {
  const { id, kind, amount, paymentMethod, chargeId } = entries;
  const movements = await db
    .select({ id, kind, amount, paymentMethod, chargeId })
    .from(entries)
    .where(eq(entries.personId, personId))
    .orderBy(asc(entries.id));
  return stars(Math.min(balance, countPaidLeft(movements)));
}
