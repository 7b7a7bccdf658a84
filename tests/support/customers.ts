import type { PrivateMessage } from '../../src/sandbox/bot-api-server.ts';
import { buttonLabels, type FoundButton, type MessageMatch, type Person } from './chat.ts';
import type { Whole } from './whole.ts';

/** Long enough for a machine that does ten things at once. */
const PATIENCE = { timeoutMs: 60_000 } as const;

const WORDS = {
  en: {
    confirm: /Confirm/,
    balance: /Your balance: (-?[\d.]+) ⭐/,
    paid: 'Paid',
    cancel: /^Cancel$/,
  },
  ru: {
    confirm: /Подтвердить/,
    balance: /Ваш баланс: (-?[\d.]+) ⭐/,
    paid: 'Оплачено',
    cancel: /^Отменить$/,
  },
} as const;

/** Somebody who buys one thing after the other: only what came since their last purchase began counts. */
export interface Customer {
  readonly id: number;
  readonly person: Person;
  /** Opens the menu and presses what is sold under this name; returns the button's label. */
  choose(name: string): Promise<string>;
  /** From here on only what comes after this message counts. */
  since(message: PrivateMessage): void;
  /** Begins another purchase with a button of this message: only what comes after it counts. */
  goOn(message: PrivateMessage, label: RegExp): Promise<void>;
  say(text: string): PrivateMessage;
  see(match: MessageMatch | RegExp): Promise<PrivateMessage>;
  find(label: RegExp): Promise<FoundButton>;
  /** Presses the newest button with this label; returns the toast. */
  press(label: RegExp): Promise<string>;
  /** Waits for an offer at exactly this price and confirms it. */
  confirm(price: string): Promise<PrivateMessage>;
  /** Waits for the last words of a delivery, which say what it cost in the end and offer what comes next. */
  receive(paid: string, words?: RegExp): Promise<PrivateMessage>;
  balance(): Promise<string>;
  /** What the bot sent since the purchase began, with its buttons. */
  received(): PrivateMessage[];
}

/** Somebody new, who has said hello and got stars from the admin. */
export async function meetCustomer(
  whole: Whole,
  { stars, language = 'en' }: { readonly stars?: string; readonly language?: 'en' | 'ru' } = {},
): Promise<Customer> {
  const words = WORDS[language];
  const person = whole.person(language);
  let after = 0;
  const options = () => ({ ...PATIENCE, after });

  const customer: Customer = {
    id: person.id,
    person,
    async choose(name) {
      after = person.say('/start').message_id;
      const label = new RegExp(`${name} · `);
      const found = await person.waitForButton(label, options());
      after = found.message.message_id;
      await whole.telegram.press(person.id, after, found.data, PATIENCE);
      return found.label;
    },
    since(message) {
      after = message.message_id;
    },
    async goOn(message, label) {
      after = message.message_id;
      const { data } = await person.waitForButton(label, { ...PATIENCE, after: after - 1 });
      await whole.telegram.press(person.id, after, data, PATIENCE);
    },
    say: (text) => person.say(text),
    see: (match) =>
      person.waitForMessage(match instanceof RegExp ? { text: match } : match, options()),
    find: (label) => person.waitForButton(label, options()),
    press: async (label) => (await person.press(label, options())).text ?? '',
    async confirm(price) {
      const offered = await customer.see({
        text: new RegExp(`· ${escapeRegExp(price)} ⭐`),
        button: words.confirm,
      });
      await customer.press(words.confirm);
      return offered;
    },
    receive: (paid, said = /./) =>
      customer.see((message) => {
        const labels = buttonLabels(message).filter((label) => !words.cancel.test(label));
        const { text = '' } = message;
        const tells = text.split('\n').includes(`${words.paid}: ${paid} ⭐`);
        return labels.length > 0 && tells && said.test(text);
      }),
    async balance() {
      const { message_id } = person.say('/balance');
      const { text = '' } = await person.waitForMessage(
        { text: words.balance },
        { ...PATIENCE, after: message_id },
      );
      return words.balance.exec(text)?.[1] ?? '';
    },
    received: () =>
      person.messages().filter(({ from, message_id }) => from.is_bot && message_id > after),
  };
  person.say('/start');
  await person.waitForButton(/ · (from|от) /, PATIENCE);
  if (stars !== undefined) await whole.grant(person, stars);
  return customer;
}

/** How many of the messages hold each kind of file. */
export function countMedia(messages: readonly PrivateMessage[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const message of messages) {
    for (const kind of ['photo', 'document', 'video', 'voice', 'audio'] as const) {
      if (message[kind] !== undefined) counts[kind] = (counts[kind] ?? 0) + 1;
    }
  }
  return counts;
}

/** The bytes of all documents among the messages. */
export function documentBytes(whole: Whole, messages: readonly PrivateMessage[]): Buffer[] {
  return messages.flatMap(({ document }) =>
    document ? [Buffer.from(whole.telegram.fileBytes(document.file_id))] : [],
  );
}

/** Every text and every label that the bot sent. */
export function wordsOf(messages: readonly PrivateMessage[]): string[] {
  return messages.flatMap(({ text, caption, reply_markup }) => [
    text ?? caption ?? '',
    ...(reply_markup?.inline_keyboard.flat() ?? []).map((button) => button.text),
  ]);
}

function escapeRegExp(text: string): string {
  return text.replaceAll('.', String.raw`\.`);
}
