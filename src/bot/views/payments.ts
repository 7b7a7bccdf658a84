import type { InlineKeyboardButton } from 'grammy/types';
import { type Stars, stars } from '../../domain/stars.ts';
import { starsOfXtr, xtrCovering } from '../../domain/xtr.ts';
import type { Invoice } from '../../ledger/invoices.ts';
import type { Payment } from '../../ledger/payments.ts';
import type { Language } from '../../people/people.ts';
import { showDay, showStars } from '../amounts.ts';
import { encodeTermsPress, orderButton } from '../callback-data.ts';
import { escapeHtml, type Translate } from '../i18n.ts';
import type { Screen } from '../messenger.ts';
import type { OrderPurchase, Purchase } from '../payments/purchase.ts';

/** Packs in one row of buttons. */
const PACKS_IN_ROW = 3;

/** Telegram sells no invoice of more stars than this: https://core.telegram.org/bots/api#labeledprice */
const MAX_INVOICE_XTR = 10_000;

/** A whole number of Telegram's stars. */
export function showXtr(amountXtr: number): string {
  return `${amountXtr} ⭐`;
}

/** The packs, one button each. */
export function packKeyboard(packs: readonly number[]): InlineKeyboardButton[][] {
  const rows: InlineKeyboardButton[][] = [];
  for (let from = 0; from < packs.length; from += PACKS_IN_ROW) {
    const row = packs.slice(from, from + PACKS_IN_ROW);
    rows.push(
      row.map((amountXtr) => ({ text: showXtr(amountXtr), callback_data: `topup:${amountXtr}` })),
    );
  }
  return rows;
}

/** The button that pays exactly what an order lacks; none when that is more than one invoice may ask. */
export function payMissingRow(
  t: Translate,
  { orderId, mode, price, missing }: Omit<OrderPurchase, 'kind'>,
): InlineKeyboardButton[][] {
  const amountXtr = xtrCovering(missing);
  if (amountXtr > MAX_INVOICE_XTR) return [];
  const label = t('pay.missing', { stars: showXtr(amountXtr) });
  return [[orderButton(label, { action: 'pay', orderId, mode, price })]];
}

/** What /topup shows. */
export function topUpScreen(
  t: Translate,
  account: { readonly balance: Stars; readonly packs: readonly number[] },
): Screen {
  return {
    text: t('pay.topUp', { balance: showStars(account.balance) }),
    keyboard: packKeyboard(account.packs),
  };
}

/** More stars for an order that its person cannot afford: exactly what is missing, or a pack. */
export function orderTopUpScreen(
  t: Translate,
  orderId: string,
  offer: {
    /** Undefined when no mode is chosen. */
    readonly purchase: OrderPurchase | undefined;
    readonly packs: readonly number[];
  },
): Screen {
  return {
    text: t('pay.orderTopUp'),
    keyboard: [
      ...(offer.purchase ? payMissingRow(t, offer.purchase) : []),
      ...packKeyboard(offer.packs),
      [
        orderButton(t('common.continue'), { action: 'continue', orderId }),
        orderButton(t('morph.back'), { action: 'back', orderId }),
        orderButton(t('common.cancel'), { action: 'cancel', orderId }),
      ],
    ],
  };
}

/** The words on an invoice. Title up to 32 characters, description up to 255. */
export function invoiceWords(
  t: Translate,
  purchase: Purchase,
  { amountXtr }: Pick<Invoice, 'amountXtr'>,
): { readonly title: string; readonly description: string; readonly label: string } {
  const label = t('pay.label');
  if (purchase.kind === 'pack') {
    const title = t('pay.packTitle', { stars: showXtr(amountXtr) });
    return { title, description: t('pay.packDescription'), label };
  }
  const { price, missing } = purchase;
  const rest = stars(starsOfXtr(amountXtr) - missing);
  const values = { price: showStars(price), rest: showStars(rest) };
  return {
    title: t('pay.orderTitle'),
    description: t(rest > 0 ? 'pay.orderDescriptionRest' : 'pay.orderDescription', values),
    label,
  };
}

/** Under an invoice. The first button has to be the one that pays. */
export function payKeyboard(
  t: Translate,
  { id, amountXtr }: Pick<Invoice, 'id' | 'amountXtr'>,
): InlineKeyboardButton[][] {
  return [
    [{ text: t('pay.pay', { stars: showXtr(amountXtr) }), pay: true }],
    [{ text: t('pay.notNow'), callback_data: `invoice:${id}` }],
  ];
}

/** What the terms depend on. */
export interface TermsFacts {
  /** Whether nothing but morphs is sold. */
  readonly onlyMorphs: boolean;
  readonly retentionHours: number;
  readonly refundDays: number;
}

/** The terms, once before the first payment. */
export function termsScreen(
  t: Translate,
  purchase: Purchase,
  terms: TermsFacts & { readonly version: string },
): Screen {
  const { version } = terms;
  return {
    text: [t('pay.termsFirst'), termsText(t, terms)].join('\n\n'),
    keyboard: [[{ text: t('pay.accept'), callback_data: encodeTermsPress({ version, purchase }) }]],
  };
}

/** What /terms shows; to somebody who has not accepted them yet, with the button that does. */
export function termsAloneScreen(
  t: Translate,
  terms: TermsFacts & {
    /** The version to be accepted; undefined when that is done. */
    readonly version: string | undefined;
  },
): Screen {
  const text = termsText(t, terms);
  const { version } = terms;
  if (version === undefined) return { text };
  const callback_data = encodeTermsPress({ version, purchase: { kind: 'none' } });
  return { text, keyboard: [[{ text: t('pay.accept'), callback_data }]] };
}

