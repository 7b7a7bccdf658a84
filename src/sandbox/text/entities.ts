import type { MessageEntity } from 'grammy/types';
import { z } from 'zod';
import { badRequest } from '../http/bot-api-error.ts';
import type { FormattedText } from './formatted-text.ts';
import { parseHtml } from './html-entities.ts';
import { parseMarkdown } from './markdown-entities.ts';
import { parseMarkdownV2 } from './markdown-v2-entities.ts';

const entitiesSchema = z.array(
  z.object({
    type: z.string(),
    offset: z.int().nonnegative(),
    length: z.int().positive(),
    url: z.string().optional(),
    language: z.string().optional(),
    custom_emoji_id: z.string().optional(),
    user: z.looseObject({ id: z.int() }).optional(),
  }),
);

/**
 * Makes of a text and its `parse_mode` or list of entities what people see; trims it and finds
 * links, commands, mentions and hashtags as the server does by itself.
 *
 * @throws {BotApiError} 400 when the markup is broken
 */
export function formatText(source: string, parseMode: string, entities: unknown): FormattedText {
  const parsed = parseMarkup(source, parseMode, entities);
  const trimmed = trim(parsed);
  const found = detectEntities(trimmed.text).filter((one) =>
    trimmed.entities.every((given) => !overlaps(one, given) || canHoldLinks(given)),
  );
  return { text: trimmed.text, entities: sortEntities([...trimmed.entities, ...found]) };
}

/** The fields of a message with this caption; none for an empty one. */
export function captionContent(caption: FormattedText): {
  caption?: string;
  caption_entities?: MessageEntity[];
} {
  if (caption.text === '') return {};
  const { text, entities } = caption;
  return entities.length === 0
    ? { caption: text }
    : { caption: text, caption_entities: [...entities] };
}

/** The fields of a message with this text. */
export function textContent({ text, entities }: FormattedText): {
  text: string;
  entities?: MessageEntity[];
} {
  return entities.length === 0 ? { text } : { text, entities: [...entities] };
}

/** Unicode characters, which is how Telegram counts; UTF-16 units would count emoji twice. */
export function countCharacters(text: string): number {
  return [...text].length;
}

function parseMarkup(source: string, parseMode: string, entities: unknown): FormattedText {
  switch (parseMode.toLowerCase()) {
    case '':
    case 'none': {
      if (entities === undefined) return { text: source, entities: [] };
      const given = entitiesSchema.safeParse(entities);
      if (!given.success) throw badRequest("can't parse MessageEntity");
      return { text: source, entities: given.data as unknown as MessageEntity[] };
    }
    case 'html':
      return parseHtml(source);
    case 'markdown':
      return parseMarkdown(source);
    case 'markdownv2':
      return parseMarkdownV2(source);
    default:
      throw badRequest('unsupported parse_mode');
  }
}

const detectors: { type: MessageEntity.CommonMessageEntity['type']; pattern: RegExp }[] = [
  { type: 'url', pattern: /\bhttps?:\/\/[^\s<>"]*[^\s<>".,;:!?)\]}'»]/gu },
  { type: 'email', pattern: /(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+/gu },
  { type: 'bot_command', pattern: /(?<![\w/<>])\/[a-zA-Z0-9_]{1,64}(?:@\w{3,32})?(?![\w/])/gu },
  { type: 'mention', pattern: /(?<![\w.@])@[a-zA-Z]\w{3,31}(?!\w)/gu },
  { type: 'hashtag', pattern: /(?<![\p{L}\p{N}_&#])#[\p{L}\p{N}_]*\p{L}[\p{L}\p{N}_]*/gu },
];

/** Finds what Telegram makes clickable in a text by itself. */
export function detectEntities(text: string): MessageEntity[] {
  const found: MessageEntity[] = [];
  for (const { type, pattern } of detectors) {
    for (const match of text.matchAll(pattern)) {
      const entity: MessageEntity = { type, offset: match.index, length: match[0].length };
      if (found.every((other) => !overlaps(entity, other))) found.push(entity);
    }
  }
  return sortEntities(found);
}

function overlaps(a: MessageEntity, b: MessageEntity): boolean {
  return a.offset < b.offset + b.length && b.offset < a.offset + a.length;
}

function canHoldLinks({ type }: MessageEntity): boolean {
  return !['code', 'pre', 'text_link', 'text_mention', 'custom_emoji'].includes(type);
}

function trim({ text, entities }: FormattedText): FormattedText {
  const start = text.length - text.trimStart().length;
  const trimmed = text.trim();
  const kept = entities.flatMap((entity) => {
    const from = Math.max(0, entity.offset - start);
    const to = Math.min(trimmed.length, entity.offset + entity.length - start);
    return to > from ? [{ ...entity, offset: from, length: to - from }] : [];
  });
  return { text: trimmed, entities: kept };
}

function sortEntities(entities: readonly MessageEntity[]): MessageEntity[] {
  return entities.toSorted((a, b) => a.offset - b.offset || b.length - a.length);
}
