import { and, desc, eq } from 'drizzle-orm';
import type { Db, Tx } from '../db/database.ts';
import { promoCodes, promoUses } from '../db/people-schema.ts';
import type { Stars } from '../domain/stars.ts';
import { promoKey } from '../ledger/keys.ts';
import type { Ledger } from '../ledger/ledger.ts';

export interface PromoCode {
  /** In capital letters. */
  readonly code: string;
  readonly stars: Stars;
  /** How many people may use it, and how many did. */
  readonly uses: number;
  readonly used: number;
  readonly expiresAt: Date;
}

export type NewPromoOutcome =
  | { readonly kind: 'created'; readonly promo: PromoCode }
  | { readonly kind: 'exists'; readonly promo: PromoCode }
  /** Not 3 to 32 letters, digits, `_` and `-`, or nothing to give or to use. */
  | { readonly kind: 'invalid' };

export type RedeemOutcome =
  | { readonly kind: 'redeemed'; readonly stars: Stars; readonly balance: Stars }
  | { readonly kind: 'unknown' | 'already' | 'expired' | 'used_up' };

/** Codes that give stars to whoever types them, each person once. */
export interface Promo {
  create(promo: {
    readonly code: string;
    readonly stars: Stars;
    readonly uses: number;
    readonly days: number;
    readonly adminId: number;
  }): Promise<NewPromoOutcome>;
  /** All of it in one transaction; never more often than the code has uses. */
  redeem(code: string, personId: number): Promise<RedeemOutcome>;
  /** The newest first. */
  list(limit: number): Promise<PromoCode[]>;
}

const DAY_MS = 86_400_000;

export function createPromo(deps: {
  readonly db: Db;
  readonly ledger: Pick<Ledger, 'topUp'>;
}): Promo {
  const { db, ledger } = deps;
  return {
    async create({ code: typed, stars, uses, days, adminId }) {
      const code = normalizeCode(typed);
      if (code === undefined || stars <= 0 || !isCount(uses) || !(days > 0)) {
        return { kind: 'invalid' };
      }
      const expiresAt = new Date(Date.now() + days * DAY_MS);
      const [created] = await db
        .insert(promoCodes)
        .values({ code, stars, uses, expiresAt, createdBy: adminId })
        .onConflictDoNothing()
        .returning();
      if (created) return { kind: 'created', promo: created };
      const [promo] = await db.select().from(promoCodes).where(eq(promoCodes.code, code));
      if (!promo) throw new Error(`Promo code ${code} is gone`);
      return { kind: 'exists', promo };
    },

    redeem(typed, personId) {
      const code = normalizeCode(typed);
      if (code === undefined) return Promise.resolve({ kind: 'unknown' });
      return db.transaction((tx) => redeemCode(tx, ledger, code, personId));
    },

    list: (limit) => db.select().from(promoCodes).orderBy(desc(promoCodes.createdAt)).limit(limit),
  };
}

async function redeemCode(
  tx: Tx,
  ledger: Pick<Ledger, 'topUp'>,
  code: string,
  personId: number,
): Promise<RedeemOutcome> {
  // Held until the end: of a hundred at once the last use goes to one.
  const [promo] = await tx.select().from(promoCodes).where(eq(promoCodes.code, code)).for('update');
  if (!promo) return { kind: 'unknown' };
  const [use] = await tx
    .select()
    .from(promoUses)
    .where(and(eq(promoUses.code, code), eq(promoUses.personId, personId)));
  if (use) return { kind: 'already' };
  if (promo.expiresAt <= new Date()) return { kind: 'expired' };
  if (promo.used >= promo.uses) return { kind: 'used_up' };
  await tx.insert(promoUses).values({ code, personId });
  await tx
    .update(promoCodes)
    .set({ used: promo.used + 1 })
    .where(eq(promoCodes.code, code));
  const outcome = await ledger.topUp(
    { personId, amount: promo.stars, paymentMethod: 'Bonus', key: promoKey(code, personId) },
    tx,
  );
  if (outcome.kind !== 'topped_up') throw new Error(`Promo code ${code} was given before`);
  return { kind: 'redeemed', stars: promo.stars, balance: outcome.balance };
}

/** Codes are the same in any case; undefined for what cannot be one. */
function normalizeCode(typed: string): string | undefined {
  const code = typed.trim().toUpperCase();
  return /^[\p{L}\p{N}_-]{3,32}$/u.test(code) ? code : undefined;
}

/** What an integer column can count to. */
function isCount(value: number): boolean {
  return Number.isInteger(value) && value > 0 && value < 2 ** 31;
}
