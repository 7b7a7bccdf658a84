import { and, asc, eq, inArray, isNull, lte } from 'drizzle-orm';
import type { Db } from '../db/database.ts';
import { payments, starRefunds } from '../db/stars-schema.ts';
import type { BookedPayment, Booking, Payments } from './payments.ts';
import type { StarRefunds } from './star-refunds.ts';
import {
  comparedTo,
  differenceOf,
  type PersonalLine,
  type StarDifference,
} from './star-transaction.ts';

/** A payment or refund younger than this may not have reached Telegram's list yet. */
const LAG_MS = 5 * 60_000;

/** What a comparison found and did, gathered from one step to the next. */
export interface Findings {
  readonly credited: BookedPayment[];
  readonly reversed: { chargeId: string; personId: number; amountXtr: number }[];
  confirmed: number;
  readonly differences: StarDifference[];
}

/** The books that lines are compared with and booked into. */
export interface ComparedBooks {
  readonly db: Db;
  readonly payments: Pick<Payments, 'book'>;
  readonly refunds: Pick<StarRefunds, 'bookTold'>;
}

/** Finds lines of payments in the books, and books those that are not there. */
export async function comparePayments(
  deps: ComparedBooks,
  lines: readonly PersonalLine[],
  found: Findings,
): Promise<void> {
  const known = await deps.db
    .select()
    .from(payments)
    .where(inArray(payments.chargeId, idsOf(lines)));
  const ours = new Map(known.map((payment) => [payment.chargeId, payment]));
  const seen: string[] = [];
  for (const line of lines) {
    const payment = ours.get(line.id);
    if (payment) {
      const difference = comparedTo(line, payment);
      if (difference) found.differences.push(difference);
      seen.push(line.id);
      continue;
    }
    const booking = await attempt(line, found, () => bookLine(deps, line));
    if (!booking) continue;
    if (booking.kind === 'unknown_person') {
      found.differences.push(differenceOf('unknown_person', line, null));
      continue;
    }
    seen.push(line.id);
    if (booking.kind === 'booked') {
      const { kind: _, ...booked } = booking;
      found.credited.push(booked);
    }
    if (booking.kind === 'conflict') {
      const difference = comparedTo(line, booking.payment);
      if (difference) found.differences.push(difference);
    }
  }
  await markSeen(deps.db, seen);
}

function bookLine(deps: ComparedBooks, line: PersonalLine): Promise<Booking> {
  const { id: chargeId, personId, amountXtr, payload, at: paidAt } = line;
  return deps.payments.book({ chargeId, personId, amountXtr, payload, paidAt }, 'reconciled');
}

/** One line that cannot be booked must not keep all others from it. */
async function attempt<Result>(
  line: PersonalLine,
  found: Findings,
  book: () => Promise<Result>,
): Promise<Result | undefined> {
  try {
    return await book();
  } catch (error) {
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    found.differences.push({ ...differenceOf('not_booked', line, null), error: String(cause) });
    return undefined;
  }
}

async function markSeen(db: Db, chargeIds: readonly string[]): Promise<void> {
  // Locked in one order: two runs at once must not wait for each other.
  const unseen = db
    .select({ chargeId: payments.chargeId })
    .from(payments)
    .where(and(inArray(payments.chargeId, [...chargeIds]), isNull(payments.seenAt)))
    .orderBy(asc(payments.chargeId))
    .for('update');
  await db.update(payments).set({ seenAt: new Date() }).where(inArray(payments.chargeId, unseen));
}

/** The same for refunds; their payments were compared before. */
export async function compareRefunds(
  deps: ComparedBooks,
  lines: readonly PersonalLine[],
  found: Findings,
): Promise<void> {
  const known = await deps.db
    .select({ payment: payments, state: starRefunds.state })
    .from(payments)
    .leftJoin(
      starRefunds,
      and(eq(starRefunds.chargeId, payments.chargeId), eq(starRefunds.state, 'confirmed')),
    )
    .where(inArray(payments.chargeId, idsOf(lines)));
  const ours = new Map(known.map((row) => [row.payment.chargeId, row]));
  for (const line of lines) {
    const row = ours.get(line.id);
    if (!row) {
      found.differences.push(differenceOf('unknown_payment', line, null));
      continue;
    }
    const difference = comparedTo(line, row.payment);
    if (difference) {
      found.differences.push(difference);
      continue;
    }
    if (row.state === 'confirmed') continue;
    const { id: chargeId, personId, amountXtr, at } = line;
    const told = { chargeId, personId, amountXtr, at };
    const booked = await attempt(line, found, () => deps.refunds.bookTold(told));
    if (booked?.kind === 'confirmed') found.confirmed += 1;
    if (booked?.kind === 'reversed') found.reversed.push({ chargeId, personId, amountXtr });
  }
}

/** What the books have had for a while, and Telegram's list, read to its end, has not. */
export async function findMissing(db: Db, completeUntil: Date, found: Findings): Promise<void> {
  const before = new Date(completeUntil.getTime() - LAG_MS);
  const unseen = await db
    .select()
    .from(payments)
    .where(and(isNull(payments.seenAt), lte(payments.createdAt, before)));
  const unconfirmed = await db
    .select({ payment: payments })
    .from(starRefunds)
    .innerJoin(payments, eq(payments.chargeId, starRefunds.chargeId))
    .where(and(eq(starRefunds.state, 'sent'), lte(starRefunds.sentAt, before)));
  for (const { chargeId, personId, amountXtr } of unseen) {
    found.differences.push({
      ...{ kind: 'payment_not_at_telegram', direction: 'in' },
      ...{ chargeId, ours: { personId, amountXtr }, telegrams: null },
    });
  }
  for (const { chargeId, personId, amountXtr } of unconfirmed.map(({ payment }) => payment)) {
    found.differences.push({
      ...{ kind: 'refund_not_at_telegram', direction: 'out' },
      ...{ chargeId, ours: { personId, amountXtr }, telegrams: null },
    });
  }
}

const idsOf = (lines: readonly PersonalLine[]) => lines.map(({ id }) => id);
