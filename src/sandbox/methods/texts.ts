import type { MessageEntity } from 'grammy/types';
import { badRequest } from '../http/bot-api-error.ts';
import type { Fields } from '../http/request-fields.ts';
import { countCharacters, formatText } from '../text/entities.ts';
import type { FormattedText } from '../text/formatted-text.ts';
import type { World } from '../world/world.ts';
import type { Call } from './method.ts';

/** Limits in Unicode characters, counted after the markup has been parsed. */
const maxTextCharacters = 4096;
const maxCaptionCharacters = 1024;

/** Reads the text of a message and holds it to its limits. */
export function readMessageText(call: Call): FormattedText {
  const text = readText(call.world, call.fields, 'text', 'entities');
  if (text.text === '') throw badRequest('message text is empty');
  if (countCharacters(text.text) > maxTextCharacters) throw badRequest('message is too long');
  return text;
}

/** Reads a text that may be empty. */
export function readOptionalText({ world, fields }: Call): FormattedText {
  const text = readText(world, fields, 'text', 'entities');
  if (countCharacters(text.text) > maxTextCharacters) throw badRequest('message is too long');
  return text;
}

/** Reads a caption, of the call itself or of one part of it, and holds it to its limit. */
export function readCaption({ world }: Pick<Call, 'world'>, fields: Fields): FormattedText {
  const caption = readText(world, fields, 'caption', 'caption_entities');
  if (countCharacters(caption.text) > maxCaptionCharacters) {
    throw badRequest('message caption is too long');
  }
  return caption;
}

function readText(world: World, fields: Fields, name: string, entities: string): FormattedText {
  const parseMode = fields.text('parse_mode') ?? '';
  const { text, entities: found } = formatText(
    fields.text(name) ?? '',
    parseMode,
    fields.json(entities),
  );
  return { text, entities: found.flatMap((entity) => namePerson(world, entity)) };
}

/** A mention by id shows who is meant; one of a stranger is plain text. */
function namePerson({ state }: World, entity: MessageEntity): MessageEntity[] {
  if (entity.type !== 'text_mention') return [entity];
  const user = entity.user.id === state.bot.id ? state.bot : state.chat(entity.user.id)?.user;
  return user === undefined ? [] : [{ ...entity, user }];
}
