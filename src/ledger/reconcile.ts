import { and, asc, eq, inArray, isNull, lte } from 'drizzle-orm';
import type { Db } from '../db/database.ts';
import { payments, starCursor, starRefunds } from '../db/stars-schema.ts';
import type { BookedPayment, Booking, Payments } from './payments.ts';
import type { StarRefunds } from './star-refunds.ts';

/** One line of Telegram's `getStarTransactions`; (id, direction) is what makes it one. */
export interface StarTransaction {
  /** Of a payment or its refund: the `telegram_payment_charge_id`. */
  readonly id: string;
  /** in: it has a `source`; out: it has a `receiver`. */
  readonly direction: 'in' | 'out';
  readonly amountXtr: number;
  /**
   * The user of an `invoice_payment`. Null for every other partner and transaction type (a withdrawal to
   * Fragment, ads, gifts): these are no payments of ours and are passed over.
   */
  readonly personId: number | null;
  readonly payload: string | null;
  readonly at: Date;
}

/**
 * What cannot be explained. `amount`, `person`: Telegram's line is of another than the books say;
 * `unknown_person`: somebody the bot never met paid; `unknown_payment`: a refund of a payment that neither side has;
 * `not_booked`: the books refused the line, why is its `error`; it is tried again with every run;
 * `payment_not_at_telegram`, `refund_not_at_telegram`: the books have what Telegram has not.
 */
export interface StarDifference {
  readonly kind:
    | 'amount'
    | 'person'
    | 'unknown_person'
    | 'unknown_payment'
    | 'not_booked'
    | 'payment_not_at_telegram'
    | 'refund_not_at_telegram';
  readonly chargeId: string;
  readonly direction: 'in' | 'out';
  /** As our books have it; null when they have nothing. */
  readonly ours: { readonly personId: number; readonly amountXtr: number } | null;
  readonly telegrams: { readonly personId: number; readonly amountXtr: number } | null;
  readonly error?: string;
}

export interface Reconciliation {
  /** Lines compared. */
  readonly compared: number;
  /** Payments whose update was lost, now on the balance; their persons are to be told. */
  readonly credited: readonly BookedPayment[];
  /** Refunds that nobody here asked for, now taken from the balance. */
  readonly reversed: readonly {
    readonly chargeId: string;
    readonly personId: number;
    readonly amountXtr: number;
  }[];
  /** Refunds of ours now seen in Telegram's books. */
  readonly confirmed: number;
  readonly differences: readonly StarDifference[];
}

/** One page of Telegram's list, oldest first, as its `offset` and `limit` ask. */
export type FetchStarTransactions = (
  offset: number,
  limit: number,
) => Promise<readonly StarTransaction[]>;

export interface Reconciler {
  /**
   * Reads what is new in Telegram's list, and the last 100 lines before it again, and makes the books
   * agree with it. Lines that could not be booked yet, of people nobody met or that the books refused,
   * are read again by every run until they are. Safe to repeat, to run twice at once and to be killed.
   * @param options.whole from the very first line on, as after a restored backup.
   */
  run(
    fetch: FetchStarTransactions,
    options?: { readonly whole?: boolean },
  ): Promise<Reconciliation>;
  /**
   * The same for lines at hand, without paging.
   * @param completeUntil up to when the books must have been seen by now; without it nothing is missed.
   */
  reconcile(
    transactions: readonly StarTransaction[],
    completeUntil?: Date,
  ): Promise<Reconciliation>;
}

/** Telegram's longest page, and how many known lines are read again. */
const PAGE = 100;
const OVERLAP = 100;

/** A payment or refund younger than this may not have reached Telegram's list yet. */
const LAG_MS = 5 * 60_000;

/** Keys in one question to the database. */
const CHUNK = 1000;

/** A line about a person's payment. */
type Line = StarTransaction & { readonly personId: number };

interface Findings {
  readonly credited: BookedPayment[];
  readonly reversed: { chargeId: string; personId: number; amountXtr: number }[];
  confirmed: number;
  readonly differences: StarDifference[];
}

interface ReconcilerDeps {
  readonly db: Db;
  readonly payments: Pick<Payments, 'book'>;
  readonly refunds: Pick<StarRefunds, 'bookTold'>;
}

