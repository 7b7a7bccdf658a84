/** The idempotency keys of entries that belong to no order. */
export const paymentKey = (chargeId: string) => `payment:${chargeId}`;
export const referralKey = (invitedId: number) => `referral:${invitedId}`;
export const promoKey = (code: string, personId: number) => `promo:${code}:${personId}`;
export const welcomeKey = (personId: number) => `welcome:${personId}`;
/** `attempt`: how many reversals of this payment came to nothing before. */
export const reversalKey = (chargeId: string, attempt: number) => `reversal:${chargeId}:${attempt}`;
export const reinstatementKey = (refundId: number) => `reinstatement:${refundId}`;
/** `reversalId`: of the payment that had brought the bonus. */
export const bonusReversalKey = (reversalId: number) => `bonus_reversal:${reversalId}`;
export const bonusReinstatementKey = (reversalId: number) => `bonus_reinstatement:${reversalId}`;

const SOURCES = ['payment', 'referral', 'promo', 'welcome', 'grant'] as const;

/** Where the stars of a top-up came from, also of one that is taken back or given again. */
export type TopUpSource = (typeof SOURCES)[number];

/** Reads it from the key; null for an entry that moves no top-up, or one of another kind. */
export function topUpSource(key: string): TopUpSource | null {
  if (/^(reversal|reinstatement):/.test(key)) return 'payment';
  if (/^bonus_(reversal|reinstatement):/.test(key)) return 'referral';
  return SOURCES.find((source) => key.startsWith(`${source}:`)) ?? null;
}
