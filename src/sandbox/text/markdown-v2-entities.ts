import type { MessageEntity } from 'grammy/types';
import {
  byteOffset,
  cannotParse,
  type FormattedText,
  linkEntity,
  readCodeOpening,
  type Span,
} from './formatted-text.ts';

const simpleMarkers = {
  '*': 'bold',
  _: 'italic',
  __: 'underline',
  '~': 'strikethrough',
  '||': 'spoiler',
  '`': 'code',
  '```': 'pre',
} as const;
type Marker = keyof typeof simpleMarkers;
type Kind = (typeof simpleMarkers)[Marker] | 'text_link' | 'custom_emoji' | 'blockquote';

/** What Telegram calls them when their end is missing. */
const namesInErrors: Readonly<Record<Kind, string>> = {
  bold: 'Bold',
  italic: 'Italic',
  underline: 'Underline',
  strikethrough: 'Strikethrough',
  spoiler: 'Spoiler',
  code: 'Code',
  pre: 'Pre',
  text_link: 'TextUrl',
  custom_emoji: 'CustomEmoji',
  blockquote: 'BlockQuote',
};

interface OpenEntity {
  readonly kind: Kind;
  /** Where it begins in the text. */
  readonly offset: number;
  /** Where its mark stands in the source. */
  readonly startedAt: number;
  readonly language?: string | undefined;
}

const reserved = '_*[]()~`>#+-=|{}.!';
const isMarker = (token: string): token is Marker => token in simpleMarkers;

/**
 * Parses Telegram's MarkdownV2 style into plain text and entities.
 *
 * @throws {BotApiError} 400 "can't parse entities: …" for a reserved character that is not escaped
 * or an entity without an end.
 */
export function parseMarkdownV2(source: string): FormattedText {
  const open: OpenEntity[] = [];
  const entities: MessageEntity[] = [];
  let text = '';
  let at = 0;

  function begin(kind: Kind, markLength: number, language?: string): void {
    open.push({ kind, offset: text.length, startedAt: at, language });
    at += markLength;
  }
  function append(plain: string, sourceLength = plain.length): void {
    text += plain;
    at += sourceLength;
  }
  /** Ends the innermost entity, which `finish` describes. */
  function end(markLength: number, finish: (span: Span) => MessageEntity | undefined): void {
    const ended = open.pop();
    at += markLength;
    if (ended === undefined) return;
    const entity = finish({ offset: ended.offset, length: text.length - ended.offset });
    if (entity !== undefined && entity.length > 0) entities.push(entity);
  }

  function readSimple(mark: Marker): void {
    const kind = simpleMarkers[mark];
    const top = open.at(-1);
    if (top?.kind === kind) {
      const { language } = top;
      end(mark.length, (span) =>
        kind === 'pre' && language !== undefined
          ? { type: 'pre', ...span, language }
          : { type: kind, ...span },
      );
    } else if (kind === 'pre') {
      const opening = readCodeOpening(source, at + mark.length);
      begin(kind, opening.at - at, opening.language);
    } else begin(kind, mark.length);
  }

  /** Ends a link or an emoji and reads the address behind it. */
  function readAddress(kind: 'text_link' | 'custom_emoji'): void {
    const addressAt = at + 1;
    const hasAddress = source.charAt(addressAt) === '(';
    const address = /^\(((?:[^)\\]|\\[\s\S])*)\)/.exec(source.slice(addressAt));
    if (hasAddress && address === null) {
      throw cannotParse(`Can't find end of a URL at byte offset ${byteOffset(source, addressAt)}`);
    }
    const url = (address?.[1] ?? '').replace(/\\([\s\S])/g, '$1');
    end(1 + (address?.[0].length ?? 0), (span) => {
      if (kind === 'text_link') {
        return linkEntity(hasAddress ? url : text.slice(span.offset), span);
      }
      const id = /^tg:\/\/emoji\?id=(\d+)$/.exec(url)?.[1];
      if (id === undefined) throw cannotParse('Custom emoji entity must contain a tg://emoji URL');
      return { type: 'custom_emoji', ...span, custom_emoji_id: id };
    });
  }

  function endQuote(type: 'blockquote' | 'expandable_blockquote', markLength: number): void {
    requireTop('blockquote');
    end(markLength, (span) => ({ type, ...span }));
  }
  function requireTop(kind: Kind): void {
    const top = open.at(-1);
    if (top !== undefined && top.kind !== kind) throw missingEnd(top);
  }
  function missingEnd({ kind, language, startedAt }: OpenEntity) {
    const name = language === undefined ? namesInErrors[kind] : 'PreCode';
    const where = byteOffset(source, startedAt);
    return cannotParse(`Can't find end of ${name} entity at byte offset ${where}`);
  }

  while (at < source.length) {
    const char = source.charAt(at);
    const token = ['```', '||', '__', '!['].find((mark) => source.startsWith(mark, at)) ?? char;
    const top = open.at(-1);
    const isQuoting = open.some(({ kind }) => kind === 'blockquote');

    if (char === '\\' && source.charCodeAt(at + 1) < 127) {
      append(source.charAt(at + 1), 2);
    } else if (top?.kind === 'code' || top?.kind === 'pre') {
      if (char === '`' && (top.kind === 'code' || token === '```')) {
        readSimple(top.kind === 'code' ? '`' : '```');
      } else append(char);
    } else if (char === '\n' && isQuoting) {
      if (source.charAt(at + 1) === '>') append('\n', 2);
      else {
        endQuote('blockquote', 0);
        append('\n');
      }
    } else if (
      token === '||' &&
      top?.kind === 'blockquote' &&
      /^(\n|$)/.test(source.slice(at + 2))
    ) {
      endQuote('expandable_blockquote', 2);
    } else if (isMarker(token)) {
      readSimple(token);
    } else if (token === '[') {
      begin('text_link', 1);
    } else if (token === '![') {
      begin('custom_emoji', 2);
    } else if (token === ']' && (top?.kind === 'text_link' || top?.kind === 'custom_emoji')) {
      readAddress(top.kind);
    } else if (char === '>' && !isQuoting && (text === '' || text.endsWith('\n'))) {
      begin('blockquote', 1);
    } else if (reserved.includes(char)) {
      throw cannotParse(
        `Character '${char}' is reserved and must be escaped with the preceding '\\'`,
      );
    } else append(char);
  }
  if (open.at(-1)?.kind === 'blockquote') endQuote('blockquote', 0);
  const unclosed = open.at(-1);
  if (unclosed !== undefined) throw missingEnd(unclosed);
  return { text, entities };
}
