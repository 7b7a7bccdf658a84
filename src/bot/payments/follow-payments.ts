import { isActive } from '../../domain/order-state.ts';
import { createTurns } from '../../domain/turns.ts';
import { starsOfXtr } from '../../domain/xtr.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import type { BookedPayment } from '../../ledger/payments.ts';
import type { ConfirmOutcome, Orders } from '../../orders/orders.ts';
import type { People, Person } from '../../people/people.ts';
import type { OrderFlow } from '../conversations/order-flow.ts';
import type { Translator } from '../i18n.ts';
import { describeError, type Log } from '../log.ts';
import type { Messenger } from '../messenger.ts';
import { createRecent } from '../recent.ts';
import { friendBonusScreen, type PaidFor, receivedScreen } from '../views/payments.ts';
import type { StarBooks } from './books.ts';

export interface FollowDeps {
  readonly books: Pick<StarBooks, 'payments'>;
  readonly ledger: Pick<Ledger, 'balance'>;
  readonly orders: () => Orders;
  readonly people: Pick<People, 'find'>;
  readonly flow: Pick<OrderFlow, 'started'>;
  readonly messenger: Messenger;
  readonly translator: Translator;
  /** An invoice was paid: its message is to be taken down. */
  readonly onPaid: () => void;
  readonly log: Log;
}

/** What follows from a payment once it is in the books, however it got there. */
export interface PaymentFollower {
  /** Starts the order it was for and tells the person; each payment once, repeats do nothing. */
  follow(booked: BookedPayment): Promise<void>;
  /** Does it for a payment that was told again, if it was left open. */
  followOpen(chargeId: string): Promise<void>;
  /** Does it for payments booked so long ago for which it was not done, as after a kill. */
  sweep(olderThanMs: number): Promise<void>;
}

/** Payments looked at in one sweep. */
const BATCH = 100;

export function createPaymentFollower(deps: FollowDeps): PaymentFollower {
  const { books, messenger, log } = deps;
  const inTurn = createTurns<string>();
  /** What people were told; nobody is told again when writing it down fails. */
  const told = createRecent<string, PaidFor>();

  /**
   * Starts what the payment was for. Asked again after a kill, an order that it started is `already`
   * confirmed. Paid before sales were paused, it starts all the same.
   */
  async function startOrder(booked: BookedPayment, person: Person): Promise<PaidFor> {
    const { payment, invoice, repeated } = booked;
    if (!invoice?.order) return 'balance';
    if (repeated) return 'repeated';
    if (person.bannedAt) return 'on_hold';
    // Found late, it may have gone back meanwhile: other stars are not spent in its place.
    const now = await books.payments.find(payment.chargeId);
    if ((now ?? payment).refund !== null) return 'balance';
    const { orderId, mode, price } = invoice.order;
    const outcome = await confirm(orderId, person.id, { mode, price });
    switch (outcome.kind) {
      case 'queued':
        return 'started';
      case 'failed':
        return 'balance';
      case 'already':
        return isActive(outcome.state) || outcome.state === 'delivered' ? 'started' : 'changed';
      case 'short':
        return 'short';
      case 'outdated':
      case 'closed':
        return 'changed';
    }
  }

  /** An order that cannot be started keeps nobody from hearing of their payment. */
  async function confirm(
    ...asked: Parameters<Orders['confirm']>
  ): Promise<ConfirmOutcome | { readonly kind: 'failed' }> {
    try {
      return await deps.orders().confirm(...asked);
    } catch (error) {
      log.error(describeError(error), 'A paid order could not be started');
      // Rejects while the database is away: then all of it is done later.
      const [orderId, personId] = asked;
      const order = await deps.orders().find(orderId, personId);
      return order && isActive(order.state)
        ? { kind: 'already', state: order.state }
        : { kind: 'failed' };
    }
  }

  async function tell(booked: BookedPayment, person: Person, paidFor: PaidFor): Promise<void> {
    const { payment } = booked;
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
      const known = told.get(chargeId);
      const paidFor = known ?? (await startAndTell(booked));
      told.set(chargeId, paidFor);
      if (!known) await attempt('thank an inviter', () => tellInviter(booked));
      // Told before it is written down: rather twice, when a kill comes in between, than never.
      if (!(await books.payments.settle(chargeId))) return;
      const { order } = booked.invoice ?? {};
      if (paidFor === 'started' && order) {
        await attempt('show a paid order', () => deps.flow.started(personId, order.orderId));
      }
    });
  }

  async function startAndTell(booked: BookedPayment): Promise<PaidFor> {
    const { chargeId, personId } = booked.payment;
    const person = await deps.people.find(personId);
    if (!person) throw new Error(`Whoever paid ${chargeId} is gone`);
    deps.onPaid();
    const paidFor = await startOrder(booked, person);
    await tell(booked, person, paidFor);
    return paidFor;
  }

  /** Thanks are not sent again because of what comes after them. */
  async function attempt(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      log.warn(describeError(error), `The bot failed to ${what}`);
    }
  }

  return {
    follow,
    async followOpen(chargeId) {
      const open = await books.payments.unsettled({ olderThanMs: 0, limit: BATCH });
      const mine = open.find(({ payment }) => payment.chargeId === chargeId);
      if (mine) await follow(mine);
    },
    async sweep(olderThanMs) {
      const open = await books.payments.unsettled({ olderThanMs, limit: BATCH });
      // One that cannot be followed must not keep the others waiting.
      const outcomes = await Promise.allSettled(open.map(follow));
      const failed = outcomes.find((outcome) => outcome.status === 'rejected');
      if (failed) throw failed.reason;
    },
  };
}
