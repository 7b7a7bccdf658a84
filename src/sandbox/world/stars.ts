import { randomBytes } from 'node:crypto';
import type { StarTransaction, TransactionPartnerUser, User } from 'grammy/types';
import type { Store } from './store.ts';

/** What an invoice asks for; its payload is known to the bot alone. */
export interface InvoiceTerms {
  readonly title: string;
  readonly description: string;
  readonly payload: string;
  /** The price in whole Stars. */
  readonly amount: number;
  readonly startParameter: string;
  readonly photoUrl: string | undefined;
}

/** The message an invoice hangs on. */
export interface InvoicePlace {
  readonly chatId: number;
  readonly messageId: number;
}

/** One payment of an invoice. */
export interface StarPayment {
  readonly chargeId: string;
  readonly providerChargeId: string;
  readonly userId: number;
  readonly amount: number;
  readonly payload: string;
  readonly isRefunded: boolean;
}

/** How giving a payment back ended. */
export type RefundOutcome =
  | { readonly kind: 'refunded'; readonly payment: StarPayment }
  | { readonly kind: 'unknown-charge' }
  | { readonly kind: 'already-refunded' }
  /** The bot has taken out or given back what it would need. */
  | { readonly kind: 'short' };

/** The purses of all people and of the bot, its invoices, and every movement of its Stars. */
export interface Stars {
  purse(userId: number): number;
  /** Changes what a person has. @throws {RangeError} when they would have less than nothing */
  addToPurse(userId: number, amount: number): void;
  /** What the bot has earned, less what it gave back and took out. */
  botBalance(): number;
  /** Remembers what the invoice at this place asks for. */
  putInvoice(place: InvoicePlace, terms: InvoiceTerms): void;
  invoiceAt(place: InvoicePlace): InvoiceTerms | undefined;
  /** Keeps an invoice without a message and returns the link it is paid by. */
  createLink(terms: InvoiceTerms): string;
  invoiceOf(link: string): InvoiceTerms | undefined;
  /** Moves the price from the person to the bot; the purse must hold it. */
  charge(user: User, terms: InvoiceTerms): StarPayment;
  /** Moves a payment back, once. */
  refund(user: User, chargeId: string): RefundOutcome;
  /** Takes Stars of the bot out of this world, as its owner may. @throws {RangeError} */
  withdraw(amount: number): void;
  /** The bot's movements, oldest first. */
  transactions(): StarTransaction[];
}

const linkPrefix = 'https://t.me/$';

/** Opens the purses kept in a store. */
export function createStars(store: Store): Stars {
  const purses = store.table<number>('purses');
  const invoices = store.table<InvoiceTerms>('invoices');
  const links = store.table<InvoiceTerms>('invoice-links');
  const payments = store.table<StarPayment>('payments');
  const movements = store.table<StarTransaction>('star-transactions');

  function addToPurse(userId: number, amount: number): void {
    const after = stars.purse(userId) + amount;
    if (!Number.isSafeInteger(amount) || after < 0) {
      throw new RangeError(`${userId} has ${stars.purse(userId)} Stars: cannot add ${amount}`);
    }
    purses.set(String(userId), after);
  }

  function record(movement: Omit<StarTransaction, 'date'>): void {
    const date = Math.floor(Date.now() / 1000);
    movements.set(String(movements.size), { ...movement, date });
  }

  const stars: Stars = {
    purse: (userId) => purses.get(String(userId)) ?? 0,
    addToPurse,
    botBalance: () =>
      movements
        .values()
        .reduce((sum, { amount, source }) => sum + (source === undefined ? -amount : amount), 0),
    putInvoice: (place, terms) => void invoices.set(keyOf(place), terms),
    invoiceAt: (place) => invoices.get(keyOf(place)),
    createLink(terms) {
      const slug = randomBytes(12).toString('base64url');
      links.set(slug, terms);
      return linkPrefix + slug;
    },
    invoiceOf: (link) =>
      links.get(link.startsWith(linkPrefix) ? link.slice(linkPrefix.length) : ''),
    charge(user, { amount, payload }) {
      addToPurse(user.id, -amount);
      const payment: StarPayment = {
        chargeId: `stx${randomBytes(36).toString('base64url')}`,
        providerChargeId: `${user.id}_${payments.size}`,
        userId: user.id,
        amount,
        payload,
        isRefunded: false,
      };
      payments.set(payment.chargeId, payment);
      record({ id: payment.chargeId, amount, source: describePartner(user, payload) });
      return payment;
    },
    refund(user, chargeId) {
      const payment = payments.get(chargeId);
      if (payment?.userId !== user.id) return { kind: 'unknown-charge' };
      if (payment.isRefunded) return { kind: 'already-refunded' };
      const { amount, payload } = payment;
      if (stars.botBalance() < amount) return { kind: 'short' };
      payments.set(chargeId, { ...payment, isRefunded: true });
      addToPurse(user.id, amount);
      record({ id: chargeId, amount, receiver: describePartner(user, payload) });
      return { kind: 'refunded', payment };
    },
    withdraw(amount) {
      if (amount > stars.botBalance()) throw new RangeError(`the bot has not got ${amount} Stars`);
      const id = `stx${randomBytes(36).toString('base64url')}`;
      record({ id, amount, receiver: { type: 'fragment' } });
    },
    transactions: () => [...movements.values()],
  };
  return stars;
}

const keyOf = ({ chatId, messageId }: InvoicePlace) => `${chatId}/${messageId}`;

function describePartner(user: User, payload: string): TransactionPartnerUser {
  return { type: 'user', transaction_type: 'invoice_payment', user, invoice_payload: payload };
}
