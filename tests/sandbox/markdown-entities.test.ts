import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMarkdown } from '../../src/sandbox/text/markdown-entities.ts';
import { parseMarkdownV2 } from '../../src/sandbox/text/markdown-v2-entities.ts';

type Parsed = [text: string, ...entities: (string | undefined)[][]];

/** The text, then for every entity its type, the part of the text it covers, and its detail. */
function flatten({ text, entities }: ReturnType<typeof parseMarkdown>): Parsed {
  const described = entities.map((entity) => {
    const { type, offset, length } = entity;
    const detail =
      ('url' in entity && entity.url) ||
      ('language' in entity && entity.language) ||
      ('custom_emoji_id' in entity && entity.custom_emoji_id) ||
      ('user' in entity && `${entity.user.id}`);
    return [type, text.slice(offset, offset + length), ...(detail ? [detail] : [])];
  });
  return [text, ...described];
}

const versionTwo: Record<string, Parsed> = {
  '*bold* _italic_ __under__ ~gone~ ||secret||': [
    'bold italic under gone secret',
    ['bold', 'bold'],
    ['italic', 'italic'],
    ['underline', 'under'],
    ['strikethrough', 'gone'],
    ['spoiler', 'secret'],
  ],
  '*a _b __c__ d_ e*': [
    'a b c d e',
    ['underline', 'c'],
    ['italic', 'b c d'],
    ['bold', 'a b c d e'],
  ],
  '*a _b __c___ d* _**e_': [
    'a b c d e',
    ['underline', 'c'],
    ['italic', 'b c'],
    ['bold', 'a b c d'],
    ['italic', 'e'],
  ],
  'Price: 5\\.00 \\(\\-10%\\)\\!': ['Price: 5.00 (-10%)!'],
  '`a_b*c` \\`': ['a_b*c `', ['code', 'a_b*c']],
  '```ts\nconst a = `x\\`;\n```': ['const a = `x`;\n', ['pre', 'const a = `x`;\n', 'ts']],
  '```\nplain```': ['plain', ['pre', 'plain']],
  '[site](https://example.org/a\\)b)': ['site', ['text_link', 'site', 'https://example.org/a)b']],
  '[example\\.org]': ['example.org', ['text_link', 'example.org', 'http://example.org']],
  '[Ann](tg://user?id=7)': ['Ann', ['text_mention', 'Ann', '7']],
  '![👍](tg://emoji?id=5368)': ['👍', ['custom_emoji', '👍', '5368']],
  '>one\n>two *b*\nafter': ['one\ntwo b\nafter', ['bold', 'b'], ['blockquote', 'one\ntwo b']],
  '>one\n**>two\n>three||\nend': [
    'one\ntwo\nthree\nend',
    ['blockquote', 'one'],
    ['expandable_blockquote', 'two\nthree'],
  ],
  'Привет *мир* 👋': ['Привет мир 👋', ['bold', 'мир']],
};

for (const [source, parsed] of Object.entries(versionTwo)) {
  test(`MarkdownV2 is understood: ${JSON.stringify(source)}`, () => {
    assert.deepEqual(flatten(parseMarkdownV2(source)), parsed);
  });
}

const reservedCharacter = (char: string) =>
  `Character '${char}' is reserved and must be escaped with the preceding '\\'`;
const brokenVersionTwo: Record<string, string> = {
  'a.': reservedCharacter('.'),
  'a > b': reservedCharacter('>'),
  'one | two': reservedCharacter('|'),
  'Hi!': reservedCharacter('!'),
  'a] b': reservedCharacter(']'),
  'я *b': "Can't find end of Bold entity at byte offset 3",
  _a__: "Can't find end of Underline entity at byte offset 2",
  '```ts\nx': "Can't find end of PreCode entity at byte offset 0",
  '[a](http://x': "Can't find end of a URL at byte offset 3",
  '>a *b\nc*': "Can't find end of Bold entity at byte offset 3",
  '![x](http://x)': 'Custom emoji entity must contain a tg://emoji URL',
};

for (const [source, reason] of Object.entries(brokenVersionTwo)) {
  test(`MarkdownV2 is refused: ${JSON.stringify(source)}: ${reason}`, () => {
    const message = `Bad Request: can't parse entities: ${reason}`;
    assert.throws(() => parseMarkdownV2(source), { message });
  });
}

const versionOne: Record<string, Parsed> = {
  '*bold* _italic_ `code`': [
    'bold italic code',
    ['bold', 'bold'],
    ['italic', 'italic'],
    ['code', 'code'],
  ],
  'snake\\_case costs 5.00 (now)!': ['snake_case costs 5.00 (now)!'],
  '*a _b_*': ['a _b_', ['bold', 'a _b_']],
  '[site](https://example.org) [x]': ['site x', ['text_link', 'site', 'https://example.org']],
  '```py\nx = 1\n```': ['x = 1\n', ['pre', 'x = 1\n', 'py']],
  '** and on': [' and on'],
};

for (const [source, parsed] of Object.entries(versionOne)) {
  test(`Markdown is understood: ${JSON.stringify(source)}`, () => {
    assert.deepEqual(flatten(parseMarkdown(source)), parsed);
  });
}

test('Markdown without an end is refused with the place where it began', () => {
  const message =
    "Bad Request: can't parse entities: Can't find end of the entity starting at byte offset 4";
  assert.throws(() => parseMarkdown('one *two'), { message });
});
