import type { ChatMember, InaccessibleMessage, User } from 'grammy/types';
import { createMedia, type MediaKind, type MediaSource } from '../media/media-content.ts';
import { captionContent, formatText, textContent } from '../text/entities.ts';
import type { MessageContent, PrivateChatState, PrivateMessage } from './chat-state.ts';
import { createPayments, type Payments } from './payments.ts';
import type { CallbackAnswer, World } from './world.ts';

/** A person to be added. */
export interface NewPerson {
  id: number;
  first_name: string;
  last_name?: string;
  username?: string;
  language_code?: string;
}

/** What can be said about any file a person sends. */
export interface SendMediaOptions {
  /** Makes the message a part of an album; all parts share it. */
  mediaGroupId?: string;
  caption?: string;
  /** The same for the same file; random by default. */
  fileUniqueId?: string;
}

export interface SendPhotoOptions extends SendMediaOptions {
  /** Read from the bytes when left out. */
  width?: number;
  height?: number;
}

export interface SendDocumentOptions extends SendMediaOptions {
  fileName?: string;
  mimeType?: string;
}

export interface SendVideoOptions extends SendDocumentOptions {
  width?: number;
  height?: number;
  durationSeconds?: number;
}

export interface SendVoiceOptions extends SendMediaOptions {
  durationSeconds?: number;
}

/** A file's bytes, or only a claim how large it is. */
export type FileData = Uint8Array | { sizeBytes: number };

/** What people can do in their chats with the bot. */
export interface People extends Payments {
  /** Adds a person and their chat; adding somebody known changes nothing. */
  addUser(user: NewPerson): void;
  /** Commands, links and mentions in the text become entities. */
  sendText(userId: number, text: string): PrivateMessage;
  /** The photo arrives in several sizes; only the largest holds the bytes. */
  sendPhoto(userId: number, bytes: Uint8Array, options?: SendPhotoOptions): PrivateMessage;
  sendDocument(userId: number, data: FileData, options: SendDocumentOptions): PrivateMessage;
  sendVideo(userId: number, data: FileData, options?: SendVideoOptions): PrivateMessage;
  sendAnimation(userId: number, data: FileData, options?: SendVideoOptions): PrivateMessage;
  sendAudio(userId: number, data: FileData, options?: SendVideoOptions): PrivateMessage;
  sendVoice(userId: number, data: FileData, options?: SendVoiceOptions): PrivateMessage;
  sendSticker(userId: number): PrivateMessage;
  /**
   * Presses a button with this data, whether or not the message shows such a button; the message
   * may also be gone. Resolves when the bot answers, rejects after `timeoutMs` (15 s by default).
   */
  press(
    userId: number,
    messageId: number,
    data: string,
    options?: { timeoutMs?: number },
  ): Promise<CallbackAnswer>;
  block(userId: number): void;
  unblock(userId: number): void;
}

const defaultPressTimeoutMs = 15_000;

/** Creates the people of a world. */
export function createPeople(world: World): People {
  const { state, files, updates } = world;

  function requirePerson(userId: number): PrivateChatState {
    const chat = state.chat(userId);
    if (chat === undefined) throw new Error(`nobody with id ${userId} was added to the sandbox`);
    return chat;
  }

  function say<C extends MessageContent>(userId: number, content: C): PrivateMessage {
    if (requirePerson(userId).blocked) {
      throw new Error(`${userId} has blocked the bot and has to unblock it before writing to it`);
    }
    const message = state.post(userId, 'person', content);
    updates.push({ message });
    return message;
  }

  function sendMedia(
    userId: number,
    kind: MediaKind,
    source: MediaSource,
    { caption, mediaGroupId }: SendMediaOptions = {},
  ): PrivateMessage {
    requirePerson(userId);
    return say(userId, {
      ...(mediaGroupId === undefined ? {} : { media_group_id: mediaGroupId }),
      ...createMedia(files, kind, source),
      ...captionContent(formatText(caption ?? '', '', undefined)),
    });
  }

  function reportMembership(userId: number, blocked: boolean): void {
    const person = requirePerson(userId);
    if (person.blocked === blocked) return;
    person.blocked = blocked;
    const { id, is_bot, first_name, username } = state.bot;
    const user: User = { id, is_bot, first_name, username };
    const member: ChatMember = { status: 'member', user };
    const kicked: ChatMember = { status: 'kicked', user, until_date: 0 };
    updates.push({
      my_chat_member: {
        chat: person.chat,
        from: person.user,
        date: Math.floor(Date.now() / 1000),
        old_chat_member: blocked ? member : kicked,
        new_chat_member: blocked ? kicked : member,
      },
    });
    state.touch(userId);
  }

  return {
    ...createPayments(world),
    addUser: (user) => void state.addUser({ ...user, is_bot: false }),
    sendText: (userId, text) => say(userId, textContent(formatText(text, '', undefined))),
    sendPhoto: (userId, bytes, options) =>
      sendMedia(userId, 'photo', { ...options, data: bytes }, options),
    sendDocument: (userId, data, options) =>
      sendMedia(userId, 'document', { ...options, data }, options),
    sendVideo: (userId, data, options) => sendMedia(userId, 'video', { ...options, data }, options),
    sendAnimation: (userId, data, options) =>
      sendMedia(userId, 'animation', { ...options, data }, options),
    sendAudio: (userId, data, options) => sendMedia(userId, 'audio', { ...options, data }, options),
    sendVoice: (userId, data, options) =>
      sendMedia(userId, 'voice', { ...options, mimeType: 'audio/ogg', data }, options),
    sendSticker: (userId) => sendMedia(userId, 'sticker', { data: { sizeBytes: 20_000 } }),
    async press(userId, messageId, data, { timeoutMs = defaultPressTimeoutMs } = {}) {
      const { chat, user } = requirePerson(userId);
      const gone: InaccessibleMessage = { chat, message_id: messageId, date: 0 };
      const { id, ended } = world.callbacks.open(timeoutMs);
      updates.push({
        callback_query: {
          id,
          from: user,
          message: state.find(userId, messageId) ?? gone,
          chat_instance: String(userId),
          data,
        },
      });
      const end = await ended;
      if (end.kind === 'answered') return end.answer;
      const when =
        end.kind === 'closed' ? 'before the server was closed' : `within ${timeoutMs} ms`;
      throw new Error(`callback query ${id} was not answered ${when}`);
    },
    block: (userId) => reportMembership(userId, true),
    unblock: (userId) => reportMembership(userId, false),
  };
}
