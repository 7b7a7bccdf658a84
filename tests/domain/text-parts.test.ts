import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { countCharacters, MESSAGE_LENGTH, splitText } from '../../src/domain/text-parts.ts';

const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' });
const FAMILY = '👨‍👩‍👧‍👦';

/** The characters of a text that can be seen. */
function visible(text: string): string[] {
  return [...segmenter.segment(text)].flatMap(({ segment }) => (segment.trim() ? [segment] : []));
}

/** Texts as people write them: words, sentences, paragraphs, and what is hard to cut. */
const writing = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: fc.stringMatching(/^[a-zа-яё]{1,12}$/u) },
      {
        weight: 2,
        arbitrary: fc.constantFrom(' ', '  ', '\n', '\n\n', '\r\n', '. ', '! ', '… ', '»'),
      },
      fc.constantFrom(
        FAMILY,
        '👍🏽',
        '🇷🇺',
        'é',
        'e\u0301',
        'नि',
        ' \u0301',
        '。',
        '\t',
        '\u00a0',
        '\u2003',
      ),
      fc.string({ unit: 'grapheme', maxLength: 6 }),
    ),
    { maxLength: 120 },
  )
  .map((pieces) => pieces.join(''));

describe('splitText', () => {
  test('whatever is written, nothing is lost, no part is too long and none is blank', () => {
    fc.assert(
      fc.property(writing, fc.integer({ min: 30, max: 200 }), (text, maxLength) => {
        const parts = splitText(text, maxLength);
        for (const part of parts) {
          assert.ok(part.length <= maxLength, `${part.length}`);
          assert.notEqual(part.trim(), '');
        }
        assert.deepEqual(parts.flatMap(visible), visible(text));
      }),
      { numRuns: 1000 },
    );
  });

  test('of any text at all each code point is kept, also where a character is longer than a part', () => {
    const marks = fc.constantFrom('\u0301', '\u200d', '👩', 'a', ' ', '\n', '\ufe0f', '🏽');
    const any = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.array(marks, { maxLength: 300 }).map((pieces) => pieces.join('')),
    );
    const inked = (text: string) => text.replaceAll(/\s/gu, '');
    fc.assert(
      fc.property(any, fc.integer({ min: 2, max: 50 }), (text, maxLength) => {
        const parts = splitText(text, maxLength);
        assert.ok(parts.every((part) => part.length <= maxLength && part !== ''));
        assert.ok(parts.every((part) => part.isWellFormed()));
        assert.equal(inked(parts.join('')), inked(text));
      }),
      { numRuns: 1000 },
    );
  });

  test('parts are at least half full, so there are no more of them than needed', () => {
    const words = fc.array(fc.stringMatching(/^[a-z]{1,12}[.]?[\n ]$/), { maxLength: 300 });
    fc.assert(
      fc.property(words, (pieces) => {
        const parts = splitText(pieces.join(''), 60);
        assert.ok(parts.slice(0, -1).every((part) => part.length >= 30));
      }),
    );
  });

  test('a text that fits is one part, blanks are none', () => {
    assert.deepEqual(splitText('a'.repeat(MESSAGE_LENGTH)), ['a'.repeat(4096)]);
    assert.deepEqual(splitText('  a\n b \n'), ['a\n b']);
    assert.deepEqual(splitText(''), []);
    assert.deepEqual(splitText(' \n\t'), []);
    assert.deepEqual(
      splitText('a'.repeat(4097)).map((part) => part.length),
      [4096, 1],
    );
  });

  test('it is cut at the most that stands on its own', () => {
    const line = 'One two. Three four';
    const long = `${line} five six`;
    assert.deepEqual(splitText(`${long}\n\n${line}\n${line}`, 50), [long, `${line}\n${line}`]);
    assert.deepEqual(splitText(`${line}\n${line}. End`, 30), [line, `${line}. End`]);
    assert.deepEqual(splitText('One two three. Four five', 22), ['One two three.', 'Four five']);
    assert.deepEqual(splitText('Он спросил: «Кто?» Никто.', 20), ['Он спросил: «Кто?»', 'Никто.']);
    assert.deepEqual(splitText('one two three four', 12), ['one two', 'three four']);
    assert.deepEqual(splitText('这是一个句子。这是另一个句子', 12), [
      '这是一个句子。',
      '这是另一个句子',
    ]);
    assert.deepEqual(splitText('version 3.14 is out', 12), ['version 3.14', 'is out']);
  });

  test('a place that leaves a part almost empty is passed over', () => {
    assert.deepEqual(splitText('Hi.\n\nSomebody wrote a lot', 20), [
      'Hi.\n\nSomebody wrote',
      'a lot',
    ]);
    assert.deepEqual(splitText(`a ${'b'.repeat(30)}`, 20), [`a ${'b'.repeat(18)}`, 'b'.repeat(12)]);
  });

  test('emoji and accented letters stay whole', () => {
    for (const character of [FAMILY, '👍🏽', '🇷🇺', 'e\u0301', 'नि']) {
      const text = character.repeat(40);
      for (let maxLength = character.length; maxLength < 30; maxLength += 1) {
        for (const part of splitText(text, maxLength)) {
          assert.equal(part, character.repeat(part.length / character.length));
        }
      }
    }
  });

  test('a book is cut quickly', () => {
    const started = performance.now();
    const parts = splitText(
      `${'слово '.repeat(150_000)}${' '.repeat(100_000)}${'x'.repeat(100_000)}`,
    );
    assert.ok(parts.length < 300);
    assert.ok(performance.now() - started < 5000);
  });

  test('a part that no code point fits into is a mistake of the caller', () => {
    assert.throws(() => splitText('abc', 1), RangeError);
  });
});

describe('countCharacters', () => {
  test('an accented letter counts once, however it was typed', () => {
    assert.equal(countCharacters('й'), 1);
    assert.equal(countCharacters('и\u0306'), 1);
    assert.equal(countCharacters('ёлка'), 4);
    assert.equal(countCharacters(''), 0);
    assert.equal(countCharacters('a\nb'), 3);
  });

  test('an emoji of one code point counts once, and nothing hides a text in one character', () => {
    assert.equal(countCharacters('👍'), 1);
    assert.equal(countCharacters(FAMILY), 7);
    assert.equal(countCharacters(`a${'\u0336'.repeat(500)}`), 501);
  });

  test('it is never more than UTF-16 units, and parts of a text do not add to it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
        assert.ok(countCharacters(text) <= text.normalize('NFC').length);
        const sum = splitText(text, 40).reduce((total, part) => total + countCharacters(part), 0);
        assert.ok(sum <= countCharacters(text));
      }),
    );
  });
});
