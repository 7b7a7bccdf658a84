import { InputFile } from 'grammy';
import type { Message } from 'grammy/types';
import type { ChatPort, ResultVideo, SendOutcome } from '../orders/chat-port.ts';
import type { Orders } from '../orders/orders.ts';
import type { People, Person } from '../people/people.ts';
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
  noticeScreen,
  previewCaption,
} from './views/result.ts';

export interface DeliveryDeps {
  readonly api: BotApi;
  readonly orders: () => Orders;
  readonly people: People;
  readonly messenger: Messenger;
  readonly translator: Translator;
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

  return {
    sendPreview: (video, signal) =>
      attempt(video, signal, 'upload_video', async ({ person, t }) =>
        api.sendVideo(
          person.id,
          new InputFile(video.preview.path, 'morph.mp4'),
          {
            width: video.preview.width,
            height: video.preview.height,
            duration: Math.round(video.durationSeconds),
            thumbnail: new InputFile(video.thumbnailPath),
            supports_streaming: true,
            caption: previewCaption(t, video, await deps.username()),
            parse_mode: 'HTML',
          },
          toGrammySignal(signal),
        ),
      ),

    sendDocument: (video, part, signal) =>
      attempt(video, signal, 'upload_document', async ({ person, t }) => {
        const order = await deps.orders().find(video.orderId, video.personId);
        const parts = { part, of: video.documents.length };
        return api.sendDocument(
          person.id,
          new InputFile(pathOfPart(video, part), documentName(video, order, part)),
          {
            // Else Telegram may turn a silent video into an animation.
            disable_content_type_detection: true,
            caption: documentCaption(t, parts, await deps.username()),
            parse_mode: 'HTML',
          },
          toGrammySignal(signal),
        );
      }),

    sendClosing: (video, signal) =>
      attempt(video, signal, 'typing', async ({ person, t }) => {
        const order = await deps.orders().find(video.orderId, video.personId);
        return sendText(person.id, closingScreen(t, video, order), signal);
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

function pathOfPart(video: ResultVideo, part: number): string {
  const path = video.documents[part - 1];
  if (path === undefined) throw new RangeError(`Order ${video.orderId} has no part ${part}`);
  return path;
}

/** A silent video may come back as an animation. */
function fileIdOf({ video, animation, document }: Message): string | null {
  return (video ?? animation ?? document)?.file_id ?? null;
}
