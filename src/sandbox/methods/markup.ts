import type { InlineKeyboardMarkup } from 'grammy/types';
import { z } from 'zod';
import { badRequest } from '../http/bot-api-error.ts';
import type { Fields } from '../http/request-fields.ts';
import type { KeyboardMarkup } from '../world/chat-state.ts';

const inlineButton = z.looseObject({
  text: z.string(),
  url: z.string().optional(),
  callback_data: z.string().optional(),
  web_app: z.looseObject({ url: z.string() }).optional(),
});
const inlineMarkup = z.object({ inline_keyboard: z.array(z.array(inlineButton)) });
const keyboardMarkup = z.union([
  z.looseObject({
    keyboard: z.array(
      z.array(
        z.union([z.string().transform((text) => ({ text })), z.looseObject({ text: z.string() })]),
      ),
    ),
  }),
  z.looseObject({ remove_keyboard: z.literal(true) }),
  z.looseObject({ force_reply: z.literal(true) }),
]);

const maxCallbackDataBytes = 64;
const maxButtons = 100;
const appearance = ['text', 'icon_custom_emoji_id', 'style'];
const actions = [
  'url',
  'callback_data',
  'web_app',
  'login_url',
  'switch_inline_query',
  'switch_inline_query_current_chat',
  'switch_inline_query_chosen_chat',
  'copy_text',
  'callback_game',
  'pay',
];

/** The markup of a call: buttons below the message, or a change of the person's keyboard. */
export interface Markup {
  readonly inline: InlineKeyboardMarkup | undefined;
  readonly keyboard: KeyboardMarkup | undefined;
}

/** Reads and checks `reply_markup`. Buttons to pay with are for invoices alone. */
export function readMarkup(fields: Fields, { allowPay = false } = {}): Markup {
  const value = fields.json('reply_markup');
  if (value === undefined) return { inline: undefined, keyboard: undefined };
  if (typeof value === 'object' && value !== null && 'inline_keyboard' in value) {
    return { inline: parseInline(value, allowPay), keyboard: undefined };
  }
  const keyboard = keyboardMarkup.safeParse(value);
  if (keyboard.success) {
    return { inline: undefined, keyboard: keyboard.data as unknown as KeyboardMarkup };
  }
  if (typeof value === 'object' && value !== null && Object.keys(value).length === 0) {
    return { inline: undefined, keyboard: undefined };
  }
  throw badRequest("can't parse reply keyboard markup JSON object");
}

/** Reads a markup where only buttons below the message are allowed. */
export function readInlineMarkup(fields: Fields): InlineKeyboardMarkup | undefined {
  const { inline, keyboard } = readMarkup(fields);
  if (keyboard !== undefined) throw badRequest('inline keyboard expected');
  return inline;
}

function parseInline(value: object, allowPay: boolean): InlineKeyboardMarkup | undefined {
  const parsed = inlineMarkup.safeParse(value);
  if (!parsed.success) {
    throw badRequest('can\'t parse inline keyboard button: Field "text" must be of type String');
  }
  const rows = parsed.data.inline_keyboard.filter((row) => row.length > 0);
  if (rows.length === 0) return undefined;
  for (const button of rows.flat()) checkButton(button);
  if (rows.flat().length > maxButtons) throw badRequest('reply markup is too long');
  const payAt = rows.flat().findLastIndex((button) => button['pay'] === true);
  if (payAt > 0 || (payAt === 0 && !allowPay)) throw badRequest('BUTTON_TYPE_INVALID');
  const shown = rows.map((row) => row.map(pickKnownFields));
  return { inline_keyboard: shown } as unknown as InlineKeyboardMarkup;
}

/** Buttons come back without what Telegram does not know. */
function pickKnownFields(button: z.infer<typeof inlineButton>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(button).filter(([name]) => appearance.includes(name) || actions.includes(name)),
  );
}

function checkButton(button: z.infer<typeof inlineButton>): void {
  const { text, url, callback_data: data, web_app: webApp } = button;
  if (text.trim() === '')
    throw badRequest("can't parse inline keyboard button: button text must be non-empty");
  if (!actions.some((action) => button[action] !== undefined)) {
    throw badRequest(
      "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
    );
  }
  if (data !== undefined && (data === '' || Buffer.byteLength(data) > maxCallbackDataBytes)) {
    throw badRequest('BUTTON_DATA_INVALID');
  }
  if (
    url !== undefined &&
    !/^(https?|tg|ton|tonsite|mailto):/i.test(url) &&
    !/^[\w-]+(\.[\w-]+)+/.test(url)
  ) {
    throw badRequest(`inline keyboard button URL '${url}' is invalid: Wrong HTTP URL`);
  }
  if (webApp !== undefined && !webApp.url.startsWith('https://')) {
    throw badRequest(
      `inline keyboard button Web App URL '${webApp.url}' is invalid: Only HTTPS links are allowed`,
    );
  }
}
