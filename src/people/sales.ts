import { eq } from 'drizzle-orm';
import type { Db } from '../db/database.ts';
import { settings } from '../db/people-schema.ts';

/** Since when nothing is sold, by whom and why. */
export interface SalesPause {
  readonly by: number;
  readonly why: string | null;
  readonly at: Date;
}

/**
 * Whether new orders and payments are taken. `Invoices.check` looks at the same switch; what was paid for
 * goes on.
 */
export interface Sales {
  paused(): Promise<SalesPause | undefined>;
  /** False when they were paused before: the first reason stays. */
  pause(adminId: number, why?: string): Promise<boolean>;
  /** False when they were not paused. */
  resume(): Promise<boolean>;
}

const KEY = 'sales_paused';

export function createSales(deps: { readonly db: Db }): Sales {
  const { db } = deps;
  return {
    async paused() {
      const [row] = await db.select().from(settings).where(eq(settings.key, KEY));
      return row && { by: row.changedBy, why: row.why, at: row.changedAt };
    },

    async pause(adminId, why) {
      const paused = await db
        .insert(settings)
        .values({ key: KEY, changedBy: adminId, why: why ?? null })
        .onConflictDoNothing()
        .returning({ key: settings.key });
      return paused.length > 0;
    },

    async resume() {
      const resumed = await db
        .delete(settings)
        .where(eq(settings.key, KEY))
        .returning({ key: settings.key });
      return resumed.length > 0;
    },
  };
}
