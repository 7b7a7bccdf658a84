import { type Api, GrammyError } from 'grammy';
import type { DueRefund } from '../../ledger/refund-outbox.ts';
import type { StarAlarm } from '../alarms.ts';
import type { Log } from '../log.ts';
import type { StarBooks } from './books.ts';

export interface RefundOutboxDeps {
  readonly api: Pick<Api, 'refundStarPayment'>;
  readonly books: Pick<StarBooks, 'refunds'>;
  readonly alarm: (alarm: StarAlarm) => Promise<void>;
  /** It is decided what becomes of a refund, and to be told. */
  readonly onNews: () => void;
  readonly log: Log;
}

/** Refunds sent in one run. */
const BATCH = 20;

/** Tries of a refund, some twenty minutes of them, after which an operator should look. */
const ALARMING_TRIES = 8;

/** What Telegram made of the wish to give a payment back. */
type Sending =
  | { readonly kind: 'sent' }
  | { readonly kind: 'later'; readonly error: string; readonly pauseSeconds?: number }
  /** The bot itself has too few stars at Telegram. */
  | { readonly kind: 'unfunded'; readonly error: string }
  | { readonly kind: 'refused'; readonly error: string };

/** Sends the refunds that are due. Killed in between, the next run asks again: Telegram gives back once. */
export async function sendDueRefunds(deps: RefundOutboxDeps): Promise<void> {
  for (const refund of await deps.books.refunds.take(BATCH)) await sendRefund(deps, refund);
}

async function sendRefund(deps: RefundOutboxDeps, refund: DueRefund): Promise<void> {
  const { refunds } = deps.books;
  const { id, chargeId, personId, amountXtr } = refund;
  const about = { chargeId, personId, amountXtr };
  const outcome = await askTelegram(deps.api, refund);
  if (outcome.kind !== 'sent') {
    const { tries } = refund;
    deps.log.warn({ ...about, tries, outcome: outcome.kind }, 'A refund was not sent');
  }
  switch (outcome.kind) {
    case 'sent':
      await refunds.markSent(id);
      return deps.onNews();
    case 'later':
      await refunds.markRetry(id, outcome.error, outcome.pauseSeconds);
      if (refund.tries < ALARMING_TRIES) return;
      return deps.alarm({ kind: 'refund_stuck', ...about, error: outcome.error });
    case 'unfunded':
      await refunds.markRetry(id, outcome.error);
      return deps.alarm({ kind: 'refund_unfunded', ...about });
    case 'refused':
      await refunds.markFailed(id, outcome.error);
      return deps.onNews();
  }
}

async function askTelegram(
  api: RefundOutboxDeps['api'],
  { personId, chargeId }: DueRefund,
): Promise<Sending> {
  try {
    await api.refundStarPayment(personId, chargeId);
    return { kind: 'sent' };
  } catch (error) {
    if (!(error instanceof GrammyError)) return { kind: 'later', error: 'no answer' };
    const { description, error_code: code, parameters } = error;
    if (/CHARGE_ALREADY_REFUNDED/.test(description)) return { kind: 'sent' };
    if (/BALANCE_TOO_LOW/.test(description)) return { kind: 'unfunded', error: description };
    if (code === 400) return { kind: 'refused', error: description };
    const { retry_after: pauseSeconds } = parameters;
    return {
      kind: 'later',
      error: description,
      ...(pauseSeconds === undefined ? {} : { pauseSeconds }),
    };
  }
}
