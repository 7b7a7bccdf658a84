import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { personLine, personText } from '../../src/services/person-text.ts';

const text = personText(1, 20);

test('the ends are trimmed and control characters go; line breaks and tabs stay', () => {
  assert.equal(text.parse('  one\r\n\ttwo\u0000\u0007\u009b  '), 'one\n\ttwo');
  assert.equal(personLine(1, 20).parse(' one\r\n\ttwo   three '), 'one two three');
});

test('half a character becomes a mark that databases and APIs take', () => {
  assert.equal(text.parse('a\ud83d'), 'a\ufffd');
});

test('the length is that of what is left', () => {
  assert.ok(text.safeParse(`${' '.repeat(30)}a`).success);
  assert.ok(!text.safeParse('\u0000 ').success);
  assert.ok(!text.safeParse('a'.repeat(21)).success);
});

test('parsed again, a text stays as it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (raw) => {
      for (const schema of [personText(0, 40), personLine(0, 40)]) {
        const once = schema.parse(raw);
        assert.equal(schema.parse(once), once);
      }
    }),
  );
});
