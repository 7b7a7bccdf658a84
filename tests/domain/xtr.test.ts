import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { stars } from '../../src/domain/stars.ts';
import { starsOfXtr, xtrCovering } from '../../src/domain/xtr.ts';

test('an XTR is one star, and there are no parts of it', () => {
  assert.equal(starsOfXtr(50), 5000);
  assert.throws(() => starsOfXtr(0.5), RangeError);
  assert.throws(() => starsOfXtr(Number.NaN), RangeError);
});

test('what covers an amount is enough, and one less would not be', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000_000 }), (hundredths) => {
      const amount = stars(hundredths);
      const xtr = xtrCovering(amount);
      assert.ok(starsOfXtr(xtr) >= amount && starsOfXtr(xtr - 1) < amount);
    }),
  );
});
