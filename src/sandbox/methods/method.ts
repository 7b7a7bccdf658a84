import type { ApiMethods, Message } from 'grammy/types';
import { BotApiError, badRequest } from '../http/bot-api-error.ts';
import type { Fields } from '../http/request-fields.ts';
import type { PrivateChatState } from '../world/chat-state.ts';
import type { World } from '../world/world.ts';

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
