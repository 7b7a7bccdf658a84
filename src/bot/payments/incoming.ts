import type { MiddlewareFn } from 'grammy';
import { Composer } from 'grammy';
import type { Message } from 'grammy/types';
import type { ToldPayment } from '../../ledger/payments.ts';
import type { ToldRefund } from '../../ledger/told-refund.ts';
import type { StarAlarm } from '../alarms.ts';
import type { BotContext } from '../context.ts';
import type { Log } from '../log.ts';
import type { StarBooks } from './books.ts';
import type { PaymentFollower } from './follow-payments.ts';

export interface IncomingDeps {
  readonly books: Pick<StarBooks, 'payments' | 'refunds'>;
  readonly person: MiddlewareFn<BotContext>;
  readonly follower: PaymentFollower;
  readonly alarm: (alarm: StarAlarm) => Promise<void>;
  /** Compares the books with Telegram's now. */
  readonly reconcile: () => void;
  /** It is decided what becomes of a refund, and to be told. */
  readonly onNews: () => void;
  readonly log: Log;
}

/** Books what Telegram tells of payments and refunds; before every other handler, in nobody's turn. */
export function createIncomingPayments(deps: IncomingDeps): Composer<BotContext> {
  const { books } = deps;
  const incoming = new Composer<BotContext>();

  incoming.on('message:successful_payment', deps.person, async ({ message, person }) => {
    const { successful_payment: told } = message;
    if (told.currency !== 'XTR') {
      deps.log.error({ currency: told.currency }, 'A payment in another currency than stars');
      return;
    }
    const payment: ToldPayment = {
      chargeId: told.telegram_payment_charge_id,
      personId: person.id,
      amountXtr: told.total_amount,
      payload: told.invoice_payload,
      paidAt: sentAt(message),
    };
    const booking = await books.payments.book(payment);
    switch (booking.kind) {
      case 'booked':
        return deps.follower.follow(booking);
      case 'already':
        // Told again, or after a kill: only what was left open is done.
        return deps.follower.followOpen(payment.chargeId);
      case 'conflict':
        return deps.alarm({ kind: 'payment_conflict', ...payment });
      case 'unknown_person':
        throw new Error('Somebody just met is unknown to the books');
    }
  });

  incoming.on('message:refunded_payment', async ({ message, chat }) => {
    const { refunded_payment: told } = message;
    const refund: ToldRefund = {
      chargeId: told.telegram_payment_charge_id,
      // The message may be from the bot itself: whose it is, the chat tells.
      personId: chat.id,
      amountXtr: told.total_amount,
      at: sentAt(message),
    };
    const outcome = await books.refunds.bookTold(refund);
    switch (outcome.kind) {
      case 'confirmed':
      case 'reversed':
      case 'already':
        return deps.onNews();
      case 'unknown_payment':
        // Its payment is in Telegram's list, and comes before its refund there.
        return deps.reconcile();
      case 'conflict':
        return deps.alarm({ kind: 'payment_conflict', ...refund });
    }
  });

  return incoming;
}

function sentAt({ date }: Pick<Message, 'date'>): Date {
  return new Date(date * 1000);
}
