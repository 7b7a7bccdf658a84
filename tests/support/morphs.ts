import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BotApiServer } from '../../src/sandbox/bot-api-server.ts';
import type { Person } from './chat.ts';
import { makeJpeg } from './pictures.ts';
import type { ReplicateServer, ServedPrediction } from './replicate-server.ts';
import type { Whole } from './whole.ts';

let seeds = 0;

/** Small photos, no two of them alike in one process. */
export function makePhotos(count: number): Promise<Buffer[]> {
  return Promise.all(
    Array.from({ length: count }, () => {
      seeds += 1;
      return makeJpeg({ width: 320 + (seeds % 7), height: 320, seed: seeds });
    }),
  );
}

/** What people read and press, in their language. */
export const words = {
  en: {
    askPhotos: /^Now send me your photos/,
    skip: /^Skip$/,
    counted: (count: number) => new RegExp(`^${count} photos?(?!.*(arriving|✓))`),
    done: /Done/,
    quote: /How shall it end/,
    seamless: /^Seamless/,
    loop: /^Loop/,
    confirm: /Confirm/,
    cancel: /^Cancel$/,
    cancelled: /The order is cancelled/,
    enjoy: /enjoy/,
  },
  ru: {
    askPhotos: /Пришлите фото/,
    skip: /^Пропустить$/,
    counted: (count: number) => new RegExp(`^${count} фото(?!.*(загружа|✓))`),
    done: /Готово/,
    quote: /Как закончить видео/,
    seamless: /^До последнего фото/,
    loop: /^По кругу/,
    confirm: /Подтвердить/,
    cancel: /^Отменить$/,
    cancelled: /Заказ отменён/,
    enjoy: /приятного|Приятного/,
  },
} as const;

/** Long enough for a machine that does ten things at once. */
export const PATIENCE = { timeoutMs: 60_000 } as const;

/** Somebody new, who has said hello and got stars from the admin. */
export async function meet(
  whole: Whole,
  { stars, language = 'en' }: { readonly stars?: string; readonly language?: 'en' | 'ru' } = {},
): Promise<Person> {
  const person = whole.person(language);
  person.say('/start');
  await person.waitForMessage({ button: /Morph|Морф/ }, PATIENCE);
  if (stars !== undefined) await whole.grant(person, stars);
  return person;
}

/** From /morph to the question for photos; people who were never asked skip the gender. */
export async function beginMorph(person: Person, language: 'en' | 'ru' = 'en'): Promise<void> {
  const { askPhotos, skip } = words[language];
  const { message_id: after } = person.say('/morph');
  const asked = await person.waitForMessage(
    (message) =>
      askPhotos.test(message.text ?? '') ||
      (message.reply_markup?.inline_keyboard.flat() ?? []).some(({ text }) => skip.test(text)),
    { ...PATIENCE, after },
  );
  if (askPhotos.test(asked.text ?? '')) return;
  await person.press(skip, { ...PATIENCE, after });
  await person.waitForMessage({ text: askPhotos }, { ...PATIENCE, after });
}

/** Sends photos to a bot that asked for them, presses Done, and waits for the quote. */
export async function quoteMorph(
  person: Person,
  photos: readonly Uint8Array[],
  language: 'en' | 'ru' = 'en',
): Promise<void> {
  const { counted, done, quote } = words[language];
  const [first] = person.sendPhotos(photos, { album: true });
  const options = { ...PATIENCE, ...(first ? { after: first } : {}) };
  await person.waitForMessage({ text: counted(photos.length) }, options);
  await person.press(done, options);
  await person.waitForMessage({ text: quote }, options);
}

/** Everything from /morph up to the Confirm button. */
export async function prepareMorph(
  person: Person,
  options: {
    readonly photos: readonly Uint8Array[];
    readonly mode?: 'seamless' | 'loop';
    readonly language?: 'en' | 'ru';
  },
): Promise<void> {
  const { photos, mode = 'seamless', language = 'en' } = options;
  await beginMorph(person, language);
  await quoteMorph(person, photos, language);
  await person.press(words[language][mode], PATIENCE);
  await person.waitForButton(words[language].confirm, PATIENCE);
}

/** The same, and confirms. */
export async function orderMorph(
  person: Person,
  options: Parameters<typeof prepareMorph>[1],
): Promise<void> {
  await prepareMorph(person, options);
  await person.press(words[options.language ?? 'en'].confirm, PATIENCE);
}

/** Waits for the last words of a delivered order. */
export async function receiveMorph(
  person: Person,
  options: { after?: number; language?: 'en' | 'ru' } = {},
): Promise<void> {
  const { after = 0, language = 'en' } = options;
  await person.waitForMessage({ text: words[language].enjoy }, { timeoutMs: 90_000, after });
}

/** Looks again and again until a condition holds; for what no server tells by itself. */
export async function until<T>(
  look: () => T | undefined | false | null,
  what: string,
  timeoutMs = 60_000,
): Promise<T> {
  const giveUpAt = Date.now() + timeoutMs;
  for (;;) {
    const found = look();
    if (found !== undefined && found !== false && found !== null) return found;
    if (Date.now() > giveUpAt) throw new Error(`${timeoutMs} ms passed before ${what}`);
    await sleep(10);
  }
}

/** The calls of a method for one chat, answered or not. */
export function asked(telegram: BotApiServer, method: string, chatId: number) {
  return telegram.calls.filter(
    (call) => call.method === method && call.payload['chat_id'] === chatId,
  );
}

/** The calls of a method for one chat that Telegram accepted. */
export function accepted(telegram: BotApiServer, method: string, chatId: number) {
  return asked(telegram, method, chatId).filter(({ status }) => status === 200);
}

/** All predictions, by the pictures they lead from and to. */
export function predictionsByPair(replicate: ReplicateServer): Map<string, ServedPrediction[]> {
  const pairs = new Map<string, ServedPrediction[]>();
  for (const prediction of replicate.predictions) {
    const digest = (field: string) => {
      const bytes = replicate.fileBytes(String(prediction.input[field]));
      return bytes ? createHash('sha256').update(bytes).digest('hex').slice(0, 12) : '?';
    };
    const pair = `${digest('start_image')}→${digest('end_image')}`;
    pairs.set(pair, [...(pairs.get(pair) ?? []), prediction]);
  }
  return pairs;
}

/** Nothing was bought a second time before its first prediction had failed. */
export function assertNothingBoughtTwice(replicate: ReplicateServer): void {
  for (const [pair, predictions] of predictionsByPair(replicate)) {
    for (const [index, next] of predictions.slice(1).entries()) {
      const before = predictions[index];
      const over =
        before?.completedAt &&
        before.status !== 'succeeded' &&
        before.completedAt <= next.createdAt;
      assert.ok(over, `${pair} was bought again while ${before?.id} was ${before?.status}`);
    }
  }
}
