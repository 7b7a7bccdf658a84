import { MORPH_MODES } from './morph-plan.ts';

/**
 * The ways an order may be made, priced side by side on its quote: the two of a morph, and the one of
 * everything that is made in one way only.
 */
export const ORDER_MODES = [...MORPH_MODES, 'standard'] as const;
export type OrderMode = (typeof ORDER_MODES)[number];