export function createReconciler(deps: ReconcilerDeps): Reconciler {
  const { db } = deps;

  async function reconcile(
    transactions: readonly StarTransaction[],
    completeUntil?: Date,
  ): Promise<Reconciliation> {
    const found: Findings = { credited: [], reversed: [], confirmed: 0, differences: [] };
    const lines = transactions.filter(isPersonal);
    // All payments first: a refund may stand in the list before we know of its payment.
    for (const chunk of chunksOf(lines.filter((line) => line.direction === 'in'))) {
      await comparePayments(deps, chunk, found);
    }
    for (const chunk of chunksOf(lines.filter((line) => line.direction === 'out'))) {
      await compareRefunds(deps, chunk, found);
    }
    if (completeUntil) await findMissing(db, completeUntil, found);
    return { compared: transactions.length, ...found };
  }

  return {
    reconcile,

    async run(fetch, { whole = false } = {}) {
      const [cursor] = await db.select().from(starCursor);
      let start = whole ? 0 : Math.max(0, (cursor?.compared ?? 0) - OVERLAP);
      const startedAt = new Date();
      const transactions: StarTransaction[] = [];
      for (;;) {
        const page = await fetch(start + transactions.length, PAGE);
        transactions.push(...page);
        if (transactions.length === 0 && start > 0) {
          // The list is shorter than it was: another bot's, or a sandbox that began anew.
          start = 0;
          continue;
        }
        if (page.length < PAGE) break;
      }
      const reconciliation = await reconcile(transactions, startedAt);
      const done = start + countSettled(transactions, reconciliation.differences);
      const next = { compared: done, comparedAt: startedAt };
      await db
        .insert(starCursor)
        .values(next)
        .onConflictDoUpdate({ target: starCursor.id, set: next });
      return reconciliation;
    },
  };
}

/** How many lines from the first on need no other look; the cursor must not pass one that does. */
function countSettled(
  transactions: readonly StarTransaction[],
  differences: readonly StarDifference[],
): number {
  const open = new Set(differences.filter(({ kind }) => isPending(kind)).map(keyOf));
  const first = transactions.findIndex(({ id, direction }) =>
    open.has(keyOf({ chargeId: id, direction })),
  );
  return first === -1 ? transactions.length : first;
}

/** Whether a difference of this kind may be gone once the line is read again. */
export function isPending(kind: StarDifference['kind']): boolean {
  return kind === 'unknown_person' || kind === 'not_booked';
}

const keyOf = ({ direction, chargeId }: Pick<StarDifference, 'direction' | 'chargeId'>) =>
  `${direction} ${chargeId}`;

async function comparePayments(
  deps: ReconcilerDeps,
  lines: readonly Line[],
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

function bookLine(deps: ReconcilerDeps, line: Line): Promise<Booking> {
  const { id: chargeId, personId, amountXtr, payload, at: paidAt } = line;
  return deps.payments.book({ chargeId, personId, amountXtr, payload, paidAt }, 'reconciled');
}

/** One line that cannot be booked must not keep all others from it. */
async function attempt<Result>(
  line: Line,
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

async function compareRefunds(
  deps: ReconcilerDeps,
  lines: readonly Line[],
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
async function findMissing(db: Db, completeUntil: Date, found: Findings): Promise<void> {
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

/** What a line says otherwise than our payment of the same id. */
function comparedTo(
  line: Line,
  payment: { readonly personId: number; readonly amountXtr: number },
): StarDifference | undefined {
  if (line.personId !== payment.personId) return differenceOf('person', line, payment);
  if (line.amountXtr !== payment.amountXtr) return differenceOf('amount', line, payment);
  return undefined;
}

function differenceOf(
  kind: StarDifference['kind'],
  { id: chargeId, direction, personId, amountXtr }: Line,
  payment: { readonly personId: number; readonly amountXtr: number } | null,
): StarDifference {
  const ours = payment && { personId: payment.personId, amountXtr: payment.amountXtr };
  return { kind, chargeId, direction, ours, telegrams: { personId, amountXtr } };
}

function isPersonal(transaction: StarTransaction): transaction is Line {
  return transaction.personId !== null;
}

const idsOf = (lines: readonly Line[]) => lines.map((line) => line.id);

function* chunksOf(lines: readonly Line[]): Generator<readonly Line[]> {
  for (let start = 0; start < lines.length; start += CHUNK) yield lines.slice(start, start + CHUNK);
}
