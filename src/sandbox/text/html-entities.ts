import type { MessageEntity } from 'grammy/types';
import { byteOffset, cannotParse, type FormattedText, linkEntity } from './formatted-text.ts';

interface OpenTag {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly offset: number;
}

type Simple = 'bold' | 'italic' | 'underline' | 'strikethrough' | 'spoiler';

const simpleTags: Readonly<Record<string, Simple>> = {
  b: 'bold',
  strong: 'bold',
  i: 'italic',
  em: 'italic',
  u: 'underline',
  ins: 'underline',
  s: 'strikethrough',
  strike: 'strikethrough',
  del: 'strikethrough',
  'tg-spoiler': 'spoiler',
};
const otherTags = ['a', 'code', 'pre', 'blockquote', 'span', 'tg-emoji'];
const namedCharacters: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
};

const tagPattern =
  /^<(\/?)([a-zA-Z][\w-]*)((?:\s+[\w-]+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'>]+))?)*)\s*>/;
const attributePattern = /([\w-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g;
const characterPattern = /^&(?:#(\d+)|#x([0-9a-fA-F]+)|(lt|gt|amp|quot));?/;

/**
 * Parses Telegram's HTML style into plain text and entities.
 *
 * @throws {BotApiError} 400 "can't parse entities: …" for unknown, unclosed or crossed tags.
 */
export function parseHtml(source: string): FormattedText {
  const open: OpenTag[] = [];
  const entities: MessageEntity[] = [];
  let text = '';
  let at = 0;

  while (at < source.length) {
    const rest = source.slice(at, at + 4096);
    if (rest.startsWith('&')) {
      const match = characterPattern.exec(rest);
      text += match === null ? '&' : decodeCharacter(match);
      at += match === null ? 1 : match[0].length;
      continue;
    }
    if (!rest.startsWith('<')) {
      const end = source.slice(at).search(/[<&]/);
      const next = end === -1 ? source.length : at + end;
      text += source.slice(at, next);
      at = next;
      continue;
    }
    const tag = tagPattern.exec(rest);
    if (tag === null) {
      throw cannotParse(
        `Unsupported start tag "${/^<\/?([^\s>]*)/.exec(rest)?.[1] ?? ''}" at byte offset ${byteOffset(source, at)}`,
      );
    }
    const name = (tag[2] ?? '').toLowerCase();
    if (tag[1] === '') {
      const attributes = readAttributes(tag[3] ?? '');
      const isKnown =
        name in simpleTags ||
        (otherTags.includes(name) && (name !== 'span' || attributes.get('class') === 'tg-spoiler'));
      if (!isKnown) {
        throw cannotParse(
          `Unsupported start tag "${name}" at byte offset ${byteOffset(source, at)}`,
        );
      }
      open.push({ name, attributes, offset: text.length });
    } else {
      const opened = open.pop();
      if (opened === undefined)
        throw cannotParse(`Unexpected end tag at byte offset ${byteOffset(source, at)}`);
      if (opened.name !== name) {
        throw cannotParse(
          `Unmatched end tag at byte offset ${byteOffset(source, at)}, expected "</${opened.name}>", found "</${name}>"`,
        );
      }
      const entity = createEntity(opened, text, open.at(-1));
      if (entity !== undefined) entities.push(entity);
    }
    at += tag[0].length;
  }
  const unclosed = open.at(-1);
  if (unclosed !== undefined) {
    throw cannotParse(`Can't find end tag corresponding to start tag "${unclosed.name}"`);
  }
  return { text, entities: dropCodeInsidePre(entities) };
}

function decodeCharacter([whole, decimal, hex, name]: RegExpExecArray): string {
  if (name !== undefined) return namedCharacters[name] ?? whole;
  const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
  return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
}

function readAttributes(source: string): Map<string, string> {
  const attributes = new Map<string, string>();
  for (const [, name = '', double, single, bare] of source.matchAll(attributePattern)) {
    const value = (double ?? single ?? bare ?? '').replaceAll(
      new RegExp(characterPattern.source.slice(1), 'g'),
      (whole) => {
        const match = characterPattern.exec(whole);
        return match === null ? whole : decodeCharacter(match);
      },
    );
    attributes.set(name.toLowerCase(), value);
  }
  return attributes;
}

function createEntity(
  { name, attributes, offset }: OpenTag,
  text: string,
  parent: OpenTag | undefined,
): MessageEntity | undefined {
  const length = text.length - offset;
  if (length === 0) return undefined;
  const simple = simpleTags[name];
  if (simple !== undefined) return { type: simple, offset, length };
  switch (name) {
    case 'span':
      return { type: 'spoiler', offset, length };
    case 'blockquote': {
      const type = attributes.has('expandable') ? 'expandable_blockquote' : 'blockquote';
      return { type, offset, length };
    }
    case 'pre':
      return { type: 'pre', offset, length };
    case 'code': {
      const language = /^language-(.+)$/.exec(attributes.get('class') ?? '')?.[1];
      return parent?.name === 'pre' && language !== undefined
        ? { type: 'pre', offset, length, language }
        : { type: 'code', offset, length };
    }
    case 'tg-emoji':
      return {
        type: 'custom_emoji',
        offset,
        length,
        custom_emoji_id: attributes.get('emoji-id') ?? '',
      };
    default: {
      return linkEntity(attributes.get('href') ?? text.slice(offset), { offset, length });
    }
  }
}

/** `<pre><code class="language-x">` becomes one entity: the pre with the language. */
function dropCodeInsidePre(entities: readonly MessageEntity[]): MessageEntity[] {
  const withLanguage = entities.filter((one) => one.type === 'pre' && 'language' in one);
  return entities.filter(
    (one) =>
      withLanguage.includes(one) ||
      one.type !== 'pre' ||
      withLanguage.every((pre) => pre.offset !== one.offset || pre.length !== one.length),
  );
}
