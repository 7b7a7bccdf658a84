import { InputFile } from 'grammy';
import type { Message } from 'grammy/types';
import { assertNever } from '../domain/assert-never.ts';
import type { ChatPort, Result, SendOutcome } from '../orders/chat-port.ts';
import type { Orders } from '../orders/orders.ts';
import type { People, Person } from '../people/people.ts';
import type { Catalogue } from '../services/catalogue.ts';
import { imageMorphing } from '../services/image-morphing.ts';
import type { Translate, Translator } from './i18n.ts';
import { describeError, type Log } from './log.ts';
import type { ChatAction, Messenger, Screen } from './messenger.ts';
import { isUnreachable, retryDelayMs, toGrammySignal } from './telegram-errors.ts';
import type { BotApi } from './transport.ts';
import { freePreviewCaption, freePreviewKeyboard } from './views/quote.ts';
import {
  closingScreen,
  documentCaption,
  documentName,
  doneCaption,
  noticeScreen,
  previewCaption,
  resultFileName,
  textMessage,
} from './views/result.ts';

export interface DeliveryDeps {
  readonly api: BotApi;
  readonly orders: () => Orders;
  readonly people: People;
  readonly messenger: Messenger;
  readonly translator: Translator;
  readonly catalogue: Catalogue;
  /** The bot's own name, once Telegram has told it. */
  readonly username: () => Promise<string>;
  readonly log: Log;
}

type Delivery = Pick<
  ChatPort,
  | 'sendPreview'
  | 'sendDocument'
  | 'sendClosing'
  | 'sendNotice'
  | 'freePreviewMark'
  | 'sendFreePreview'
  | 'sendPreviewFailed'
>;

