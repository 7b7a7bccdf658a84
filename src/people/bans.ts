import { and, eq, isNotNull, isNull } from 'drizzle-orm';
import type { Db } from '../db/database.ts';
import { people } from '../db/schema.ts';

export interface Ban {
  readonly at: Date;
  readonly reason: string | null;
}

/** Who may not order and pay. What they have paid for already goes on, and payments still count. */
export interface Bans {
  /** False for somebody unknown, or banned before: the first reason stays. */
  ban(personId: number, reason?: string): Promise<boolean>;
  /** False for somebody who was not banned. */
  unban(personId: number): Promise<boolean>;
  find(personId: number): Promise<Ban | undefined>;
}

export function createBans(deps: { readonly db: Db }): Bans {
  const { db } = deps;
  return {
    async ban(personId, reason) {
      const banned = await db
        .update(people)
        .set({ bannedAt: new Date(), banReason: reason ?? null })
        .where(and(eq(people.id, personId), isNull(people.bannedAt)))
        .returning({ id: people.id });
      return banned.length > 0;
    },

    async unban(personId) {
      const freed = await db
        .update(people)
        .set({ bannedAt: null, banReason: null })
        .where(and(eq(people.id, personId), isNotNull(people.bannedAt)))
        .returning({ id: people.id });
      return freed.length > 0;
    },

    async find(personId) {
      const [person] = await db
        .select({ at: people.bannedAt, reason: people.banReason })
        .from(people)
        .where(eq(people.id, personId));
      return person?.at ? { at: person.at, reason: person.reason } : undefined;
    },
  };
}
