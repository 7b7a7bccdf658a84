import { type Stars, stars } from './stars.ts';

/** Telegram counts in whole XTR; one is 1.00 ⭐. @throws RangeError when it is not a whole number. */
export function starsOfXtr(amountXtr: number): Stars {
  if (!Number.isSafeInteger(amountXtr)) throw new RangeError(`XTR are whole, got ${amountXtr}`);
  return stars(amountXtr * 100);
}

/** The whole XTR that cover an amount: rounded up, since Telegram sells no part of one. */
export function xtrCovering(amount: Stars): number {
  return Math.ceil(amount / 100);
}
