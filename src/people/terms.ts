import { and, eq, isNull, ne, or } from 'drizzle-orm';
import type { Db } from '../db/database.ts';
import { people } from '../db/schema.ts';

/** Who accepted which terms; what was accepted is read from the person (`termsVersion`). */
export interface Terms {
  /** False when they had accepted this version before. */
  accept(personId: number, version: string): Promise<boolean>;
}

export function createTerms(deps: { readonly db: Db }): Terms {
  return {
    async accept(personId, version) {
      const other = or(isNull(people.termsVersion), ne(people.termsVersion, version));
      const accepted = await deps.db
        .update(people)
        .set({ termsVersion: version, termsAcceptedAt: new Date() })
        .where(and(eq(people.id, personId), other))
        .returning({ id: people.id });
      return accepted.length > 0;
    },
  };
}
