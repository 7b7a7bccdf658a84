import type { Message } from 'grammy/types';
import { createMedia, type MediaKind, type MediaSource } from '../media/media-content.ts';
import { captionContent, formatText, textContent } from '../text/entities.ts';
import type { MessageContent, PrivateMessage } from './chat-state.ts';
import { requirePerson } from './require-person.ts';
import type { World } from './world.ts';

export interface SendOptions {
  /** The message_id this is a reply to. */
  replyTo?: number;
}

/** What can be said about any file a person sends. */
export interface SendMediaOptions extends SendOptions {
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

/** What people can say in their chats with the bot. Nobody can who has blocked it. */
export interface PersonMessages {
  /** Commands, links and mentions in the text become entities. */
  sendText(userId: number, text: string, options?: SendOptions): PrivateMessage;
  /** The photo arrives in several sizes; only the largest holds the bytes. */
  sendPhoto(userId: number, bytes: Uint8Array, options?: SendPhotoOptions): PrivateMessage;
  sendDocument(userId: number, data: FileData, options: SendDocumentOptions): PrivateMessage;
  sendVideo(userId: number, data: FileData, options?: SendVideoOptions): PrivateMessage;
  sendVideoNote(userId: number, data: FileData, options?: SendVideoOptions): PrivateMessage;
  sendAnimation(userId: number, data: FileData, options?: SendVideoOptions): PrivateMessage;
  sendAudio(userId: number, data: FileData, options?: SendVideoOptions): PrivateMessage;
  sendVoice(userId: number, data: FileData, options?: SendVoiceOptions): PrivateMessage;
  sendSticker(userId: number): PrivateMessage;
  sendLocation(userId: number, latitude: number, longitude: number): PrivateMessage;
  /** Their own phone number, as a keyboard's button asks for it. */
  sendContact(userId: number, phoneNumber: string): PrivateMessage;
  /**
   * Changes a text or a caption of their own; the bot is told of the edit.
   *
   * @throws {Error} when there is no such message of theirs
   */
  editText(userId: number, messageId: number, text: string): PrivateMessage;
}

/** Creates the talking of the people of a world. */
export function createPersonMessages(world: World): PersonMessages {
  const { state, files, updates } = world;

  function say(
    userId: number,
    content: MessageContent,
    { replyTo }: SendOptions = {},
  ): PrivateMessage {
    if (requirePerson(world, userId).blocked) {
      throw new Error(`${userId} has blocked the bot and has to unblock it before writing to it`);
    }
    const original = replyTo === undefined ? undefined : state.find(userId, replyTo);
    const message = state.post(userId, 'person', {
      ...content,
      ...(original === undefined ? {} : showOriginal(original)),
    });
    updates.push({ message });
    return message;
  }

  function sendMedia(
    userId: number,
    kind: MediaKind,
    source: MediaSource,
    { caption, mediaGroupId, ...options }: SendMediaOptions = {},
  ): PrivateMessage {
    requirePerson(world, userId);
    const content = {
      ...(mediaGroupId === undefined ? {} : { media_group_id: mediaGroupId }),
      ...createMedia(files, kind, source),
      ...captionContent(formatText(caption ?? '', '', undefined)),
    };
    return say(userId, content, options);
  }

  /** Sends data as one kind. */
  const send =
    (kind: MediaKind) =>
    (userId: number, data: FileData, options: SendVideoOptions = {}) =>
      sendMedia(userId, kind, { ...options, data }, options);

  return {
    sendText: (userId, text, options) =>
      say(userId, textContent(formatText(text, '', undefined)), options),
    sendPhoto: send('photo'),
    sendDocument: send('document'),
    sendVideo: send('video'),
    sendVideoNote: send('video_note'),
    sendAnimation: send('animation'),
    sendAudio: send('audio'),
    sendVoice: (userId, data, options) =>
      sendMedia(userId, 'voice', { ...options, mimeType: 'audio/ogg', data }, options),
    sendSticker: (userId) => sendMedia(userId, 'sticker', { data: { sizeBytes: 20_000 } }),
    sendLocation: (userId, latitude, longitude) =>
      say(userId, { location: { latitude, longitude } }),
    sendContact(userId, phoneNumber) {
      const { first_name, last_name, id } = requirePerson(world, userId).user;
      const name = { first_name, ...(last_name === undefined ? {} : { last_name }) };
      return say(userId, { contact: { phone_number: phoneNumber, ...name, user_id: id } });
    },
    editText(userId, messageId, text) {
      const before = state.find(userId, messageId);
      if (before?.from.id !== userId) throw new Error(`${userId} has no message ${messageId}`);
      const formatted = formatText(text, '', undefined);
      const { text: _t, entities: _e, caption: _c, caption_entities: _n, ...rest } = before;
      const message = {
        ...rest,
        ...(before.text === undefined ? captionContent(formatted) : textContent(formatted)),
        edit_date: Math.floor(Date.now() / 1000),
      };
      state.replace(message);
      updates.push({ edited_message: message });
      return message;
    },
  };
}

/** The original of a reply, without what that one replied to. */
export function showOriginal(original: PrivateMessage): MessageContent {
  const { reply_to_message: _nested, ...shown } = original;
  // The type marks the missing field by hand; an absent one says the same on the wire.
  return { reply_to_message: shown as NonNullable<Message['reply_to_message']> };
}
