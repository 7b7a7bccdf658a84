import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  costStars,
  formatStars,
  NO_STARS,
  parseStars,
  priceStars,
  stars,
  sumStars,
} from '../../src/domain/stars.ts';

const TARIFF = { starUsd: 0.016, markup: 1.5 };

/** A decimal as people write it: an integer over a power of ten, and the float it becomes. */
const decimal = (max: number) =>
  fc
    .record({ digits: fc.integer({ min: 1, max }), places: fc.nat({ max: 6 }) })
    .map(({ digits, places }) => ({
      digits: BigInt(digits),
      scale: 10n ** BigInt(places),
      value: digits / 10 ** places,
    }));
const tariff = fc.record({ starUsd: decimal(99_999), markup: decimal(9_999) });
const amount = fc.integer({ min: -1e12, max: 1e12 }).map(stars);

describe('the price formula', () => {
  test('gives the prices that were published', () => {
    const table = [
      [0.475, 44.53],
      [0.35, 32.81],
      [0.45, 42.18],
      [0.13, 12.18],
      [0.08, 7.5],
      [0.016, 1.5],
    ] as const;
    for (const [usd, price] of table) {
      assert.equal(priceStars(usd, TARIFF), Math.round(price * 100), `${usd} USD`);
    }
  });

  test('is floor(usd ÷ starUsd × markup × 100) in exact rational arithmetic, and at least 1', () => {
    fc.assert(
      fc.property(decimal(9_999_999), tariff, (usd, { starUsd, markup }) => {
        const exact =
          (100n * usd.digits * markup.digits * starUsd.scale) /
          (usd.scale * markup.scale * starUsd.digits);
        fc.pre(exact < 2n ** 53n);
        const price = priceStars(usd.value, { starUsd: starUsd.value, markup: markup.value });
        assert.equal(BigInt(price), exact > 0n ? exact : 1n);
      }),
      { numRuns: 2_000 },
    );
  });

  test('never rounds up, beyond the one hundredth that nothing may cost less than', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-12, max: 1e4, noNaN: true }), (usd) => {
        const price = priceStars(usd, TARIFF);
        assert.ok(price >= 1, 'a price above 0 USD is above 0');
        // Dollars count to nine decimals, hence the half of a billionth.
        const most = ((usd + 0.5e-9) / TARIFF.starUsd) * TARIFF.markup * 100;
        assert.ok(price === 1 || price <= most * (1 + 1e-12), `${price} > ${most}`);
      }),
    );
  });

  test('never falls when the cost rises', () => {
    fc.assert(
      fc.property(decimal(999_999), decimal(999_999), (one, other) => {
        const [low, high] = [one.value, other.value].sort((a, b) => a - b);
        assert.ok(priceStars(low ?? 0, TARIFF) <= priceStars(high ?? 0, TARIFF));
      }),
    );
  });

  test('costs nothing where there is nothing to pay', () => {
    assert.equal(priceStars(0, TARIFF), NO_STARS);
  });

  test('undoes what binary floats do to decimals', () => {
    assert.equal(priceStars(0.1 + 0.2, TARIFF), priceStars(0.3, TARIFF));
    assert.equal(priceStars(5 * 0.07, TARIFF), priceStars(0.35, TARIFF));
  });

  test('refuses what is no price and what is no tariff', () => {
    for (const usd of [-0.01, Number.NaN, Number.POSITIVE_INFINITY, 1e10]) {
      assert.throws(() => priceStars(usd, TARIFF), RangeError, `${usd} USD`);
    }
    assert.throws(() => priceStars(1, { starUsd: 0, markup: 1.5 }), RangeError);
    assert.throws(() => priceStars(1, { starUsd: 0.016, markup: -1 }), RangeError);
    assert.throws(() => priceStars(1, { starUsd: 1e-10, markup: 1 }), RangeError);
  });
});

describe('the cost of a price', () => {
  test('is the price without the markup, rounded down', () => {
    assert.equal(costStars(stars(4453), TARIFF), 2968);
    assert.equal(costStars(stars(1), TARIFF), 0);
  });

  test('is what it was in exact rational arithmetic', () => {
    fc.assert(
      fc.property(fc.nat({ max: 1e9 }), decimal(9_999), (price, markup) => {
        const exact = (BigInt(price) * markup.scale) / markup.digits;
        const cost = costStars(stars(price), { starUsd: 0.016, markup: markup.value });
        assert.equal(BigInt(cost), exact);
      }),
    );
  });
});

describe('text', () => {
  test('has two decimals and a dot, and reads back as the same amount', () => {
    fc.assert(
      fc.property(amount, (value) => {
        const text = formatStars(value);
        assert.match(text, /^-?\d+\.\d\d$/);
        assert.equal(parseStars(text), value);
      }),
    );
  });

  test('looks as the ledger stores it', () => {
    const texts = [48983, 750, 5, 0, -5, -44530].map((value) => formatStars(stars(value)));
    assert.deepEqual(texts, ['489.83', '7.50', '0.05', '0.00', '-0.05', '-445.30']);
  });

  test('is read as people write it', () => {
    const written = ['100', '7.5', '489,83', ' 3.00 ', '-3.00', '0', '-0'];
    assert.deepEqual(
      written.map((text) => parseStars(text)),
      [10000, 750, 48983, 300, -300, 0, 0],
    );
  });

  test('that is no amount, or finer than a hundredth, is refused', () => {
    const bad = [
      '',
      ' ',
      '.5',
      '5.',
      '1.234',
      '1 000',
      '1e3',
      '+5',
      '--5',
      'NaN',
      '٣',
      '1234567890123',
    ];
    for (const text of bad) assert.equal(parseStars(text), undefined, JSON.stringify(text));
  });
});

describe('arithmetic', () => {
  test('sums exactly, and the empty sum is zero', () => {
    assert.equal(sumStars([]), NO_STARS);
    fc.assert(
      fc.property(fc.array(amount, { maxLength: 200 }), (amounts) => {
        const exact = amounts.reduce((sum, each) => sum + BigInt(each), 0n);
        assert.equal(BigInt(sumStars(amounts)), exact);
      }),
    );
  });

  test('knows no fraction of a hundredth, and no minus zero', () => {
    for (const value of [0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      assert.throws(() => stars(value), RangeError);
    }
    assert.ok(Object.is(stars(-0), 0));
  });
});
