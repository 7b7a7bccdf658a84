import { eq } from 'drizzle-orm';
import type { Db } from './database.ts';
import { conversations } from './schema.ts';

/** Key-value storage of JSON documents, in the shape the conversations plugin asks for. */
export interface ConversationStore {
  read(key: string): Promise<unknown>;
  write(key: string, state: unknown): Promise<void>;
  delete(key: string): Promise<void>;
}

/** The store in the database, so that a dialogue goes on after a restart. */
export function createConversationStore(db: Db): ConversationStore {
  return {
    async read(key) {
      const [row] = await db.select().from(conversations).where(eq(conversations.key, key));
      return row?.state;
    },
    async write(key, state) {
      const row = { state, updatedAt: new Date() };
      await db
        .insert(conversations)
        .values({ key, ...row })
        .onConflictDoUpdate({ target: conversations.key, set: row });
    },
    async delete(key) {
      await db.delete(conversations).where(eq(conversations.key, key));
    },
  };
}
