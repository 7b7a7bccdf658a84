import type { Api, Composer, MiddlewareFn } from 'grammy';
import type { Ledger } from '../../ledger/ledger.ts';
import type { Orders } from '../../orders/orders.ts';
import type { People } from '../../people/people.ts';
import type { Catalogue } from '../../services/catalogue.ts';
import type { StarAlarm } from '../alarms.ts';
import type { Command } from '../commands/command.ts';
import type { BotContext } from '../context.ts';
import type { OrderFlow } from '../conversations/order-flow.ts';
import { createLoop } from '../create-loop.ts';
import type { Translator } from '../i18n.ts';
import { describeError, type Log } from '../log.ts';
import type { Messenger } from '../messenger.ts';
import type { PaymentOffers, PaymentTimings, StarBooks } from './books.ts';
import { createInvoiceButton, createTermsButton } from './buttons.ts';
import { type Checkout, createCheckout } from './checkout.ts';
import { createPaymentFollower } from './follow-payments.ts';
import { createIncomingPayments } from './incoming.ts';
import { createPreCheckout, type PreCheckout } from './pre-checkout.ts';
import { createReconciliation } from './reconcile-stars.ts';
import { sendDueRefunds } from './refund-outbox.ts';
import { createReturnButton } from './return-unused.ts';
import { takeDownInvoices } from './take-down.ts';
import { createRefundTeller } from './tell-refunds.ts';

export interface CashierDeps {
  readonly api: Api;
  readonly books: StarBooks;
  readonly ledger: Pick<Ledger, 'balance'>;
  readonly orders: () => Orders;
  readonly people: People;
  readonly messenger: Messenger;
  readonly translator: Translator;
  readonly catalogue: Catalogue;
  readonly offers: PaymentOffers;
  readonly retentionHours: number;
  readonly alarm: (alarm: StarAlarm) => Promise<void>;
  readonly timings: PaymentTimings;
  readonly log: Log;
}

/** Everything about payments in Telegram's stars. */
export interface Cashier {
  readonly checkout: Checkout;
  readonly onPreCheckout: PreCheckout['answer'];
  /** Handlers and buttons; the flow is made with `checkout`, so it comes after it. */
  serve(deps: { readonly flow: OrderFlow; readonly person: MiddlewareFn<BotContext> }): {
    readonly incoming: Composer<BotContext>;
    readonly buttons: readonly NonNullable<Command['button']>[];
    /** Begins what goes on by itself: reconciliation, refunds, invoices that end. */
    start(): void;
  };
  stop(): Promise<void>;
}

export function createCashier(deps: CashierDeps): Cashier {
  const { books, messenger, offers, timings, log } = deps;
  const loop = (what: string, everyMs: number, work: () => Promise<void>) =>
    createLoop({
      everyMs,
      work,
      onError: (error) => log.warn(describeError(error), `${what} failed and is tried again`),
    });

  const news = loop('Telling of refunds', timings.refundMs, createRefundTeller(deps));
  const onNews = news.kick;
  const refunds = loop('Sending refunds', timings.refundMs, () =>
    sendDueRefunds({ ...deps, onNews }),
  );
  const invoices = loop('Taking invoices down', timings.takeDownMs, () =>
    takeDownInvoices({ ...deps, invoices: books.invoices }),
  );
  const preCheckout = createPreCheckout({
    ...deps,
    invoices: books.invoices,
    patienceMs: timings.checkoutMs,
    onDead: invoices.kick,
  });
  const checkout = createCheckout({
    ...deps,
    refundDays: offers.refundDays,
    onClosed: invoices.kick,
  });
  const running = [refunds, news, invoices];

  return {
    checkout,
    onPreCheckout: preCheckout.answer,

    serve({ flow, person }) {
      const follower = createPaymentFollower({
        ...deps,
        flow,
        onPaid: invoices.kick,
      });
      const reconciliation = loop(
        'Comparing stars with Telegram',
        timings.reconcileMs,
        createReconciliation({ ...deps, follower, onNews }),
      );
      let isFirst = true;
      const settling = loop('Following payments up', timings.settleMs, () => {
        // At the start all that are open were left by another process.
        const olderThanMs = isFirst ? 0 : timings.settleMs;
        isFirst = false;
        return follower.sweep(olderThanMs);
      });
      running.push(reconciliation, settling);
      const reconcile = reconciliation.kick;
      return {
        incoming: createIncomingPayments({ ...deps, person, follower, reconcile, onNews }),
        buttons: [
          createInvoiceButton({ checkout }),
          createTermsButton({ checkout, flow, messenger, packs: offers.packs }),
          createReturnButton({
            books,
            messenger,
            refundDays: offers.refundDays,
            onRequested: refunds.kick,
          }),
        ],
        start() {
          for (const each of running) each.start();
        },
      };
    },

    async stop() {
      await Promise.all([preCheckout.stop(), ...running.map((each) => each.stop())]);
    },
  };
}
