import { requirePerson } from './require-person.ts';
import type { InvoicePlace, InvoiceTerms } from './stars.ts';
import type { World } from './world.ts';

/** How an attempt to pay ended; only `paid` moved Stars. */
export type PaymentOutcome =
  | { readonly kind: 'paid'; readonly chargeId: string }
  /** The bot said no, in these words. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** The purse lacks so many Stars; the bot heard nothing of it. */
  | { readonly kind: 'short'; readonly missing: number }
  /** The bot did not answer in time. */
  | { readonly kind: 'unanswered' }
  /** The invoice was deleted before it was paid, or the server closed. */
  | { readonly kind: 'closed' };

/** What people can do with their Stars. */
export interface Payments {
  /** How many Stars a person has. */
  stars(userId: number): number;
  /** Gives a person Stars, or takes them away. @throws {RangeError} for more than they have */
  addStars(userId: number, amount: number): void;
  /**
   * Pays an invoice: the one on that message of the person's own chat, the one on somebody else's
   * message (which was forwarded to them), or the one behind a link. An invoice can be paid any
   * number of times. The bot is asked first and has `timeoutMs` (10 s by default) to agree.
   *
   * @throws {Error} when there never was an invoice
   */
  pay(
    userId: number,
    invoice: number | InvoicePlace | { readonly link: string },
    options?: { timeoutMs?: number },
  ): Promise<PaymentOutcome>;
}

const checkoutTimeoutMs = 10_000;

/** Creates the paying of a world. */
export function createPayments(world: World): Payments {
  const { state, stars, checkouts, updates } = world;

  return {
    stars: (userId) => stars.purse(requirePerson(world, userId).user.id),
    addStars(userId, amount) {
      stars.addToPurse(requirePerson(world, userId).user.id, amount);
      state.touch(userId);
    },
    async pay(userId, invoice, { timeoutMs = checkoutTimeoutMs } = {}) {
      const { user } = requirePerson(world, userId);
      const { terms, isOpen } = findInvoice(world, userId, invoice);
      const missing = () => Math.max(0, terms.amount - stars.purse(userId));
      if (!isOpen()) return { kind: 'closed' };
      if (missing() > 0) return { kind: 'short', missing: missing() };

      const { id, ended } = checkouts.open(timeoutMs);
      const price = { currency: 'XTR', total_amount: terms.amount, invoice_payload: terms.payload };
      updates.push({ pre_checkout_query: { id, from: user, ...price } });
      const end = await ended;
      if (end.kind !== 'answered') return end;
      if (end.answer.kind === 'refused') return end.answer;
      // Meanwhile the Stars may have been spent elsewhere and the invoice deleted.
      if (!isOpen()) return { kind: 'closed' };
      if (missing() > 0) return { kind: 'short', missing: missing() };

      const { chargeId, providerChargeId } = stars.charge(user, terms);
      const message = state.post(userId, 'person', {
        successful_payment: {
          ...price,
          telegram_payment_charge_id: chargeId,
          provider_payment_charge_id: providerChargeId,
        },
      });
      updates.push({ message });
      return { kind: 'paid', chargeId };
    },
  };
}

function findInvoice(
  { state, stars }: World,
  userId: number,
  invoice: Parameters<Payments['pay']>[1],
): { terms: InvoiceTerms; isOpen: () => boolean } {
  if (typeof invoice === 'object' && 'link' in invoice) {
    const terms = stars.invoiceOf(invoice.link);
    if (terms === undefined) throw new Error(`${invoice.link} is no link to an invoice`);
    return { terms, isOpen: () => true };
  }
  const place = typeof invoice === 'number' ? { chatId: userId, messageId: invoice } : invoice;
  const terms = stars.invoiceAt(place);
  if (terms === undefined) {
    throw new Error(`message ${place.messageId} in chat ${place.chatId} is no invoice`);
  }
  return { terms, isOpen: () => state.find(place.chatId, place.messageId) !== undefined };
}
