import { type Api, GrammyError } from 'grammy';
import type { User } from 'grammy/types';
import type { Reconciliation } from '../../ledger/reconcile.ts';
import { isPending, type StarDifference } from '../../ledger/star-transaction.ts';
import type { People } from '../../people/people.ts';
import type { StarAlarm } from '../alarms.ts';
import { describeError, type Log } from '../log.ts';
import type { StarBooks } from './books.ts';
import type { PaymentFollower } from './follow-payments.ts';
import { createFetchTransactions } from './star-transactions.ts';

export interface ReconcileDeps {
  readonly api: Pick<Api, 'getStarTransactions'>;
  readonly books: Pick<StarBooks, 'reconciler'>;
  readonly people: Pick<People, 'find' | 'meet'>;
  readonly follower: PaymentFollower;
  readonly alarm: (alarm: StarAlarm) => Promise<void>;
  /** It is decided what becomes of refunds, and to be told. */
  readonly onNews: () => void;
  readonly log: Log;
}

/** Failed comparisons in a row, half an hour of them, after which an operator should know. */
const ALARMING_FAILURES = 3;

/** Compares as `reconcileStars` does, and tells the admins when that fails again and again. */
export function createReconciliation(deps: ReconcileDeps): () => Promise<void> {
  let failures = 0;

  return async () => {
    try {
      await reconcileStars(deps);
      failures = 0;
    } catch (error) {
      failures += 1;
      if (failures >= ALARMING_FAILURES) {
        // What else goes wrong may hold what a person wrote, and is in the log.
        const said = error instanceof GrammyError ? error.description : 'no answer';
        await deps.alarm({ kind: 'stars_uncompared', times: failures, error: said });
      }
      throw error;
    }
  };
}

/**
 * Compares Telegram's list of star transactions with the books, and tells: people what was credited or
 * taken, the admins what nobody can explain.
 */
async function reconcileStars(deps: ReconcileDeps): Promise<void> {
  const seen = new Map<number, User>();
  const fetch = createFetchTransactions(deps.api, (user) => seen.set(user.id, user));
  let outcome = await deps.books.reconciler.run(fetch);
  await tell(deps, outcome);
  let { differences } = outcome;
  const strangers = outcome.differences.filter(({ kind }) => kind === 'unknown_person');
  if (strangers.length > 0) {
    // Their first message was lost with their payment's: now we know them.
    for (const { telegrams } of strangers) {
      const user = telegrams && seen.get(telegrams.personId);
      if (user) await meet(deps, user);
    }
    const first = outcome;
    outcome = await deps.books.reconciler.run(fetch);
    await tell(deps, outcome);
    differences = unresolved(first.differences, outcome.differences);
  }
  if (differences.length > 0) await deps.alarm({ kind: 'stars_differ', differences });
}

/** What a second look found, and what the first had found and no second look mends. */
function unresolved(
  first: readonly StarDifference[],
  second: readonly StarDifference[],
): StarDifference[] {
  const mendable = new Set(
    first.filter(({ kind }) => isPending(kind)).map(({ chargeId }) => chargeId),
  );
  const keyOf = ({ kind, direction, chargeId }: StarDifference) =>
    `${kind} ${direction} ${chargeId}`;
  const found = new Set(second.map(keyOf));
  const rest = first.filter(
    (difference) => !mendable.has(difference.chargeId) && !found.has(keyOf(difference)),
  );
  return [...rest, ...second];
}

/** Whoever cannot be told keeps nobody else from hearing of it. */
async function tell(deps: ReconcileDeps, outcome: Reconciliation): Promise<void> {
  const { credited, reversed, confirmed } = outcome;
  if (credited.length + reversed.length + confirmed > 0) {
    const found = { credited: credited.length, reversed: reversed.length, confirmed };
    deps.log.info(found, 'The books of stars were brought up to date');
  }
  deps.onNews();
  for (const booked of credited) {
    try {
      await deps.follower.follow(booked);
    } catch (error) {
      // It stays open, and is followed again soon.
      deps.log.warn(describeError(error), 'A payment found late could not be followed');
    }
  }
}

async function meet(deps: ReconcileDeps, user: User): Promise<void> {
  await deps.people.meet({
    id: user.id,
    firstName: user.first_name,
    username: user.username,
    languageCode: user.language_code,
  });
}
