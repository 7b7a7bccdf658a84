import type { ApiMethods, Message } from 'grammy/types';
import { BotApiError, badRequest } from '../http/bot-api-error.ts';
import type { Fields } from '../http/request-fields.ts';
import type { MessageContent, PrivateChatState, PrivateMessage } from '../world/chat-state.ts';
import type { World } from '../world/world.ts';
import { type Markup, readMarkup } from './markup.ts';

/** One call of a method. */
export interface Call {
  readonly world: World;
  readonly fields: Fields;
  /** Aborted when the client goes away or the server closes. */
  readonly signal: AbortSignal;
}

/** grammY's types promise a video for sendVideo; the server may have made an animation of it. */
type AnyMessage<R> = R extends Message ? Message : R extends Message[] ? Message[] : R;

/** Methods by name, held to grammY's idea of what they return. */
export type Methods = {
  readonly [M in keyof ApiMethods]?: (
    call: Call,
  ) => AnyMessage<ReturnType<ApiMethods[M]>> | Promise<AnyMessage<ReturnType<ApiMethods[M]>>>;
};

/** Finds the chat an argument names. @throws {BotApiError} 400 when there is none */
export function requireChat({ world, fields }: Call, name = 'chat_id'): PrivateChatState {
  const given = fields.text(name);
  if (given === undefined || given === '') throw badRequest(`${name} is empty`);
  const chatId = fields.integer(name);
  const chat = chatId === undefined ? undefined : world.state.chat(chatId);
  if (chat === undefined) throw badRequest('chat not found');
  return chat;
}

/** Finds the chat a message is to be sent to. @throws {BotApiError} 403 when its person blocked the bot */
export function requireWritableChat(call: Call): PrivateChatState {
  const chat = requireChat(call);
  if (chat.blocked) throw new BotApiError(403, 'Forbidden: bot was blocked by the user');
  return chat;
}

/** Posts a message of the bot with everything that goes around its content. */
export function sendContent<C extends MessageContent>(
  call: Call,
  content: C,
  markup: Markup = readMarkup(call.fields),
): PrivateMessage & C {
  const { world, fields } = call;
  const chat = requireWritableChat(call);
  const message = world.state.post(chat.user.id, 'bot', {
    ...content,
    ...readReply(call, chat),
    ...(fields.flag('protect_content') ? { has_protected_content: true as const } : {}),
    ...(markup.inline === undefined ? {} : { reply_markup: markup.inline }),
  });
  if (markup.keyboard !== undefined) {
    chat.keyboard = markup.keyboard;
    world.state.touch(chat.user.id);
  }
  return message;
}

function readReply({ world, fields }: Call, chat: PrivateChatState): MessageContent {
  const parameters = fields.json('reply_parameters');
  const given: Readonly<Record<string, unknown>> =
    typeof parameters === 'object' && parameters !== null
      ? (parameters as Readonly<Record<string, unknown>>)
      : {};
  const messageId = given['message_id'] ?? fields.integer('reply_to_message_id');
  if (messageId === undefined) return {};
  const original = world.state.find(chat.user.id, Number(messageId));
  if (original === undefined) {
    const isOptional =
      given['allow_sending_without_reply'] === true || fields.flag('allow_sending_without_reply');
    if (isOptional) return {};
    throw badRequest('message to be replied not found');
  }
  const { reply_to_message: _nested, ...shown } = original;
  // The type marks the missing field by hand; an absent one says the same on the wire.
  return { reply_to_message: shown as NonNullable<Message['reply_to_message']> };
}
