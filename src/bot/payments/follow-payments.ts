import { isActive } from '../../domain/order-state.ts';
import { createTurns } from '../../domain/turns.ts';
import { starsOfXtr } from '../../domain/xtr.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type { BookedPayment } from '../../ledger/payments.ts';
import type { Orders } from '../../orders/orders.ts';
import type { People, Person } from '../../people/people.ts';
import type { MorphFlow } from '../conversations/morph-flow.ts';
import type { Translator } from '../i18n.ts';
import type { Messenger } from '../messenger.ts';
import { createRecent } from '../recent.ts';
import { friendBonusScreen, type PaidFor, receivedScreen } from '../views/payments.ts';
import type { StarBooks } from './books.ts';
import type { Checkout } from './checkout.ts';

export interface FollowDeps {
  readonly books: Pick<StarBooks, 'payments'>;
  readonly ledger: Pick<Ledger, 'balance'>;
  readonly orders: () => Orders;
  readonly people: Pick<People, 'find'>;
  readonly checkout: Pick<Checkout, 'refusal'>;
  readonly flow: Pick<MorphFlow, 'started'>;
  readonly messenger: Messenger;
  readonly translator: Translator;
  /** An invoice was paid: its message is to be taken down. */
  readonly onPaid: () => void;
}

/** What follows from a payment once it is in the books, however it got there. */
export interface PaymentFollower {
  /** Starts the order it was for and tells the person; each payment once, repeats do nothing. */
  follow(booked: BookedPayment): Promise<void>;
  /** Does it for payments booked so long ago for which it was not done, as after a kill. */
  sweep(olderThanMs: number): Promise<void>;
}

/** Payments looked at in one sweep. */
const BATCH = 100;

export function createPaymentFollower(deps: FollowDeps): PaymentFollower {
  const { books, messenger } = deps;
  const inTurn = createTurns<string>();
  const followed = createRecent<string, true>();

  /**
   * Starts what the payment was for. Asked again after a kill, an order that it started is `already`
   * confirmed.
   */
  async function startOrder(booked: BookedPayment, person: Person): Promise<PaidFor> {
    const { invoice, repeated } = booked;
    if (!invoice?.order) return 'balance';
    if (repeated) return 'repeated';
    if (await deps.checkout.refusal(person)) return 'on_hold';
    const { orderId, mode, price } = invoice.order;
    const outcome = await deps.orders().confirm(orderId, person.id, { mode, price });
    switch (outcome.kind) {
      case 'queued':
        return 'started';
      case 'already':
        return isActive(outcome.state) || outcome.state === 'delivered' ? 'started' : 'changed';
      case 'short':
        return 'short';
      case 'outdated':
      case 'closed':
        return 'changed';
    }
  }

  async function tell(booked: BookedPayment, person: Person, paidFor: PaidFor): Promise<void> {
    const { payment, invoice } = booked;
    const t = deps.translator(person.language);
    const open = paidFor === 'started' ? undefined : await deps.orders().findOpen(person.id);
    const screen = receivedScreen(t, {
      amount: starsOfXtr(payment.amountXtr),
      balance: await deps.ledger.balance(person.id),
      late: payment.source === 'reconciled',
      paidFor,
      openOrderId: open?.id,
    });
    await messenger.send(person.id, screen);
    if (paidFor === 'started' && invoice?.order) {
      await deps.flow.started(person.id, invoice.order.orderId);
    }
  }

  async function tellInviter({ bonus }: BookedPayment): Promise<void> {
    const inviter = bonus && (await deps.people.find(bonus.personId));
    if (!inviter) return;
    const t = deps.translator(inviter.language);
    await messenger.send(inviter.id, friendBonusScreen(t, bonus.amount));
  }

  function follow(booked: BookedPayment): Promise<void> {
    const { chargeId, personId } = booked.payment;
    return inTurn(chargeId, async () => {
      if (followed.get(chargeId)) return;
      const person = await deps.people.find(personId);
      if (!person) throw new Error(`Whoever paid ${chargeId} is gone`);
      deps.onPaid();
      await tell(booked, person, await startOrder(booked, person));
      // Told before it is written down: rather twice, when a kill comes in between, than never.
      const isFirst = await books.payments.settle(chargeId);
      followed.set(chargeId, true);
      if (isFirst) await tellInviter(booked);
    });
  }

  return {
    follow,
    async sweep(olderThanMs) {
      const open = await books.payments.unsettled({ olderThanMs, limit: BATCH });
      // One that cannot be followed must not keep the others waiting.
      const outcomes = await Promise.allSettled(open.map(follow));
      const failed = outcomes.find((outcome) => outcome.status === 'rejected');
      if (failed) throw failed.reason;
    },
  };
}
