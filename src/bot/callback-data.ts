import type { InlineKeyboardButton } from 'grammy/types';
import { GENDERS, type Gender } from '../domain/gender.ts';
import { MORPH_MODES, type MorphMode } from '../domain/morph-plan.ts';
import { type Stars, stars } from '../domain/stars.ts';

/** Actions on an order that need nothing but the order. */
const PLAIN_ACTIONS = [
  'done',
  'undo',
  'clear',
  'cancel',
  'add',
  'back',
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
  | { readonly action: 'mode'; readonly mode: MorphMode }
  /** Agrees to what the button's message shows, and to nothing else. */
  | { readonly action: 'confirm'; readonly mode: MorphMode; readonly price: Stars }
  /** Wants to pay what is missing for exactly this. */
  | { readonly action: 'pay'; readonly mode: MorphMode; readonly price: Stars }
  /** Asked at the beginning (`gender`), or by Done (`gender_done`): the quote follows at once. */
  | { readonly action: 'gender' | 'gender_done'; readonly gender: Gender }
  | { readonly action: 'partial'; readonly accept: boolean }
);

/** Modes where there is no room for their names. */
const MODE_LETTERS = { seamless: 's', loop: 'l' } as const satisfies Record<MorphMode, string>;

/** Where the menu's buttons lead. */
export const MENU_ITEMS = ['morph', 'balance', 'language', 'help'] as const;
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
  if (press.action === 'gender' || press.action === 'gender_done') parts.push(press.gender);
  if (press.action === 'partial') parts.push(press.accept ? 'yes' : 'no');
  return parts.join(':');
}

/** Reads what `encodeOrderPress` wrote; undefined for anything else. */
export function decodeOrderPress(data: string | undefined): OrderPress | undefined {
  const match = /^o:([a-z_]+):([\w-]{1,32})(?::([a-z]+)(?::(0|[1-9]\d{0,9}))?)?$/.exec(data ?? '');
  const [, name, orderId, choice, price] = match ?? [];
  if (name === undefined || orderId === undefined) return undefined;
  if (name === 'confirm' || name === 'pay') {
    const mode = MORPH_MODES.find((known) => MODE_LETTERS[known] === choice);
    if (!mode || price === undefined) return undefined;
    return { action: name, orderId, mode, price: stars(Number(price)) };
  }
  if (price !== undefined) return undefined;
  const action = PLAIN_ACTIONS.find((known) => known === name);
  if (action) return choice === undefined ? { action, orderId } : undefined;
  if (name === 'mode') {
    const mode = MORPH_MODES.find((known) => known === choice);
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
        readonly mode: MorphMode;
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
  const mode = MORPH_MODES.find((known) => MODE_LETTERS[known] === name);
  if (!mode || orderId === undefined) return undefined;
  return { version, purchase: { kind: 'order', orderId, mode, price: stars(Number(amount)) } };
}
