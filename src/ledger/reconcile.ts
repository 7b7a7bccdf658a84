import { starCursor } from '../db/stars-schema.ts';
import {
  type ComparedBooks,
  comparePayments,
  compareRefunds,
  type Findings,
  findMissing,
} from './compare-stars.ts';
import type { BookedPayment } from './payments.ts';
import {
  type FetchStarTransactions,
  isPending,
  isPersonal,
  lineKey,
  type PersonalLine,
  type StarDifference,
  type StarTransaction,
} from './star-transaction.ts';

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

export interface Reconciler {
  /**
   * Reads what is new in Telegram's list, and the last 100 lines before it again, and makes the books
   * agree with it. Lines that could not be booked yet, of people nobody met or that the books refused,
   * are read again by every run until they are. A list in which the line that was compared last is no more at
   * its place is another one (another bot's, or a sandbox that began anew) and is read from the start. Safe to repeat, to run twice at once and to be killed.
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

/** Keys in one question to the database. */
const CHUNK = 1000;

/** @param deps.pageSize the longest page that is asked for, and how many known lines are read again. */
export function createReconciler(deps: ComparedBooks & { readonly pageSize?: number }): Reconciler {
  const { db, pageSize = PAGE } = deps;

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
      const startedAt = new Date();
      const { start, transactions } = await readList(fetch, pageSize, whole ? undefined : cursor);
      const reconciliation = await reconcile(transactions, startedAt);
      const settled = countSettled(transactions, reconciliation.differences);
      const last = transactions[settled - 1];
      const next = {
        compared: start + settled,
        lastLine: last ? lineKey(last) : null,
        comparedAt: startedAt,
      };
      await db
        .insert(starCursor)
        .values(next)
        .onConflictDoUpdate({ target: starCursor.id, set: next });
      return reconciliation;
    },
  };
}

interface ListPart {
  /** Where in the list it begins. */
  readonly start: number;
  readonly transactions: readonly StarTransaction[];
}

/** The list from a little before the cursor to its end; from its beginning without one. */
async function readList(
  fetch: FetchStarTransactions,
  pageSize: number,
  cursor?: Pick<typeof starCursor.$inferSelect, 'compared' | 'lastLine'>,
): Promise<ListPart> {
  const compared = cursor?.compared ?? 0;
  const start = Math.max(0, compared - pageSize);
  const transactions: StarTransaction[] = [];
  for (;;) {
    const page = await fetch(start + transactions.length, pageSize);
    transactions.push(...page);
    if (start > 0 && transactions.length === 0) return readList(fetch, pageSize);
    const last = transactions[compared - 1 - start];
    const expected = cursor?.lastLine ?? null;
    if (expected !== null && (!last || lineKey(last) !== expected))
      return readList(fetch, pageSize);
    if (page.length < pageSize) return { start, transactions };
  }
}

/** How many lines from the first on need no other look; the cursor must not pass one that does. */
function countSettled(
  transactions: readonly StarTransaction[],
  differences: readonly StarDifference[],
): number {
  const open = new Set(
    differences
      .filter(({ kind }) => isPending(kind))
      .map(({ chargeId: id, direction }) => lineKey({ id, direction })),
  );
  const first = transactions.findIndex((line) => open.has(lineKey(line)));
  return first === -1 ? transactions.length : first;
}

function* chunksOf(lines: readonly PersonalLine[]): Generator<readonly PersonalLine[]> {
  for (let start = 0; start < lines.length; start += CHUNK) yield lines.slice(start, start + CHUNK);
}
