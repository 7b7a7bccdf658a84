import { and, asc, gte, inArray, isNull, lt, sql } from 'drizzle-orm';
import type { Db } from './database.ts';
import { conversations, updates } from './schema.ts';

/**
 * An update with which the process died this often is put aside, so that it cannot block the rest for
 * ever. Whoever waited behind the culprit is counted as well, hence the patience.
 */
const MAX_ATTEMPTS = 20;

/** How long a handled update is remembered, so that a repeated delivery of it is recognised. */
const REMEMBER_DAYS = 8;

/**
 * How long a dialogue that nobody goes on with is kept. Its record holds what was written in it, to be replayed,
 * and outlives the order it was about; a step of an order needs no dialogue to be taken.
 */
const DIALOGUE_HOURS = 24;

/**
 * Telegram's updates, written down before their offset is confirmed: whatever is killed in between,
 * each is handled, and none twice.
 */
export interface UpdateInbox {
  /**
   * Writes new updates down and returns those that were not known, in the given order. Characters
   * that Postgres cannot store are gone from them.
   */
  store<U extends { readonly update_id: number }>(batch: readonly U[]): Promise<U[]>;
  /**
   * Updates that a killed process left behind, oldest first, each counted as one more attempt; those that
   * were put aside are logged instead.
   */
  takeUnhandled(): Promise<unknown[]>;
  /** Its content is forgotten. */
  markHandled(updateId: number): Promise<void>;
  /** Forgets updates that are older than Telegram would ever repeat, and dialogues that were left. */
  sweep(): Promise<void>;
}

/**
 * The inbox in the database.
 * @param log told of updates that were put aside, by their ids alone.
 */
export function createUpdateInbox(
  db: Db,
  log: { error(fields: object, message: string): void },
): UpdateInbox {
  return {
    async store(batch) {
      if (batch.length === 0) return [];
      const storable = batch.map(withoutUnstorable);
      const inserted = await db
        .insert(updates)
        .values(storable.map((update) => ({ id: update.update_id, payload: update })))
        .onConflictDoNothing()
        .returning({ id: updates.id });
      const fresh = new Set(inserted.map((row) => row.id));
      return storable.filter((update) => fresh.delete(update.update_id));
    },

    async takeUnhandled() {
      const unhandled = isNull(updates.handledAt);
      const aside = await db
        .select({ id: updates.id })
        .from(updates)
        .where(and(unhandled, gte(updates.attempts, MAX_ATTEMPTS)))
        .orderBy(asc(updates.id));
      if (aside.length > 0) {
        log.error({ updateIds: aside.map(({ id }) => id) }, 'Updates were put aside');
      }
      const rows = await db
        .select({ id: updates.id, payload: updates.payload })
        .from(updates)
        .where(and(unhandled, lt(updates.attempts, MAX_ATTEMPTS)))
        .orderBy(asc(updates.id));
      const ids = rows.map((row) => row.id);
      if (ids.length > 0) {
        await db
          .update(updates)
          .set({ attempts: sql`${updates.attempts} + 1` })
          .where(inArray(updates.id, ids));
      }
      return rows.map((row) => row.payload);
    },

    async markHandled(updateId) {
      await db
        .update(updates)
        .set({ handledAt: new Date(), payload: null })
        .where(sql`${updates.id} = ${updateId}`);
    },

    async sweep() {
      await db
        .delete(updates)
        .where(lt(updates.createdAt, sql`now() - make_interval(days => ${REMEMBER_DAYS}::int)`));
      const left = sql`now() - make_interval(hours => ${DIALOGUE_HOURS}::int)`;
      await db.delete(conversations).where(lt(conversations.updatedAt, left));
    },
  };
}

/** NUL, or half of a surrogate pair, as `JSON.stringify` writes them. */
const UNSTORABLE = /\\u(0000|d[89a-f])/;

/** Postgres refuses these characters: one message with one of them would block all behind it. */
function withoutUnstorable<U>(update: U): U {
  const text = JSON.stringify(update);
  if (!UNSTORABLE.test(text)) return update;
  return JSON.parse(text, (_, value: unknown) =>
    typeof value === 'string' ? value.replaceAll('\0', '').toWellFormed() : value,
  ) as U;
}
