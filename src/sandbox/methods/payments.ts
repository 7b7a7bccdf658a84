import type { InlineKeyboardMarkup } from 'grammy/types';
import { z } from 'zod';
import { badRequest } from '../http/bot-api-error.ts';
import type { Fields } from '../http/request-fields.ts';
import type { InvoiceTerms, StarPayment } from '../world/stars.ts';
import { readMarkup } from './markup.ts';
import type { Call, Methods } from './method.ts';
import { sendContent } from './send-content.ts';

const pricesSchema = z.array(z.object({ label: z.string(), amount: z.coerce.number().int() }));
const maxTitleCharacters = 32;
const maxDescriptionCharacters = 255;
const maxPayloadBytes = 128;
/** What the Bot API names for subscriptions; what any other invoice may cost it does not tell. */
const maxInvoiceStars = 10_000;
const maxTransactions = 100;
const currency = 'XTR';

/** Telegram tells the limits of the texts, but not its words for their breach: these are ours. */
function readTerms(fields: Fields): InvoiceTerms {
  const title = requireText(fields, 'title');
  const description = requireText(fields, 'description');
  const payload = requireText(fields, 'payload');
  if (requireText(fields, 'currency') !== currency) throw badRequest('CURRENCY_INVALID');
  if ((fields.text('provider_token') ?? '') !== '') throw badRequest('STARS_INVOICE_INVALID');
  if (countCharacters(title) > maxTitleCharacters) throw badRequest('INVOICE_TITLE_TOO_LONG');
  if (countCharacters(description) > maxDescriptionCharacters) {
    throw badRequest('INVOICE_DESCRIPTION_TOO_LONG');
  }
  if (Buffer.byteLength(payload) > maxPayloadBytes) throw badRequest('INVOICE_PAYLOAD_INVALID');
  return {
    title,
    description,
    payload,
    amount: readPrice(fields),
    startParameter: fields.text('start_parameter') ?? '',
    photoUrl: fields.text('photo_url'),
  };
}

function requireText(fields: Fields, name: string): string {
  const text = fields.text(name) ?? '';
  if (text === '') throw badRequest(`parameter "${name}" is required`);
  return text;
}

const countCharacters = (text: string) => [...text].length;

function readPrice(fields: Fields): number {
  const given = fields.json('prices');
  if (given === undefined) throw badRequest('parameter "prices" is required');
  const prices = pricesSchema.safeParse(given);
  if (!prices.success) throw badRequest("can't parse prices JSON object");
  const [price, ...others] = prices.data;
  if (price === undefined || price.amount <= 0) throw badRequest('total price must be positive');
  // Tips and parts of a price are for money.
  if (others.length > 0 || (fields.integer('max_tip_amount') ?? 0) > 0) {
    throw badRequest('STARS_INVOICE_INVALID');
  }
  if (price.amount > maxInvoiceStars) throw badRequest('CURRENCY_TOTAL_AMOUNT_INVALID');
  return price.amount;
}

function readPayMarkup(fields: Fields, amount: number): InlineKeyboardMarkup {
  const { inline, keyboard } = readMarkup(fields, { allowPay: true });
  if (keyboard !== undefined) throw badRequest('inline keyboard expected');
  if (inline === undefined) return { inline_keyboard: [[{ text: `Pay ⭐️${amount}`, pay: true }]] };
  const first = inline.inline_keyboard[0]?.[0];
  if (first === undefined || !('pay' in first)) throw badRequest('REPLY_MARKUP_BUY_EMPTY');
  return inline;
}

/** Invoices in Telegram Stars, their payment and its return. */
export const paymentMethods = {
  sendInvoice(call) {
    const terms = readTerms(call.fields);
    const { title, description, startParameter, amount } = terms;
    const markup = readPayMarkup(call.fields, amount);
    const invoice = { title, description, start_parameter: startParameter, currency };
    const content = { invoice: { ...invoice, total_amount: amount } };
    const message = sendContent(call, content, { inline: markup, keyboard: undefined });
    call.world.stars.putInvoice({ chatId: message.chat.id, messageId: message.message_id }, terms);
    return message;
  },
  createInvoiceLink({ world, fields }) {
    const terms = readTerms(fields);
    if (fields.text('subscription_period') !== undefined) {
      throw badRequest('this server sells no subscriptions');
    }
    return world.stars.createLink(terms);
  },
  answerPreCheckoutQuery({ world, fields }) {
    const reason = fields.text('error_message') ?? '';
    const isFine = fields.flag('ok');
    if (!isFine && reason === '') throw badRequest('ERROR_TEXT_EMPTY');
    const isOpen = world.checkouts.answer(
      fields.text('pre_checkout_query_id') ?? '',
      isFine ? { kind: 'agreed' } : { kind: 'refused', reason },
    );
    if (!isOpen) {
      throw badRequest('query is too old and response timeout expired or query ID is invalid');
    }
    return true;
  },
  refundStarPayment(call) {
    const { world, fields } = call;
    const userId = fields.integer('user_id') ?? 0;
    const person = world.state.chat(userId);
    if (person === undefined) throw badRequest('USER_ID_INVALID');
    const chargeId = fields.text('telegram_payment_charge_id') ?? '';
    if (chargeId === '') throw badRequest('CHARGE_ID_EMPTY');
    const outcome = world.stars.refund(person.user, chargeId);
    switch (outcome.kind) {
      case 'unknown-charge':
        throw badRequest('CHARGE_NOT_FOUND');
      case 'already-refunded':
        throw badRequest('CHARGE_ALREADY_REFUNDED');
      case 'short':
        throw badRequest('BALANCE_TOO_LOW');
      case 'refunded':
        reportRefund(call, outcome.payment);
        return true;
    }
  },
  getStarTransactions({ world, fields }) {
    const offset = Math.max(0, fields.integer('offset') ?? 0);
    const limit = fields.integer('limit') ?? maxTransactions;
    if (limit < 1 || limit > maxTransactions) throw badRequest('LIMIT_INVALID');
    return { transactions: world.stars.transactions().slice(offset, offset + limit) };
  },
  getMyStarBalance: ({ world }) => ({ amount: world.stars.botBalance() }),
} satisfies Methods;

/** The note stands in the chat even of a person who has blocked the bot. */
function reportRefund({ world }: Call, payment: StarPayment): void {
  const message = world.state.post(payment.userId, 'bot', {
    refunded_payment: {
      currency,
      total_amount: payment.amount,
      invoice_payload: payment.payload,
      telegram_payment_charge_id: payment.chargeId,
    },
  });
  world.updates.push({ message });
}
