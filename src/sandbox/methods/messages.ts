import type { MessageOrigin } from 'grammy/types';
import { badRequest } from '../http/bot-api-error.ts';
import type { Fields } from '../http/request-fields.ts';
import {
  captionContent,
  countCharacters,
  maxTextCharacters,
  readCaption,
  readFormattedText,
  textContent,
} from '../text/entities.ts';
import type { FormattedText } from '../text/formatted-text.ts';
import type { MessageContent, PrivateMessage } from '../world/chat-state.ts';
import {
  type Call,
  type Methods,
  requireChat,
  requireWritableChat,
  sendContent,
} from './method.ts';

const chatActions = [
  'typing',
  'upload_photo',
  'record_video',
  'upload_video',
  'record_voice',
  'upload_voice',
  'upload_document',
  'choose_sticker',
  'find_location',
  'record_video_note',
  'upload_video_note',
];

/** Reads the text of a message and holds it to its limits. */
export function readMessageText(fields: Fields): FormattedText {
  const text = readFormattedText(fields, { text: 'text', entities: 'entities' });
  if (text.text === '') throw badRequest('message text is empty');
  if (countCharacters(text.text) > maxTextCharacters) throw badRequest('message is too long');
  return text;
}

/** Reads a list of message identifiers. */
export function readMessageIds(fields: Fields): number[] {
  const value = fields.json('message_ids');
  if (!Array.isArray(value) || value.length === 0) {
    throw badRequest('message identifiers are not specified');
  }
  if (value.length > 100) throw badRequest('too many message identifiers specified');
  return value.map(Number);
}

/** What of a message travels with a copy of it. */
function contentOf(message: PrivateMessage): MessageContent {
  const {
    message_id: _id,
    date: _date,
    chat: _chat,
    from: _from,
    edit_date: _edited,
    reply_to_message: _reply,
    reply_markup: _markup,
    media_group_id: _group,
    has_protected_content: _protected,
    ...content
  } = message;
  return content;
}

function forward(call: Call, original: PrivateMessage): PrivateMessage {
  const { from, date } = original;
  const origin: MessageOrigin = { type: 'user', sender_user: from, date };
  if (original.has_protected_content === true) throw badRequest("message can't be forwarded");
  const { stars } = call.world;
  const terms = stars.invoiceAt(placeOf(original));
  // A forwarded invoice is paid like the original, unless it was given a link to begin anew.
  const buttons = terms?.startParameter === '' ? original.reply_markup : undefined;
  const content = { forward_origin: origin, ...contentOf(original) };
  const message = sendContent(call, content, { inline: buttons, keyboard: undefined });
  if (terms?.startParameter === '') stars.putInvoice(placeOf(message), terms);
  return message;
}

const placeOf = ({ chat, message_id }: PrivateMessage) => ({
  chatId: chat.id,
  messageId: message_id,
});

function copy(call: Call, original: PrivateMessage, replaceCaption: boolean): PrivateMessage {
  const { forward_origin: _origin, ...content } = contentOf(original);
  if (original.has_protected_content === true || original.invoice !== undefined) {
    throw badRequest("message can't be copied");
  }
  if (!replaceCaption) return sendContent(call, content);
  const { caption: _caption, caption_entities: _entities, ...media } = content;
  return sendContent(call, { ...media, ...captionContent(readCaption(call.fields)) });
}

function requireSource(call: Call, purpose: string): PrivateMessage {
  const messageId = call.fields.integer('message_id') ?? 0;
  const source = requireChat(call, 'from_chat_id');
  const message = call.world.state.find(source.user.id, messageId);
  if (message === undefined) throw badRequest(`message to ${purpose} not found`);
  return message;
}

function findSources(call: Call): PrivateMessage[] {
  const source = requireChat(call, 'from_chat_id');
  return readMessageIds(call.fields).flatMap(
    (messageId) => call.world.state.find(source.user.id, messageId) ?? [],
  );
}

/** Texts, copies, forwards and what else appears in a chat without a file. */
export const messageMethods = {
  sendMessage: (call) => sendContent(call, textContent(readMessageText(call.fields))),
  forwardMessage: (call) => forward(call, requireSource(call, 'forward')),
  forwardMessages: (call) =>
    findSources(call).map((message) => ({ message_id: forward(call, message).message_id })),
  copyMessage(call) {
    const original = requireSource(call, 'copy');
    const hasCaption = call.fields.text('caption') !== undefined;
    return { message_id: copy(call, original, hasCaption).message_id };
  },
  copyMessages(call) {
    return findSources(call).map((message) => ({
      message_id: copy(call, message, call.fields.flag('remove_caption')).message_id,
    }));
  },
  sendChatAction(call) {
    const name = call.fields.text('action') ?? '';
    if (!chatActions.includes(name)) throw badRequest('wrong parameter action in request');
    const chat = requireWritableChat(call);
    chat.action = { name, atMs: Date.now() };
    call.world.state.touch(chat.user.id);
    return true;
  },
} satisfies Methods;
