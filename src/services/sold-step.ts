import { costStars, priceStars, type Tariff } from '../domain/stars.ts';
import type { PlannedStep } from './service.ts';

/** A step that costs us `usd` dollars, priced by the one formula. */
export function soldStep(
  usd: number,
  tariff: Tariff,
  made: { readonly photos?: readonly number[]; readonly seconds?: number } = {},
): PlannedStep {
  const price = priceStars(usd, tariff);
  return {
    photos: made.photos ?? [],
    seconds: made.seconds ?? 0,
    price,
    cost: costStars(price, tariff),
  };
}
