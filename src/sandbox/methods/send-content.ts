import type { TextQuote } from 'grammy/types';
import { badRequest } from '../http/bot-api-error.ts';
import { createFields, type Fields } from '../http/request-fields.ts';
import { formatText } from '../text/entities.ts';
import type { MessageContent, PrivateChatState, PrivateMessage } from '../world/chat-state.ts';
import { showOriginal } from '../world/person-messages.ts';
import { type Markup, readMarkup } from './markup.ts';
import { type Call, requireWritableChat } from './method.ts';

/** Posts a message of the bot with everything that goes around its content. */
export function sendContent<C extends MessageContent>(
  call: Call,
  content: C,
  markup: Markup = readMarkup(call.fields),
): PrivateMessage & C {
  const { world, fields } = call;
  const chat = requireWritableChat(call);
  const effectId = fields.text('message_effect_id');
  const message = world.state.post(chat.user.id, 'bot', {
    ...content,
    ...readReply(call, chat),
    ...(fields.flag('protect_content') ? { has_protected_content: true as const } : {}),
    ...(effectId === undefined ? {} : { effect_id: effectId }),
    ...(markup.inline === undefined ? {} : { reply_markup: markup.inline }),
  });
  if (markup.keyboard !== undefined) {
    chat.keyboard = markup.keyboard;
    world.state.touch(chat.user.id);
  }
  return message;
}

function readReply({ world, fields }: Call, chat: PrivateChatState): MessageContent {
  const given = fields.json('reply_parameters');
  const parameters = createFields(
    typeof given === 'object' && given !== null ? { ...given } : {},
    fields.files,
  );
  const messageId = parameters.integer('message_id') ?? fields.integer('reply_to_message_id');
  if (messageId === undefined) return {};
  const original = world.state.find(chat.user.id, messageId);
  if (original === undefined) {
    const isOptional = [parameters, fields].some((one) => one.flag('allow_sending_without_reply'));
    if (isOptional) return {};
    throw badRequest('message to be replied not found');
  }
  return { ...showOriginal(original), ...readQuote(parameters, original) };
}

function readQuote(parameters: Fields, original: PrivateMessage): { quote?: TextQuote } {
  const source = parameters.text('quote') ?? '';
  if (source === '') return {};
  const { text, entities } = formatText(
    source,
    parameters.text('quote_parse_mode') ?? '',
    parameters.json('quote_entities'),
  );
  const position = (original.text ?? original.caption ?? '').indexOf(text);
  if (position === -1) throw badRequest('QUOTE_TEXT_INVALID');
  return {
    quote: {
      text,
      position: parameters.integer('quote_position') ?? position,
      is_manual: true,
      ...(entities.length === 0 ? {} : { entities: [...entities] }),
    },
  };
}
