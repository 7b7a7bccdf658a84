import { desc, eq, sql } from 'drizzle-orm';
import type { Db } from '../db/database.ts';
import { people } from '../db/schema.ts';
import type { Person } from './people.ts';

/** Finding people by what an operator types. */
export interface Directory {
  /** An id, or a name with or without `@` in any case; a name belongs to who wrote with it last. */
  lookUp(text: string): Promise<Person | undefined>;
}

export function createDirectory(deps: { readonly db: Db }): Directory {
  return {
    async lookUp(text) {
      const wanted = text.trim();
      const name = /^@?([A-Za-z]\w{0,31})$/.exec(wanted)?.[1];
      const id = /^\d{1,15}$/.test(wanted) ? Number(wanted) : undefined;
      if (name === undefined && id === undefined) return undefined;
      const [person] = await deps.db
        .select()
        .from(people)
        .where(
          id === undefined
            ? eq(sql`lower(${people.username})`, name?.toLowerCase() ?? '')
            : eq(people.id, id),
        )
        .orderBy(desc(people.createdAt))
        .limit(1);
      return person;
    },
  };
}
