/**
 * Money, as an integer number of hundredths of a star (⭐). 1 XTR is 100.
 * Arithmetic on it is exact; it becomes text only at the edges (database and screen).
 */
export type Stars = number & { readonly __unit: 'hundredths of a star' };

/** How dollars become stars: one star costs `starUsd` dollars, and a price is the cost times `markup`. */
export interface Tariff {
  /** US dollars per star, for example 0.016. */
  readonly starUsd: number;
  /** Price over cost, for example 1.5. */
  readonly markup: number;
}

/** No stars at all. */
export const NO_STARS = 0 as Stars;

/**
 * Brands a number of hundredths.
 * @throws RangeError when it is not a safe integer: a fraction of a hundredth does not exist.
 */
export function stars(hundredths: number): Stars {
  if (!Number.isSafeInteger(hundredths)) {
    throw new RangeError(`Stars are whole hundredths, got ${hundredths}`);
  }
  return (hundredths === 0 ? 0 : hundredths) as Stars;
}

/** Exact sum; the empty sum is zero. */
export function sumStars(amounts: Iterable<Stars>): Stars {
  let total = 0;
  for (const amount of amounts) total += amount;
  return stars(total);
}

/**
 * The one price formula: `floor₀.₀₁(usd ÷ starUsd × markup)`, always down, in exact decimal arithmetic
 * (binary floats would turn 7.50 into 7.49). A price above 0 USD is at least 0.01 ⭐.
 * Dollars and tariff count to nine decimals, more than any price list has.
 * @throws RangeError on a negative price or a tariff that is not positive.
 */
export function priceStars(usd: number, tariff: Tariff): Stars {
  const dollars = toNano(usd);
  const perStar = toNano(tariff.starUsd);
  const markup = toNano(tariff.markup);
  if (usd < 0 || perStar <= 0n || markup <= 0n) {
    throw new RangeError('A price needs usd ≥ 0, starUsd > 0 and markup > 0');
  }
  if (usd === 0) return NO_STARS;
  const hundredths = (dollars * markup * 100n) / (perStar * NANO);
  return stars(Number(hundredths === 0n ? 1n : hundredths));
}

/** What a price cost us: `price ÷ markup`, rounded down to the hundredth. */
export function costStars(price: Stars, tariff: Tariff): Stars {
  return stars(Number((BigInt(price) * NANO) / toNano(tariff.markup)));
}

/** `48983` → `"489.83"`: always two decimals and a dot, as the ledger stores it. */
export function formatStars(amount: Stars): string {
  const digits = Math.abs(amount).toString().padStart(3, '0');
  return `${amount < 0 ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}

/**
 * Reads what people and the database write: `"100"`, `"7.5"`, `"489,83"`, `"-3.00"`.
 * Returns undefined for anything else, more than two decimals included.
 */
export function parseStars(text: string): Stars | undefined {
  const match = /^(-?)(\d{1,12})(?:[.,](\d{1,2}))?$/.exec(text.trim());
  if (!match) return undefined;
  const [, sign, whole = '0', fraction = ''] = match;
  const hundredths = Number(whole) * 100 + Number(fraction.padEnd(2, '0'));
  return stars(sign ? -hundredths : hundredths);
}

const NANO = 1_000_000_000n;

/** A decimal of up to nine places went through a binary float; toFixed restores it exactly. */
function toNano(decimal: number): bigint {
  if (!Number.isFinite(decimal) || Math.abs(decimal) > 1e9) {
    throw new RangeError(`Not an amount: ${decimal}`);
  }
  return BigInt(decimal.toFixed(9).replace('.', ''));
}
