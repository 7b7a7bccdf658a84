import assert from 'node:assert/strict';
import { test } from 'node:test';
import { detectEntities } from '../../src/sandbox/text/entities.ts';
import { parseHtml } from '../../src/sandbox/text/html-entities.ts';

/** Entities as [type, text, what else], which is what people compare. */
function read(source: string) {
  const { text, entities } = parseHtml(source);
  return entities.map(({ type, offset, length, ...rest }) => {
    const slice = text.slice(offset, offset + length);
    return Object.keys(rest).length === 0 ? [type, slice] : [type, slice, rest];
  });
}

test('simple tags and their synonyms become entities', () => {
  assert.deepEqual(
    read(
      '<b>a</b><strong>b</strong><i>c</i><em>d</em><u>e</u><ins>f</ins><s>g</s><del>h</del><code>i</code><tg-spoiler>j</tg-spoiler><span class="tg-spoiler">k</span>',
    ),
    [
      ['bold', 'a'],
      ['bold', 'b'],
      ['italic', 'c'],
      ['italic', 'd'],
      ['underline', 'e'],
      ['underline', 'f'],
      ['strikethrough', 'g'],
      ['strikethrough', 'h'],
      ['code', 'i'],
      ['spoiler', 'j'],
      ['spoiler', 'k'],
    ],
  );
});

test('links, quotes and code blocks keep their attributes', () => {
  assert.deepEqual(read('<a href="https://example.org/?a=1&amp;b=2">here</a>'), [
    ['text_link', 'here', { url: 'https://example.org/?a=1&b=2' }],
  ]);
  assert.deepEqual(read('<blockquote expandable>long</blockquote>'), [
    ['expandable_blockquote', 'long'],
  ]);
  assert.deepEqual(read('<pre><code class="language-ts">let a</code></pre>'), [
    ['pre', 'let a', { language: 'ts' }],
  ]);
});

test('offsets count UTF-16 units and nested tags overlap', () => {
  assert.deepEqual(parseHtml('👋 <b>x <i>y</i></b>'), {
    text: '👋 x y',
    entities: [
      { type: 'italic', offset: 5, length: 1 },
      { type: 'bold', offset: 3, length: 3 },
    ],
  });
});

test('character references are decoded, unknown ones are kept', () => {
  assert.equal(
    parseHtml('1 &lt; 2 &amp;&amp; 3 &gt; 2 &quot;&#33;&#x21;&quot; &copy; & x').text,
    '1 < 2 && 3 > 2 "!!" &copy; & x',
  );
});

for (const [source, reason] of [
  ['<div>x</div>', 'Unsupported start tag "div" at byte offset 0'],
  ['я <br>', 'Unsupported start tag "br" at byte offset 3'],
  ['a < b', 'Unsupported start tag "" at byte offset 2'],
  ['<b>x', 'Can\'t find end tag corresponding to start tag "b"'],
  ['x</b>', 'Unexpected end tag at byte offset 1'],
  ['<b><i>x</b></i>', 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"'],
] as const) {
  test(`${source} is refused: ${reason}`, () => {
    assert.throws(() => parseHtml(source), {
      message: `Bad Request: can't parse entities: ${reason}`,
    });
  });
}

test('prose with slashes, addresses and numbers is not full of commands', () => {
  const found = (text: string) => detectEntities(text).map(({ type }) => type);
  assert.deepEqual(found('and/or 1/2 path/to/file #1'), []);
  assert.deepEqual(found('write to a.b@example.org'), ['email']);
  assert.deepEqual(found('(/start) or /help@morphogram_bot'), ['bot_command', 'bot_command']);
  assert.deepEqual(found('see https://example.org/#part.'), ['url']);
});
