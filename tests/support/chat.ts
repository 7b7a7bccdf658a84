import { randomInt } from 'node:crypto';
import type { InlineKeyboardButton, Message } from 'grammy/types';
import type {
  BotApiServer,
  CallbackAnswer,
  PaymentOutcome,
  PrivateMessage,
} from '../../src/sandbox/bot-api-server.ts';

/** What a message may hold besides text. */
export type MediaName =
  | 'animation'
  | 'audio'
  | 'document'
  | 'invoice'
  | 'photo'
  | 'sticker'
  | 'video'
  | 'video_note'
  | 'voice';

/** Which of the bot's messages is meant; `text` is compared with the text or the caption. */
export type MessageMatch =
  | ((message: PrivateMessage) => boolean)
  | { text?: RegExp; has?: MediaName; button?: RegExp };

export interface WaitOptions {
  /** 15 s by default. */
  timeoutMs?: number;
  /** Only messages below this one count: a message or its message_id. */
  after?: Message | number;
}

/** A button found in the chat. */
export interface FoundButton {
  readonly message: PrivateMessage;
  readonly label: string;
  readonly data: string;
}

/** One person using the bot, as a test drives them. */
export interface Person {
  readonly id: number;
  /** Writes a text or a command. */
  say(text: string): PrivateMessage;
  /**
   * Sends photos one by one, or as albums of ten as clients do. With `isReversed` the bot gets them
   * last one first, although they stand in the chat in order.
   */
  sendPhotos(
    photos: readonly Uint8Array[],
    options?: { album?: boolean; caption?: string; isReversed?: boolean },
  ): PrivateMessage[];
  /** Sends a file as a document, its bytes untouched. */
  sendFile(bytes: Uint8Array, name: string, mimeType?: string): PrivateMessage;
  /** Waits until the bot has sent, or edited a message into, what is asked for; the newest wins. */
  waitForMessage(match: MessageMatch, options?: WaitOptions): Promise<PrivateMessage>;
  /** Waits for a button by its label; the newest message wins. */
  waitForButton(label: RegExp, options?: WaitOptions): Promise<FoundButton>;
  /** Waits for a button, presses it, and resolves with the bot's answer to the press. */
  press(label: RegExp, options?: WaitOptions): Promise<CallbackAnswer>;
  /** Waits for an invoice and pays it; the newest wins. Stars come from {@link Person.addStars}. */
  pay(options?: WaitOptions): Promise<PaymentOutcome>;
  addStars(amount: number): void;
  stars(): number;
  /** Waits until no message matches any more, because it was deleted or edited. */
  waitUntilGone(match: MessageMatch, options?: WaitOptions): Promise<void>;
  /** All messages of the chat as they look now, oldest first. */
  messages(): PrivateMessage[];
  /** The newest message of the bot. */
  lastMessage(): PrivateMessage | undefined;
  block(): void;
  unblock(): void;
  /** The whole chat as text, for people to read. */
  transcript(): string;
}

const albumSize = 10;

/** Adds a person to the server and returns the means to act as them. */
export function createPerson(
  server: BotApiServer,
  {
    id,
    firstName,
    language,
    username,
  }: { id: number; firstName: string; language?: string; username?: string },
): Person {
  server.addUser({
    id,
    first_name: firstName,
    ...(language === undefined ? {} : { language_code: language }),
    ...(username === undefined ? {} : { username }),
  });

  const fromBot = () => server.messages(id).filter((message) => message.from.is_bot);

  function find(match: MessageMatch, { after }: WaitOptions): PrivateMessage | undefined {
    const afterId = typeof after === 'object' ? after.message_id : (after ?? 0);
    return fromBot().findLast((message) => message.message_id > afterId && matches(message, match));
  }

  /** Looks again after every change of the chat, until something is found. */
  function wait<T>(
    look: () => T | undefined,
    what: string,
    { timeoutMs = 15_000 }: WaitOptions,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const stop = () => {
        clearTimeout(timer);
        server.off('change', onChange);
      };
      const check = () => {
        const found = look();
        if (found === undefined) return;
        stop();
        resolve(found);
      };
      const onChange = (chatId: number) => {
        if (chatId === id) check();
      };
      const timer = setTimeout(() => {
        stop();
        const chat = person.transcript() || '(nothing was said)';
        reject(new Error(`${firstName} waited ${timeoutMs} ms for ${what}. The chat:\n${chat}`));
      }, timeoutMs);
      server.on('change', onChange);
      check();
    });
  }

  const person: Person = {
    id,
    say: (text) => server.sendText(id, text),
    sendPhotos(photos, { album = false, caption, isReversed = false } = {}) {
      const firstAlbumId = randomInt(2 ** 40);
      const release = server.holdUpdates();
      try {
        return photos.map((photo, index) =>
          server.sendPhoto(id, photo, {
            ...(album ? { mediaGroupId: `${firstAlbumId + Math.floor(index / albumSize)}` } : {}),
            ...(caption !== undefined && index === 0 ? { caption } : {}),
          }),
        );
      } finally {
        release((held) => (isReversed ? held.toReversed() : held));
      }
    },
    sendFile: (bytes, name, mimeType) =>
      server.sendDocument(id, bytes, {
        fileName: name,
        ...(mimeType === undefined ? {} : { mimeType }),
      }),
    waitForMessage: (match, options = {}) =>
      wait(() => find(match, options), describe(match), options),
    waitForButton: (label, options = {}) =>
      wait(
        () => {
          const message = find({ button: label }, options);
          return message && findButton(message, label);
        },
        `a button ${label}`,
        options,
      ),
    async press(label, options = {}) {
      const { message, data } = await person.waitForButton(label, options);
      const { timeoutMs } = options;
      return server.press(
        id,
        message.message_id,
        data,
        timeoutMs === undefined ? {} : { timeoutMs },
      );
    },
    async pay(options = {}) {
      const { message_id } = await person.waitForMessage({ has: 'invoice' }, options);
      return server.pay(id, message_id);
    },
    addStars: (amount) => server.addStars(id, amount),
    stars: () => server.stars(id),
    async waitUntilGone(match, options = {}) {
      await wait(
        () => (find(match, options) === undefined ? true : undefined),
        `the end of ${describe(match)}`,
        options,
      );
    },
    messages: () => server.messages(id),
    lastMessage: () => fromBot().at(-1),
    block: () => server.block(id),
    unblock: () => server.unblock(id),
    transcript: () => server.messages(id).map(printMessage).join('\n'),
  };
  return person;
}

