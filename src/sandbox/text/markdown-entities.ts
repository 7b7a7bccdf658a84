import type { MessageEntity } from 'grammy/types';
import {
  byteOffset,
  cannotParse,
  type FormattedText,
  linkEntity,
  readCodeOpening,
} from './formatted-text.ts';

const markers: Readonly<Record<string, 'bold' | 'italic' | 'code'>> = {
  '*': 'bold',
  _: 'italic',
  '`': 'code',
};

/**
 * Parses Telegram's first Markdown style: nothing is nested, and nothing can be escaped inside.
 *
 * @throws {BotApiError} 400 "can't parse entities: …" for an entity without an end.
 */
export function parseMarkdown(source: string): FormattedText {
  const entities: MessageEntity[] = [];
  let text = '';
  let at = 0;

  /** Appends the source up to the end mark; it has to be there. */
  function readUntil(end: string, startedAt: number): { offset: number; length: number } {
    const endAt = source.indexOf(end, at);
    if (endAt === -1) {
      const where = byteOffset(source, startedAt);
      throw cannotParse(`Can't find end of the entity starting at byte offset ${where}`);
    }
    const span = { offset: text.length, length: endAt - at };
    text += source.slice(at, endAt);
    at = endAt + end.length;
    return span;
  }
  function add(entity: MessageEntity | undefined): void {
    if (entity !== undefined && entity.length > 0) entities.push(entity);
  }

  while (at < source.length) {
    const startedAt = at;
    const char = source.charAt(at);
    const next = source.charAt(at + 1);
    const marker = markers[char];
    if (char === '\\' && next !== '' && '_*`['.includes(next)) {
      text += next;
      at += 2;
    } else if (source.startsWith('```', at)) {
      const opening = readCodeOpening(source, at + 3);
      at = opening.at;
      const { language } = opening;
      const span = readUntil('```', startedAt);
      add({ type: 'pre', ...span, ...(language === undefined ? {} : { language }) });
    } else if (marker !== undefined) {
      at += 1;
      add({ type: marker, ...readUntil(char, startedAt) });
    } else if (char === '[') {
      at += 1;
      const span = readUntil(']', startedAt);
      const address = /^\(([^)]*)\)?/.exec(source.slice(at));
      at += address?.[0].length ?? 0;
      add(linkEntity(address?.[1] ?? text.slice(span.offset), span));
    } else {
      text += char;
      at += 1;
    }
  }
  return { text, entities };
}
