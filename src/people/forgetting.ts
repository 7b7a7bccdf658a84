import { eq, inArray } from 'drizzle-orm';
import type { Db } from '../db/database.ts';
import { ticketMessages, tickets } from '../db/people-schema.ts';
import { people } from '../db/schema.ts';

/** Unlinks a person from what the books keep of them. */
export interface Forgetting {
  /** Deletes their name, what they told of themselves, and the words of their questions; their id and ledger stay. */
  forget(personId: number): Promise<void>;
}

/** @see Forgetting */
export function createForgetting({ db }: { readonly db: Db }): Forgetting {
  return {
    async forget(personId) {
      await db.transaction(async (tx) => {
        await tx
          .update(people)
          .set({ firstName: '', username: null, gender: null })
          .where(eq(people.id, personId));
        const mine = tx
          .select({ id: tickets.id })
          .from(tickets)
          .where(eq(tickets.personId, personId));
        await tx
          .update(ticketMessages)
          .set({ text: '' })
          .where(inArray(ticketMessages.ticketId, mine));
      });
    },
  };
}