function termsText(t: Translate, terms: TermsFacts): string {
  const { onlyMorphs, retentionHours, refundDays } = terms;
  const unused =
    refundDays > 0
      ? t('legal.unusedWithin', { days: t('pay.days', { count: refundDays }) })
      : t('legal.unusedAsk');
  return [
    t('legal.terms.title'),
    t(onlyMorphs ? 'legal.terms.buyMorph' : 'legal.terms.buy'),
    t('legal.terms.paying', { unused }),
    t(onlyMorphs ? 'legal.terms.promiseMorph' : 'legal.terms.promise'),
    t('legal.terms.cancelling'),
    ...(onlyMorphs ? [] : [t('legal.terms.avatars')]),
    t(onlyMorphs ? 'legal.terms.sendingMorph' : 'legal.terms.sending'),
    t('legal.terms.keeping', { hours: t('morph.hours', { count: retentionHours }) }),
  ].join('\n\n');
}

/**
 * What a payment led to. `balance`: it was for nothing else; `repeated`: its invoice was paid before;
 * `changed`: the order is not what it was; `short`: still too little; `on_hold`: the person may order nothing.
 */
export type PaidFor = 'balance' | 'started' | 'repeated' | 'changed' | 'short' | 'on_hold';

/** Stars have come. */
export function receivedScreen(
  t: Translate,
  payment: {
    readonly amount: Stars;
    readonly balance: Stars;
    /** Whether its update was lost, and it was found later. */
    readonly late: boolean;
    readonly paidFor: PaidFor;
    readonly openOrderId: string | undefined;
  },
): Screen {
  const { amount, balance, late, paidFor, openOrderId } = payment;
  const lines = [
    t(late ? 'pay.receivedLate' : 'pay.received', { amount: `+${showStars(amount)}` }),
    ...(paidFor === 'balance' ? [] : [t(`pay.paidFor.${paidFor}`)]),
    t('pay.balanceNow', { balance: showStars(balance) }),
  ];
  const button =
    openOrderId && orderButton(t('common.continue'), { action: 'continue', orderId: openOrderId });
  return { text: lines.join('\n\n'), ...(button ? { keyboard: [[button]] } : {}) };
}

/** To whoever invited somebody who has paid for the first time. */
export function friendBonusScreen(t: Translate, amount: Stars): Screen {
  return { text: t('pay.friendBonus', { amount: `+${showStars(amount)}` }) };
}

/** An amount that moved, and what the balance is now. */
export interface Movement {
  readonly amount: Stars;
  readonly balance: Stars;
}

const movementValues = ({ amount, balance }: Movement) => ({
  amount: showStars(amount),
  balance: showStars(balance),
});

/** Telegram took a payment back that nobody here had asked for. */
export function reversedScreen(t: Translate, movement: Movement): Screen {
  const key = movement.balance < 0 ? 'pay.reversedBelowZero' : 'pay.reversed';
  return { text: t(key, movementValues(movement)) };
}

/** A refund has left for Telegram. */
export function refundSentScreen(t: Translate, movement: Movement): Screen {
  return { text: t('pay.refundSent', movementValues(movement)) };
}

/** Telegram refused a refund for good. */
export function refundFailedScreen(t: Translate, movement: Movement): Screen {
  return { text: t('pay.refundFailed', movementValues(movement)) };
}

/** To whoever invited somebody whose first payment, and what it had brought them, went back. */
export function bonusGoneScreen(t: Translate, movement: Movement): Screen {
  return { text: t('pay.friendBonusGone', movementValues(movement)) };
}

/** Payments of a return that are named; the sum counts all. */
const NAMED_PAYMENTS = 10;

/** Which payments would go back, and whether they shall. */
export function returnScreen(
  t: Translate,
  language: Language,
  unused: readonly Payment[],
  refundDays: number,
): Screen {
  if (unused.length === 0) {
    const days = t('pay.days', { count: refundDays });
    return { text: t('pay.nothingToReturn', { days }) };
  }
  const total = totalXtr(unused);
  const lines = unused
    .slice(0, NAMED_PAYMENTS)
    .map(
      ({ paidAt, amountXtr, chargeId }) =>
        `• ${showDay(paidAt, language)} · <b>${showXtr(amountXtr)}</b> · <code>${escapeHtml(chargeId)}</code>`,
    );
  if (unused.length > lines.length) lines.push('…');
  return {
    text: [t('pay.returnAsk'), lines.join('\n'), t('pay.returnHow')].join('\n\n'),
    keyboard: [
      [
        {
          text: t('pay.returnYes', { stars: showXtr(total) }),
          callback_data: `return:yes:${total}`,
        },
      ],
      [{ text: t('pay.returnNo'), callback_data: 'return:no' }],
    ],
  };
}

/** The sum of payments, in XTR. */
export function totalXtr(payments: readonly Pick<Payment, 'amountXtr'>[]): number {
  return payments.reduce((sum, { amountXtr }) => sum + amountXtr, 0);
}

/** The way back for stars that were not used. */
export function returnKeyboard(t: Translate): InlineKeyboardButton[][] {
  return [[{ text: t('pay.return'), callback_data: 'return:ask' }]];
}

/** Under a balance. */
export function accountKeyboard(
  t: Translate,
  account: { readonly returnable: boolean },
): InlineKeyboardButton[][] {
  const topUp = [{ text: t('morph.topUp'), callback_data: 'topup:show' }];
  return [topUp, ...(account.returnable ? returnKeyboard(t) : [])];
}
