import type { InlineKeyboardButton } from 'grammy/types';
import { GENDERS, type Gender } from '../domain/gender.ts';
import { ORDER_MODES, type OrderMode } from '../domain/order-mode.ts';
import { type Stars, stars } from '../domain/stars.ts';

/** Actions on an order that need nothing but the order. */
const PLAIN_ACTIONS = [
  'done',
  'undo',
  'clear',
  'cancel',
  'add',
  'back',
  'rethink',
  'preview',
  'offer',
  'continue',
  'topup',
  'status',
] as const;
type PlainAction = (typeof PLAIN_ACTIONS)[number];

/** What pressing a button of an order means. */
export type OrderPress = { readonly orderId: string } & (
  | { readonly [A in PlainAction]: { readonly action: A } }[PlainAction]
  | { readonly action: 'mode'; readonly mode: OrderMode }
  /** Agrees to what the button's message shows, and to nothing else. */
  | {
      readonly action: 'confirm';
      readonly mode: OrderMode;
      readonly price: Stars;
      /** The quote that the message shows; empty on buttons that do not name it. */
      readonly quote: string;
    }
  /** Wants to pay what is missing for exactly this. */
  | { readonly action: 'pay'; readonly mode: OrderMode; readonly price: Stars }
  /** Asked at the beginning (`gender`), or by Done (`gender_done`): the quote follows at once. */
  | { readonly action: 'gender' | 'gender_done'; readonly gender: Gender }
  | { readonly action: 'partial'; readonly accept: boolean }
  /** Answers a question with one of its options. */
  | { readonly action: 'pick'; readonly field: string; readonly value: string }
  /** Wants the same once more, with another answer to `field`; null: with the same. */
  | { readonly action: 'repeat'; readonly field: string | null }
  /** Takes the words of a result to another service. */
  | { readonly action: 'use'; readonly serviceType: string }
);

/** Modes where there is no room for their names. */
const MODE_LETTERS = { seamless: 's', loop: 'l', standard: 'o' } as const satisfies Record<
  OrderMode,
  string
>;

/** Where the menu's buttons lead, beside the services. */
export const MENU_ITEMS = ['avatars', 'balance', 'language', 'help'] as const;
export type MenuItem = (typeof MENU_ITEMS)[number];

/** A button of an order. Its data stays below Telegram's 64 bytes for ids of up to 32 characters. */
export function orderButton(text: string, press: OrderPress): InlineKeyboardButton {
  return { text, callback_data: encodeOrderPress(press) };
}

export function encodeOrderPress(press: OrderPress): string {
  const parts = ['o', press.action, press.orderId];
  if (press.action === 'mode') parts.push(press.mode);
  if (press.action === 'confirm' || press.action === 'pay')
    parts.push(MODE_LETTERS[press.mode], String(press.price));
  if (press.action === 'confirm' && press.quote !== '') parts.push(press.quote);
  if (press.action === 'gender' || press.action === 'gender_done') parts.push(press.gender);
  if (press.action === 'partial') parts.push(press.accept ? 'yes' : 'no');
  if (press.action === 'pick') parts.push(press.field, press.value);
  if (press.action === 'repeat' && press.field !== null) parts.push(press.field);
  if (press.action === 'use') parts.push(press.serviceType);
  return parts.join(':');
}

/** Reads what `encodeOrderPress` wrote; undefined for anything else. */
export function decodeOrderPress(data: string | undefined): OrderPress | undefined {
  return decodeServicePress(data) ?? decodePlainPress(data);
}

/** Presses that name fields, options or services, which only their order's service knows. */
function decodeServicePress(data: string | undefined): OrderPress | undefined {
  const match = /^o:(pick|repeat|use):([\w-]{1,32})(?::(\w{1,20}))?(?::([\w.-]{1,24}))?$/.exec(
    data ?? '',
  );
  const [, action, orderId, name, value] = match ?? [];
  if (orderId === undefined) return undefined;
  if (action === 'pick') {
    return name === undefined || value === undefined
      ? undefined
      : { action, orderId, field: name, value };
  }
  if (value !== undefined) return undefined;
  if (action === 'repeat') return { action, orderId, field: name ?? null };
  return action === 'use' && name !== undefined
    ? { action, orderId, serviceType: name }
    : undefined;
}

function decodePlainPress(data: string | undefined): OrderPress | undefined {
  const match =
    /^o:([a-z_]+):([\w-]{1,32})(?::([a-z]+)(?::(0|[1-9]\d{0,9})(?::([0-9a-f]{8}))?)?)?$/.exec(
      data ?? '',
    );
  const [, name, orderId, choice, price, quote] = match ?? [];
  if (name === undefined || orderId === undefined) return undefined;
  if (name === 'confirm' || name === 'pay') {
    const mode = ORDER_MODES.find((known) => MODE_LETTERS[known] === choice);
    if (!mode || price === undefined) return undefined;
    const asked = { orderId, mode, price: stars(Number(price)) };
    if (name === 'confirm') return { action: name, ...asked, quote: quote ?? '' };
    return quote === undefined ? { action: name, ...asked } : undefined;
  }
  if (price !== undefined) return undefined;
  const action = PLAIN_ACTIONS.find((known) => known === name);
  if (action) return choice === undefined ? { action, orderId } : undefined;
  if (name === 'mode') {
    const mode = ORDER_MODES.find((known) => known === choice);
    return mode && { action: 'mode', orderId, mode };
  }
  if (name === 'gender' || name === 'gender_done') {
    const gender = GENDERS.find((known) => known === choice);
    return gender && { action: name, orderId, gender };
  }
  if (name === 'partial' && (choice === 'yes' || choice === 'no')) {
    return { action: 'partial', orderId, accept: choice === 'yes' };
  }
  return undefined;
}

/** Accepting the terms of a version, and what the person was about to pay, if anything. */
export interface TermsPress {
  readonly version: string;
  readonly purchase:
    | { readonly kind: 'none' }
    | { readonly kind: 'pack'; readonly amountXtr: number }
    | {
        readonly kind: 'order';
        readonly orderId: string;
        readonly mode: OrderMode;
        readonly price: Stars;
      };
}

/** The prefix of buttons that accept the terms. */
export const TERMS_PREFIX = 'terms';

export function encodeTermsPress({ version, purchase }: TermsPress): string {
  return [TERMS_PREFIX, version, ...partsOf(purchase)].join(':');
}

function partsOf(purchase: TermsPress['purchase']): readonly (string | number)[] {
  switch (purchase.kind) {
    case 'none':
      return ['none'];
    case 'pack':
      return ['pack', purchase.amountXtr];
    case 'order':
      return [MODE_LETTERS[purchase.mode], purchase.price, purchase.orderId];
  }
}

/** Reads what stands behind the prefix of `encodeTermsPress`; undefined for anything else. */
export function decodeTermsPress(value: string): TermsPress | undefined {
  const match = /^([\w.-]{1,8}):([a-z]+)(?::([1-9]\d{0,9})(?::([\w-]{1,32}))?)?$/.exec(value);
  const [, version, name, amount, orderId] = match ?? [];
  if (version === undefined) return undefined;
  if (amount === undefined) {
    return name === 'none' ? { version, purchase: { kind: 'none' } } : undefined;
  }
  if (name === 'pack' && orderId === undefined) {
    return { version, purchase: { kind: 'pack', amountXtr: Number(amount) } };
  }
  const mode = ORDER_MODES.find((known) => MODE_LETTERS[known] === name);
  if (!mode || orderId === undefined) return undefined;
  return { version, purchase: { kind: 'order', orderId, mode, price: stars(Number(amount)) } };
}