/** Sends results. Whether to try again is the caller's decision: it knows what has been sent. */
export function createDelivery(deps: DeliveryDeps): Delivery {
  const { api, messenger, log } = deps;

  /** Shows what is being done, sends, and says in our words what came of it. */
  async function attempt(
    order: { readonly orderId: string; readonly personId: number },
    signal: AbortSignal,
    action: ChatAction,
    send: (to: { readonly person: Person; readonly t: Translate }) => Promise<Message>,
  ): Promise<SendOutcome> {
    const { orderId, personId } = order;
    if (signal.aborted) return { kind: 'later', retryAfterMs: 1_000 };
    try {
      const person = await deps.people.find(personId);
      if (!person) return { kind: 'refused' };
      if (person.blockedAt) return { kind: 'blocked' };
      const t = deps.translator(person.language);
      const message = await messenger.during(personId, action, () => send({ person, t }));
      return {
        kind: 'sent',
        message: { messageId: message.message_id, fileId: fileIdOf(message) },
      };
    } catch (error) {
      if (isUnreachable(error)) {
        await deps.people.setBlocked(personId, true);
        return { kind: 'blocked' };
      }
      const retryAfterMs = retryDelayMs(error);
      const kind = retryAfterMs === undefined ? 'refused' : 'later';
      log.warn({ ...describeError(error), orderId, kind }, 'Sending a result failed');
      return retryAfterMs === undefined ? { kind: 'refused' } : { kind: 'later', retryAfterMs };
    }
  }

  const sendText = (chatId: number, screen: Screen, signal: AbortSignal) =>
    api.sendMessage(
      chatId,
      screen.text,
      {
        parse_mode: 'HTML',
        ...(screen.keyboard
          ? { reply_markup: { inline_keyboard: screen.keyboard.map((row) => [...row]) } }
          : {}),
      },
      toGrammySignal(signal),
    );

  /** What is looked at, listened to or read in the chat itself. */
  async function showPart(
    result: Result,
    part: number,
    to: { readonly person: Person; readonly t: Translate },
    signal: AbortSignal,
  ): Promise<Message> {
    const { person, t } = to;
    const stop = toGrammySignal(signal);
    const signed = {
      caption: doneCaption(t, result, await deps.username()),
      parse_mode: 'HTML',
    } as const;
    switch (result.kind) {
      case 'video':
        return api.sendVideo(
          person.id,
          new InputFile(result.preview.path, `${fileStem(result)}.mp4`),
          {
            width: result.preview.width,
            height: result.preview.height,
            duration: Math.round(result.durationSeconds),
            thumbnail: new InputFile(result.thumbnailPath),
            supports_streaming: true,
            caption: previewCaption(t, result, await deps.username()),
            parse_mode: 'HTML',
          },
          stop,
        );
      case 'images': {
        const { shown } = partOf(result, result.images, part);
        const file = new InputFile(shown, `${fileStem(result)}.jpg`);
        return api.sendPhoto(person.id, file, part === 1 ? signed : {}, stop);
      }
      case 'text': {
        const words = partOf(result, result.messages, part);
        return sendText(
          person.id,
          { text: textMessage(deps.catalogue.find(result.serviceType), words) },
          signal,
        );
      }
      case 'speech':
        return api.sendVoice(
          person.id,
          new InputFile(result.voicePath, `${fileStem(result)}.ogg`),
          { duration: Math.round(result.durationSeconds), ...signed },
          stop,
        );
      case 'avatar':
        throw new RangeError('An avatar has nothing to show');
      default:
        return assertNever(result);
    }
  }

  /** What is kept: the untouched original. */
  async function sendOriginal(
    result: Result,
    part: number,
    { person, t }: { readonly person: Person; readonly t: Translate },
    signal: AbortSignal,
  ): Promise<Message> {
    const stop = toGrammySignal(signal);
    const options = {
      // Else Telegram may turn a silent video into an animation.
      disable_content_type_detection: true,
      parse_mode: 'HTML',
    } as const;
    switch (result.kind) {
      case 'video': {
        const order = await deps.orders().find(result.orderId, result.personId);
        const parts = { part, of: result.documents.length };
        const caption = documentCaption(t, parts, await deps.username());
        const path = partOf(result, result.documents, part);
        const file = new InputFile(path, documentName(result, order, part));
        return api.sendDocument(person.id, file, { ...options, caption }, stop);
      }
      case 'images': {
        const { original, extension } = partOf(result, result.images, part);
        const file = new InputFile(original, resultFileName(result, part, extension));
        return api.sendDocument(person.id, file, options, stop);
      }
      case 'text': {
        const file = new InputFile(result.path ?? '', resultFileName(result, part, 'txt'));
        const caption = doneCaption(t, result, await deps.username());
        return api.sendDocument(person.id, file, { ...options, caption }, stop);
      }
      case 'speech': {
        const file = new InputFile(result.mp3Path, resultFileName(result, part, 'mp3'));
        const duration = Math.round(result.durationSeconds);
        return api.sendAudio(person.id, file, { duration }, stop);
      }
      case 'avatar':
        throw new RangeError('An avatar has no file');
      default:
        return assertNever(result);
    }
  }

  return {
    sendPreview: (result, part, signal) =>
      attempt(result, signal, ACTIONS[result.kind], (to) => showPart(result, part, to, signal)),

    sendDocument: (result, part, signal) =>
      attempt(result, signal, 'upload_document', (to) => sendOriginal(result, part, to, signal)),

    sendClosing: (result, signal) =>
      attempt(result, signal, 'typing', async ({ person, t }) => {
        const order = await deps.orders().find(result.orderId, result.personId);
        const screen = closingScreen(t, person.language, deps.catalogue, result, order);
        return sendText(person.id, screen, signal);
      }),

    sendNotice: (notice, signal) =>
      attempt(notice, signal, 'typing', ({ person, t }) =>
        sendText(person.id, noticeScreen(t, notice), signal),
      ),

    async freePreviewMark(personId) {
      const person = await deps.people.find(personId);
      return deps.translator(person?.language ?? 'en')('morph.previewMark');
    },

    sendFreePreview: (preview, signal) =>
      attempt(preview, signal, 'upload_video', ({ person, t }) =>
        api.sendVideo(
          person.id,
          new InputFile(preview.path, 'preview.mp4'),
          {
            width: preview.width,
            height: preview.height,
            duration: Math.round(preview.durationSeconds),
            thumbnail: new InputFile(preview.thumbnailPath),
            supports_streaming: true,
            caption: freePreviewCaption(t, preview.transitions),
            reply_markup: { inline_keyboard: freePreviewKeyboard(t, preview.orderId) },
          },
          toGrammySignal(signal),
        ),
      ),

    sendPreviewFailed: (about, signal) =>
      attempt(about, signal, 'typing', ({ person, t }) =>
        sendText(person.id, { text: t('morph.previewFailed') }, signal),
      ),
  };
}

/** What the chat shows while a result is on its way. */
const ACTIONS: Readonly<Record<Result['kind'], ChatAction>> = {
  video: 'upload_video',
  images: 'upload_photo',
  text: 'typing',
  speech: 'upload_voice',
  avatar: 'typing',
};

function fileStem({ serviceType }: Result): string {
  return serviceType === imageMorphing.id ? 'morph' : serviceType.replaceAll('_', '-');
}

function partOf<T>(result: Result, all: readonly T[], part: number): T {
  const found = all[part - 1];
  if (found === undefined) throw new RangeError(`Order ${result.orderId} has no part ${part}`);
  return found;
}

/** A silent video may come back as an animation; of a photo, the largest is the photo. */
function fileIdOf(message: Message): string | null {
  const { video, animation, document, voice, audio, photo } = message;
  return (video ?? animation ?? document ?? voice ?? audio ?? photo?.at(-1))?.file_id ?? null;
}
