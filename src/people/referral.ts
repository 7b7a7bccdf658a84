import { and, count, eq, isNull, ne, sql } from 'drizzle-orm';
import type { Db } from '../db/database.ts';
import { entries, people } from '../db/schema.ts';
import { payments, starRefunds } from '../db/stars-schema.ts';
import { NO_STARS, type Stars } from '../domain/stars.ts';

/** What a person's link has brought. */
export interface ReferralSummary {
  /** People who came by it. */
  readonly invited: number;
  /** Bonuses paid for their first payments, less those that went back, and their sum. */
  readonly bonuses: number;
  readonly bonusStars: Stars;
}

/**
 * Who brought whom. The link is written down by `People.meet`, the bonus is paid by `Payments.book` in
 * the transaction of the first payment.
 */
export interface Referral {
  summary(personId: number): Promise<ReferralSummary>;
}

export function createReferral(deps: { readonly db: Db }): Referral {
  const { db } = deps;
  return {
    async summary(personId) {
      const [came] = await db
        .select({ count: count() })
        .from(people)
        .where(eq(people.invitedBy, personId));
      const [paid] = await db
        .select({
          count: count(),
          total: sql`coalesce(sum(${entries.amount}), 0)`.mapWith(entries.amount),
        })
        .from(payments)
        .innerJoin(people, and(eq(people.id, payments.personId), eq(people.invitedBy, personId)))
        .innerJoin(entries, eq(entries.id, payments.bonusEntryId))
        .leftJoin(
          starRefunds,
          and(eq(starRefunds.chargeId, payments.chargeId), ne(starRefunds.state, 'failed')),
        )
        .where(isNull(starRefunds.id));
      return {
        invited: came?.count ?? 0,
        bonuses: paid?.count ?? 0,
        bonusStars: paid?.total ?? NO_STARS,
      };
    },
  };
}
