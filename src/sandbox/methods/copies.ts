import { randomInt } from 'node:crypto';
import type { MessageOrigin } from 'grammy/types';
import { badRequest } from '../http/bot-api-error.ts';
import type { Fields } from '../http/request-fields.ts';
import { captionContent } from '../text/entities.ts';
import type { MessageContent, PrivateMessage } from '../world/chat-state.ts';
import { type Call, type Methods, requireChat } from './method.ts';
import { sendContent } from './send-content.ts';
import { readCaption } from './texts.ts';

const maxMessages = 100;

/** Reads a list of message identifiers. */
export function readMessageIds(fields: Fields): number[] {
  const value = fields.json('message_ids');
  if (!Array.isArray(value) || value.length === 0) {
    throw badRequest('message identifiers are not specified');
  }
  if (value.length > maxMessages) throw badRequest('too many message identifiers specified');
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
    quote: _quote,
    reply_markup: _markup,
    media_group_id: _group,
    effect_id: _effect,
    has_protected_content: _protected,
    ...content
  } = message;
  return content;
}

function forward(call: Call, original: PrivateMessage, album: MessageContent): PrivateMessage {
  if (original.has_protected_content === true || isServiceMessage(original)) {
    throw badRequest("message can't be forwarded");
  }
  const { stars } = call.world;
  const origin: MessageOrigin = { type: 'user', sender_user: original.from, date: original.date };
  const terms = stars.invoiceAt(placeOf(original));
  const isPayable = terms !== undefined && terms.startParameter === '';
  const message = sendContent(
    call,
    { forward_origin: origin, ...contentOf(original), ...album },
    // A forwarded invoice is paid like the original, unless it was given a link to begin anew.
    { inline: isPayable ? original.reply_markup : undefined, keyboard: undefined },
  );
  if (isPayable) stars.putInvoice(placeOf(message), terms);
  return message;
}

const placeOf = ({ chat, message_id }: PrivateMessage) => ({
  chatId: chat.id,
  messageId: message_id,
});

const isServiceMessage = (message: PrivateMessage) =>
  message.successful_payment !== undefined || message.refunded_payment !== undefined;

function copy(
  call: Call,
  original: PrivateMessage,
  options: { replaceCaption: boolean; album: MessageContent },
): PrivateMessage {
  const isFixed = original.invoice !== undefined || isServiceMessage(original);
  if (original.has_protected_content === true || isFixed) {
    throw badRequest("message can't be copied");
  }
  const { forward_origin: _origin, ...content } = contentOf(original);
  if (!options.replaceCaption) return sendContent(call, { ...content, ...options.album });
  const { caption: _caption, caption_entities: _entities, ...media } = content;
  const caption = captionContent(readCaption(call, call.fields));
  return sendContent(call, { ...media, ...caption, ...options.album });
}

function requireSource(call: Call, purpose: string): PrivateMessage {
  const source = requireChat(call, 'from_chat_id');
  const message = call.world.state.find(source.user.id, call.fields.integer('message_id') ?? 0);
  if (message === undefined) throw badRequest(`message to ${purpose} not found`);
  return message;
}

/** The messages still there, each with its album in the new chat. */
function findSources(call: Call): { message: PrivateMessage; album: MessageContent }[] {
  const source = requireChat(call, 'from_chat_id');
  const messageIds = readMessageIds(call.fields);
  if (messageIds.some((id, index) => id <= (messageIds[index - 1] ?? 0))) {
    throw badRequest('message identifiers must be in a strictly increasing order');
  }
  const albums = new Map<string, string>();
  return messageIds.flatMap((messageId) => {
    const message = call.world.state.find(source.user.id, messageId);
    if (message === undefined) return [];
    const { media_group_id: group } = message;
    if (group === undefined) return [{ message, album: {} }];
    const renewed = albums.get(group) ?? String(randomInt(2 ** 47));
    albums.set(group, renewed);
    return [{ message, album: { media_group_id: renewed } }];
  });
}

/** Messages sent on, with their origin or without. */
export const copyMethods = {
  forwardMessage: (call) => forward(call, requireSource(call, 'forward'), {}),
  forwardMessages: (call) =>
    findSources(call).map(({ message, album }) => {
      const { message_id } = forward(call, message, album);
      return { message_id };
    }),
  copyMessage(call) {
    const original = requireSource(call, 'copy');
    const replaceCaption = call.fields.text('caption') !== undefined;
    return { message_id: copy(call, original, { replaceCaption, album: {} }).message_id };
  },
  copyMessages(call) {
    const replaceCaption = call.fields.flag('remove_caption');
    return findSources(call).map(({ message, album }) => {
      const { message_id } = copy(call, message, { replaceCaption, album });
      return { message_id };
    });
  },
} satisfies Methods;
