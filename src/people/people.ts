import { and, eq, ne, sql } from 'drizzle-orm';
import type { Db, Tx } from '../db/database.ts';
import { people } from '../db/schema.ts';
import type { Gender } from '../domain/gender.ts';
import type { Stars } from '../domain/stars.ts';
import { welcomeKey } from '../ledger/keys.ts';
import type { Ledger } from '../ledger/ledger.ts';

export type Language = 'en' | 'ru';

/** Somebody who wrote to the bot. */
export interface Person {
  /** Telegram's user id, which is also the id of their private chat. */
  readonly id: number;
  readonly firstName: string;
  readonly username: string | null;
  readonly language: Language;
  /** Null: never asked. */
  readonly gender: Gender | null;
  readonly blockedAt: Date | null;
  /** Set while an operator keeps them from ordering and paying. */
  readonly bannedAt: Date | null;
  /** The version of the terms they accepted last; null: none yet. */
  readonly termsVersion: string | null;
  /** By whose link they came. */
  readonly invitedBy: number | null;
}

/** What Telegram says about the sender of an update. */
export interface Sender {
  readonly id: number;
  readonly firstName: string;
  readonly username?: string | undefined;
  readonly languageCode?: string | undefined;
  /**
   * By whose link they came. It counts at the first meeting alone, and only when it names somebody else
   * who was met before.
   */
  readonly invitedBy?: number | undefined;
}

export interface People {
  /**
   * The person behind an update; the first time they are written down, with the language of their
   * Telegram and the welcome stars, once.
   */
  meet(sender: Sender): Promise<Person>;
  find(id: number): Promise<Person | undefined>;
  setLanguage(id: number, language: Language): Promise<void>;
  setGender(id: number, gender: Gender): Promise<void>;
  setBlocked(id: number, blocked: boolean): Promise<void>;
}

/** @param deps.welcomeStars given to each new person; may be none. */
export function createPeople(deps: {
  readonly db: Db;
  readonly ledger: Ledger;
  readonly welcomeStars: Stars;
}): People {
  const { db, ledger, welcomeStars } = deps;

  const find = async (id: number) => {
    const [person] = await db.select().from(people).where(eq(people.id, id));
    return person;
  };

  return {
    find,

    async meet(sender) {
      const known = await find(sender.id);
      const names = { firstName: sender.firstName, username: sender.username ?? null };
      if (known) {
        const same = known.firstName === names.firstName && known.username === names.username;
        if (!same) {
          await db.transaction(async (tx) => {
            await freeUsername(tx, sender);
            await tx.update(people).set(names).where(eq(people.id, sender.id));
          });
        }
        return { ...known, ...names };
      }
      return db.transaction(async (tx) => {
        await freeUsername(tx, sender);
        const language = languageOf(sender.languageCode);
        await tx
          .insert(people)
          .values({ id: sender.id, ...names, language, invitedBy: await findInviter(tx, sender) })
          .onConflictDoNothing();
        if (welcomeStars > 0) {
          const key = welcomeKey(sender.id);
          await ledger.topUp(
            { personId: sender.id, amount: welcomeStars, paymentMethod: 'Bonus', key },
            tx,
          );
        }
        const [person] = await tx.select().from(people).where(eq(people.id, sender.id));
        if (!person) throw new Error('A person just written down is missing');
        return person;
      });
    },

    async setLanguage(id, language) {
      await db.update(people).set({ language }).where(eq(people.id, id));
    },

    async setGender(id, gender) {
      await db.update(people).set({ gender }).where(eq(people.id, id));
    },

    async setBlocked(id, blocked) {
      await db
        .update(people)
        .set({ blockedAt: blocked ? new Date() : null })
        .where(eq(people.id, id));
    },
  };
}

/** A name that changed hands is its new owner's alone: whoever had it wrote to us before they lost it. */
async function freeUsername(tx: Tx, { id, username }: Sender): Promise<void> {
  if (username === undefined) return;
  await tx
    .update(people)
    .set({ username: null })
    .where(and(eq(sql`lower(${people.username})`, username.toLowerCase()), ne(people.id, id)));
}

async function findInviter(tx: Tx, { id, invitedBy }: Sender): Promise<number | null> {
  if (invitedBy === undefined || invitedBy === id) return null;
  const [inviter] = await tx.select({ id: people.id }).from(people).where(eq(people.id, invitedBy));
  return inviter?.id ?? null;
}

/** `ru`, `ru-RU` → Russian; everything else, English. */
export function languageOf(languageCode: string | undefined): Language {
  return languageCode?.toLowerCase().split('-')[0] === 'ru' ? 'ru' : 'en';
}
