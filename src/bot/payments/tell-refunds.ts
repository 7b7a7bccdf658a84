import { starsOfXtr } from '../../domain/xtr.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type { RefundNews } from '../../ledger/refund-news.ts';
import type { People } from '../../people/people.ts';
import type { StarAlarm } from '../alarms.ts';
import type { Translate, Translator } from '../i18n.ts';
import { describeError, type Log } from '../log.ts';
import type { Messenger, Screen } from '../messenger.ts';
import { createRecent } from '../recent.ts';
import { isBadRequest } from '../telegram-errors.ts';
import {
  bonusGoneScreen,
  type Movement,
  refundFailedScreen,
  refundSentScreen,
  reversedScreen,
} from '../views/payments.ts';
import type { StarBooks } from './books.ts';

export interface TellRefundsDeps {
  readonly books: Pick<StarBooks, 'refunds'>;
  readonly ledger: Pick<Ledger, 'balance'>;
  readonly people: Pick<People, 'find'>;
  readonly messenger: Messenger;
  readonly translator: Translator;
  readonly alarm: (alarm: StarAlarm) => Promise<void>;
  readonly log: Log;
}

/** News told in one run. */
const BATCH = 100;

const SCREENS: Readonly<Record<RefundNews['outcome'], (t: Translate, of: Movement) => Screen>> = {
  returned: refundSentScreen,
  taken: reversedScreen,
  refused: refundFailedScreen,
};

/**
 * Tells everybody whom it concerns what became of payments on their way back, and writes down that it
 * did: rather twice, when a kill comes in between, than never. The money has moved before.
 */
export function createRefundTeller(deps: TellRefundsDeps): () => Promise<void> {
  const { refunds } = deps.books;
  /** Whom this process told what, for news that it has to begin again. */
  const told = createRecent<string, true>();

  return async () => {
    for (const news of await refunds.news(BATCH)) {
      try {
        await tell(news);
        await refunds.markTold(news.id);
      } catch (error) {
        // With the next run again; it keeps nobody else from hearing theirs.
        deps.log.warn(describeError(error), 'What became of a refund could not be told');
      }
    }
  };

  /** The admins first: whoever cannot be told keeps them from nothing. */
  async function tell(news: RefundNews): Promise<void> {
    const { id, personId, outcome, bonus } = news;
    await alarm(news);
    const amount = starsOfXtr(news.amountXtr);
    await once(`${id}:${personId}`, () =>
      send(personId, (t, balance) => SCREENS[outcome](t, { amount, balance })),
    );
    if (!bonus) return;
    await once(`${id}:bonus`, () =>
      send(bonus.personId, (t, balance) => bonusGoneScreen(t, { amount: bonus.amount, balance })),
    );
  }

  async function alarm({ chargeId, personId, amountXtr, outcome, error }: RefundNews) {
    const payment = { chargeId, personId, amountXtr };
    if (outcome === 'taken') await deps.alarm({ kind: 'payment_reversed', ...payment });
    if (outcome === 'refused') {
      await deps.alarm({ kind: 'refund_failed', ...payment, error: error ?? '' });
    }
  }

  async function once(key: string, work: () => Promise<void>): Promise<void> {
    if (told.get(key)) return;
    await work();
    told.set(key, true);
  }

  async function send(
    personId: number,
    screen: (t: Translate, balance: Movement['balance']) => Screen,
  ): Promise<void> {
    const person = await deps.people.find(personId);
    const balance = await deps.ledger.balance(personId);
    const t = deps.translator(person?.language ?? 'en');
    try {
      await deps.messenger.send(personId, screen(t, balance));
    } catch (error) {
      if (!isBadRequest(error)) throw error;
      deps.log.warn(describeError(error), 'What became of a refund was not taken');
    }
  }
}
