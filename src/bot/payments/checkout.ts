import type { Api } from 'grammy';
import { xtrCovering } from '../../domain/xtr.ts';
import type { Invoice, InvoicedOrder } from '../../ledger/invoices.ts';
import type { Person } from '../../people/people.ts';
import type { Catalogue } from '../../services/catalogue.ts';
import type { Talk } from '../context.ts';
import type { TextKey } from '../i18n.ts';
import { describeError, type Log } from '../log.ts';
import type { Messenger } from '../messenger.ts';
import { isBadRequest, isUnreachable } from '../telegram-errors.ts';
import { invoiceWords, payKeyboard, termsAloneScreen, termsScreen } from '../views/payments.ts';
import { sellsOnlyMorphs } from '../views/service.ts';
import type { StarBooks } from './books.ts';
import type { Purchase } from './purchase.ts';
import { TERMS_VERSION } from './terms-version.ts';

export interface CheckoutDeps {
  readonly api: Pick<Api, 'sendInvoice'>;
  readonly books: Pick<StarBooks, 'invoices' | 'sales' | 'terms'>;
  readonly messenger: Messenger;
  /** The terms tell of what is sold. */
  readonly catalogue: Catalogue;
  readonly retentionHours: number;
  readonly refundDays: number;
  /** Invoices were closed: their messages are to be taken down. */
  readonly onClosed: () => void;
  readonly log: Log;
}

/** Sends invoices and takes them back. */
export interface Checkout {
  /** Why this person can neither order nor pay now; undefined when they can. */
  refusal(person: Person): Promise<TextKey | undefined>;
  /** Sends the invoice; the terms before it, to somebody who has not accepted them yet. */
  begin(talk: Talk, purchase: Purchase): Promise<void>;
  /** Shows the terms, with nothing to be paid. */
  showTerms(talk: Talk): Promise<void>;
  /** Writes down that the terms of this version were accepted; false when they are no longer those. */
  acceptTerms(personId: number, version: string): Promise<boolean>;
  /** Takes back a person's own invoice from the message it stands in; false when it was closed before. */
  cancel(invoiceId: string, personId: number, messageId?: number): Promise<boolean>;
  /** Takes back the invoice of an order that is no longer what it was offered for. */
  withdraw(orderId: string): Promise<void>;
}

export function createCheckout(deps: CheckoutDeps): Checkout {
  const { api, books, messenger, catalogue, retentionHours, refundDays } = deps;
  const { invoices } = books;
  const facts = () => ({ onlyMorphs: sellsOnlyMorphs(catalogue), retentionHours, refundDays });

  async function refusal(person: Person): Promise<TextKey | undefined> {
    if (person.bannedAt) return 'pay.refused.banned';
    return (await books.sales.paused()) ? 'pay.refused.paused' : undefined;
  }

  async function send(talk: Talk, purchase: Purchase): Promise<void> {
    const { person, t } = talk;
    const invoice = await invoices.open({ personId: person.id, ...whatOf(purchase) });
    // An earlier one for the same order is closed by this.
    deps.onClosed();
    const messageId = await sendMessage(talk, purchase, invoice).catch(async (error: unknown) => {
      await invoices.cancel(invoice.id, person.id);
      if (!isUnreachable(error) && !isBadRequest(error)) throw error;
      deps.log.warn(describeError(error), 'An invoice was not taken');
      return undefined;
    });
    if (messageId === undefined) {
      await messenger.send(person.id, { text: t('pay.invoiceFailed') });
      return;
    }
    await invoices.setMessage(invoice.id, messageId);
  }

  async function sendMessage(talk: Talk, purchase: Purchase, invoice: Invoice): Promise<number> {
    const { person, t } = talk;
    const { title, description, label } = invoiceWords(t, purchase, invoice);
    const price = { label, amount: invoice.amountXtr };
    const message = await api.sendInvoice(
      ...([person.id, title, description, invoice.id, 'XTR', [price]] as const),
      {
        // Empty, a forwarded copy could be paid by anybody.
        start_parameter: invoice.id,
        reply_markup: { inline_keyboard: payKeyboard(t, invoice) },
      },
    );
    return message.message_id;
  }

  return {
    refusal,

    async begin(talk, purchase) {
      const { person, t } = talk;
      const reason = await refusal(person);
      if (reason) {
        await messenger.send(person.id, { text: t(reason) });
      } else if (person.termsVersion !== TERMS_VERSION) {
        const terms = { version: TERMS_VERSION, ...facts() };
        await messenger.send(person.id, termsScreen(t, purchase, terms));
      } else {
        await send(talk, purchase);
      }
    },

    async showTerms({ person, t }) {
      const isOpen = person.termsVersion !== TERMS_VERSION && !person.bannedAt;
      const version = isOpen ? TERMS_VERSION : undefined;
      const screen = termsAloneScreen(t, { version, ...facts() });
      await messenger.send(person.id, screen);
    },

    async acceptTerms(personId, version) {
      if (version !== TERMS_VERSION) return false;
      await books.terms.accept(personId, version);
      return true;
    },

    async cancel(invoiceId, personId, messageId) {
      const cancelled = await invoices.cancel(invoiceId, personId, messageId);
      deps.onClosed();
      return cancelled;
    },

    async withdraw(orderId) {
      await invoices.cancelOf(orderId);
      deps.onClosed();
    },
  };
}

function whatOf(purchase: Purchase): { amountXtr: number; order?: InvoicedOrder } {
  if (purchase.kind === 'pack') return { amountXtr: purchase.amountXtr };
  const { orderId, mode, price, missing } = purchase;
  return { amountXtr: xtrCovering(missing), order: { orderId, mode, price } };
}