/** The label of every button below a message that can be pressed. */
export function buttonLabels(message: Message): string[] {
  return (message.reply_markup?.inline_keyboard ?? []).flat().map(({ text }) => text);
}

function findButton(message: PrivateMessage, label: RegExp): FoundButton | undefined {
  for (const button of (message.reply_markup?.inline_keyboard ?? []).flat()) {
    if ('callback_data' in button && label.test(button.text)) {
      return { message, label: button.text, data: button.callback_data };
    }
  }
  return undefined;
}

function matches(message: PrivateMessage, match: MessageMatch): boolean {
  if (typeof match === 'function') return match(message);
  const { text, has, button } = match;
  return (
    (text === undefined || text.test(message.text ?? message.caption ?? '')) &&
    (has === undefined || message[has] !== undefined) &&
    (button === undefined || findButton(message, button) !== undefined)
  );
}

function describe(match: MessageMatch): string {
  if (typeof match === 'function') return `a message for which ${match}`;
  const parts = Object.entries(match).map(([name, value]) => `${name} ${value}`);
  return `a message with ${parts.join(', ')}`;
}

function printMessage(message: Message): string {
  const lines: string[] = [];
  const media = describeMedia(message);
  if (media !== undefined) lines.push(`(${media})`);
  const text = message.text ?? message.caption;
  if (text !== undefined) lines.push(...text.split('\n'));
  for (const row of message.reply_markup?.inline_keyboard ?? []) {
    lines.push(row.map(printButton).join(' '));
  }
  const name = `${message.from?.first_name ?? '?'}: `;
  return name + lines.join(`\n${' '.repeat(name.length)}`);
}

function printButton(button: InlineKeyboardButton): string {
  return 'url' in button ? `[${button.text} -> ${button.url}]` : `[${button.text}]`;
}

function describeMedia(message: Message): string | undefined {
  const { photo, video, animation, document, audio, voice, sticker, invoice } = message;
  const { video_note: note, successful_payment: paid, refunded_payment: refunded } = message;
  const largest = photo?.at(-1);
  if (largest !== undefined) return `photo ${largest.width}x${largest.height}`;
  if (video !== undefined) return `video ${video.width}x${video.height}, ${video.duration} s`;
  if (animation !== undefined) return `animation ${animation.width}x${animation.height}`;
  if (document !== undefined) {
    return `file ${document.file_name ?? '?'}, ${document.file_size ?? 0} bytes`;
  }
  if (audio !== undefined) return `audio ${audio.title ?? audio.file_name ?? '?'}`;
  if (voice !== undefined) return `voice, ${voice.duration} s`;
  if (note !== undefined) return `video note, ${note.duration} s`;
  if (invoice !== undefined) return `invoice ${invoice.title}, ${invoice.total_amount} ⭐`;
  if (paid !== undefined) return `paid ${paid.total_amount} ⭐`;
  if (refunded !== undefined) return `got back ${refunded.total_amount} ⭐`;
  return sticker === undefined ? undefined : `sticker ${sticker.emoji ?? ''}`;
}
