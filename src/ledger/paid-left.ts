import { asc, eq } from 'drizzle-orm';
import type { Queryable } from '../db/database.ts';
import { entries } from '../db/schema.ts';
import { NO_STARS, type Stars, stars } from '../domain/stars.ts';
import type { Entry } from './entries.ts';

/** What the rule looks at of an entry. */
export type Movement = Pick<
  Entry,
  'id' | 'kind' | 'amount' | 'paymentMethod' | 'chargeId' | 'reversesId'
>;

/** What is left of the payments of one person; each is named by its top-up's entry. */
export interface PaidLeft {
  /** Of all of them together; below zero after one was taken back that was spent. */
  readonly total: Stars;
  /** Of one payment: nothing of one that went back. */
  of(topUpId: number): Stars;
  /** The same once this one has gone back as well. */
  without(topUpId: number): PaidLeft;
}

/** Money that came with a payment, or that a charge took of it and has not given back. */
interface PaidStep {
  readonly entryId: number;
  amount: number;
}

/**
 * What is left of the payments of a person whose entries these are, the oldest first. Gifts (welcome,
 * promo codes, invitations, grants) are spent before what was paid, and only by charges that come after
 * them; what a charge gives back is what was paid first. A payment is left as far as the charges since then
 * could have been paid without it: not by stars that came after them.
 */
export function countPaidLeft(movements: readonly Movement[]): PaidLeft {
  return leftAfter(listPaidSteps(movements));
}

function listPaidSteps(movements: readonly Movement[]): PaidStep[] {
  const steps = new Map<number, PaidStep>();
  /** The payment that an entry belongs to: a reversal's, and that of its undoing. */
  const payments = new Map<number, PaidStep>();
  let gifts = 0;
  for (const { id, kind, amount, paymentMethod, chargeId, reversesId } of movements) {
    if (kind === 'charge') {
      const fromGifts = Math.min(Math.max(gifts, 0), -amount);
      gifts -= fromGifts;
      steps.set(id, { entryId: id, amount: amount + fromGifts });
    } else if (kind === 'refund') {
      const charge = steps.get(chargeId ?? 0);
      const toPaid = Math.min(amount, -(charge?.amount ?? 0));
      if (charge) charge.amount += toPaid;
      gifts += amount - toPaid;
    } else if (paymentMethod !== 'TelegramStars') {
      gifts += amount;
    } else if (kind === 'top_up') {
      const payment = { entryId: id, amount };
      steps.set(id, payment);
      payments.set(id, payment);
    } else {
      const payment = payments.get(reversesId ?? 0);
      if (!payment) throw new Error(`Entry ${id} undoes no payment`);
      payment.amount += amount;
      payments.set(id, payment);
    }
  }
  return [...steps.values()];
}

function leftAfter(steps: readonly PaidStep[]): PaidLeft {
  return {
    total: stars(steps.reduce((sum, { amount }) => sum + amount, 0)),

    of(topUpId) {
      let pool = 0;
      let least: number | undefined;
      for (const { entryId, amount } of steps) {
        pool += amount;
        if (entryId === topUpId) least = Math.min(amount, pool);
        else if (least !== undefined) least = Math.min(least, pool);
      }
      return stars(Math.max(least ?? 0, 0));
    },

    without(topUpId) {
      return leftAfter(steps.filter(({ entryId }) => entryId !== topUpId));
    },
  };
}

/** What is left of a person's payments, by their entries. */
export async function readPaidLeft(db: Queryable, personId: number): Promise<PaidLeft> {
  const { id, kind, amount, paymentMethod, chargeId, reversesId } = entries;
  const movements = await db
    .select({ id, kind, amount, paymentMethod, chargeId, reversesId })
    .from(entries)
    .where(eq(entries.personId, personId))
    .orderBy(asc(entries.id));
  return countPaidLeft(movements);
}

/** What may go back of a payment: never more than the balance, which may owe for something else. */
export function returnable(left: Stars, balance: Stars): Stars {
  return stars(Math.max(Math.min(left, balance), NO_STARS));
}
