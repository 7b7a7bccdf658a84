import { isDeepStrictEqual } from 'node:util';
import type { InlineKeyboardMarkup } from 'grammy/types';
import { badRequest } from '../http/bot-api-error.ts';
import { captionContent, textContent } from '../text/entities.ts';
import type { PrivateMessage } from '../world/chat-state.ts';
import { readMessageIds } from './copies.ts';
import { readInlineMarkup } from './markup.ts';
import { readInputMedia } from './media.ts';
import { readLinkPreview } from './messages.ts';
import { type Call, type Methods, requireChat } from './method.ts';
import { readCaption, readMessageText } from './texts.ts';

type Edited = PrivateMessage & { edit_date: number };

const deletableSeconds = 48 * 60 * 60;
const notModified =
  'message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message';

function requireOwnMessage(call: Call): PrivateMessage {
  const { world, fields } = call;
  if (fields.text('inline_message_id') !== undefined) throw badRequest('MESSAGE_ID_INVALID');
  const chat = requireChat(call);
  const messageId = fields.integer('message_id');
  if (messageId === undefined) throw badRequest('message identifier is not specified');
  const message = world.state.find(chat.user.id, messageId);
  if (message === undefined) throw badRequest('message to edit not found');
  if (message.from.id !== world.state.bot.id) throw badRequest("message can't be edited");
  return message;
}

/** Replaces the message unless nothing a person could see would change. */
function applyEdit(
  { world }: Call,
  before: PrivateMessage,
  content: Partial<PrivateMessage>,
  markup: InlineKeyboardMarkup | undefined,
): Edited {
  const after = {
    ...content,
    ...(markup === undefined ? {} : { reply_markup: markup }),
    message_id: before.message_id,
    from: before.from,
    chat: before.chat,
    date: before.date,
  };
  const { edit_date: _before, ...unedited } = before;
  const { edit_date: _after, ...proposed } = after;
  if (isDeepStrictEqual({ ...unedited }, { ...proposed })) throw badRequest(notModified);
  const edited: Edited = { ...proposed, edit_date: Math.floor(Date.now() / 1000) };
  world.state.replace(edited);
  return edited;
}

const isDeletable = ({ date }: PrivateMessage) => Date.now() / 1000 - date < deletableSeconds;

/** Changes and removals of messages already sent, and the answers to their buttons. */
export const editMethods = {
  editMessageText(call) {
    const text = readMessageText(call);
    const before = requireOwnMessage(call);
    if (before.text === undefined) throw badRequest('there is no text in the message to edit');
    const { text: _t, entities: _e, link_preview_options: _l, reply_markup: _m, ...rest } = before;
    const content = { ...rest, ...textContent(text), ...readLinkPreview(call.fields) };
    return applyEdit(call, before, content, readInlineMarkup(call.fields));
  },
  editMessageCaption(call) {
    const caption = readCaption(call, call.fields);
    const before = requireOwnMessage(call);
    if (before.text !== undefined) throw badRequest('there is no caption in the message to edit');
    const { caption: _c, caption_entities: _entities, reply_markup: _markup, ...rest } = before;
    const content = { ...rest, ...captionContent(caption) };
    return applyEdit(call, before, content, readInlineMarkup(call.fields));
  },
  async editMessageMedia(call) {
    const media = await readInputMedia(call, call.fields.json('media'));
    const before = requireOwnMessage(call);
    const { reply_to_message, media_group_id, has_protected_content } = before;
    const kept = {
      ...(reply_to_message === undefined ? {} : { reply_to_message }),
      ...(media_group_id === undefined ? {} : { media_group_id }),
      ...(has_protected_content === undefined ? {} : { has_protected_content }),
    };
    return applyEdit(call, before, { ...kept, ...media }, readInlineMarkup(call.fields));
  },
  editMessageReplyMarkup(call) {
    const before = requireOwnMessage(call);
    const { reply_markup: _markup, ...rest } = before;
    return applyEdit(call, before, rest, readInlineMarkup(call.fields));
  },
  deleteMessage(call) {
    const { state } = call.world;
    const chat = requireChat(call);
    const messageId = call.fields.integer('message_id');
    if (messageId === undefined) throw badRequest('message identifier is not specified');
    const message = state.find(chat.user.id, messageId);
    if (message === undefined) throw badRequest('message to delete not found');
    if (!isDeletable(message)) throw badRequest("message can't be deleted");
    state.remove(chat.user.id, messageId);
    return true;
  },
  deleteMessages(call) {
    const { state } = call.world;
    const chat = requireChat(call);
    for (const messageId of readMessageIds(call.fields)) {
      const message = state.find(chat.user.id, messageId);
      if (message !== undefined && isDeletable(message)) state.remove(chat.user.id, messageId);
    }
    return true;
  },
  answerCallbackQuery({ world, fields }) {
    const text = fields.text('text');
    const url = fields.text('url');
    if (text !== undefined && text.length > 200) throw badRequest('MESSAGE_TOO_LONG');
    const isOpen = world.callbacks.answer(fields.text('callback_query_id') ?? '', {
      ...(text === undefined || text === '' ? {} : { text }),
      ...(fields.flag('show_alert') ? { showAlert: true } : {}),
      ...(url === undefined ? {} : { url }),
    });
    if (!isOpen) {
      throw badRequest('query is too old and response timeout expired or query ID is invalid');
    }
    return true;
  },
} satisfies Methods;
