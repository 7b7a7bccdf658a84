import { eq, sql } from 'drizzle-orm';
import type { Tx } from '../db/database.ts';
import { accounts, entries } from '../db/schema.ts';
import { formatStars, NO_STARS, type Stars } from '../domain/stars.ts';

export type Entry = typeof entries.$inferSelect;

/**
 * Makes the account if it is the first time, and holds its row until the transaction ends: writers of
 * one person take turns. Whoever holds several takes the invited person's before the inviter's.
 */
export async function lockAccount(tx: Tx, personId: number): Promise<Stars> {
  const locked = () =>
    tx
      .select({ balance: accounts.balance })
      .from(accounts)
      .where(eq(accounts.personId, personId))
      .for('update');
  const [account] = await locked();
  if (account) return account.balance;
  await tx.insert(accounts).values({ personId }).onConflictDoNothing();
  const [made] = await locked();
  return made?.balance ?? NO_STARS;
}

/** Adds a signed amount to the balance, whatever it becomes; returns what it became. */
export async function changeBalance(tx: Tx, personId: number, amount: Stars): Promise<Stars> {
  const [account] = await tx
    .update(accounts)
    .set({ balance: sql`${accounts.balance} + ${formatStars(amount)}::numeric` })
    .where(eq(accounts.personId, personId))
    .returning({ balance: accounts.balance });
  if (!account) throw new Error(`Person ${personId} has no account`);
  return account.balance;
}

export async function findEntry(tx: Tx, key: string): Promise<Entry | undefined> {
  const [entry] = await tx.select().from(entries).where(eq(entries.idempotencyKey, key));
  return entry;
}

type Deed = Pick<Entry, 'id' | 'personId' | 'kind' | 'idempotencyKey'>;

/** What a key stands for; asked with every writing, so it reads no more than it needs. */
export async function findDeed(tx: Tx, key: string): Promise<Deed | undefined> {
  const { id, personId, kind, idempotencyKey } = entries;
  const [deed] = await tx
    .select({ id, personId, kind, idempotencyKey })
    .from(entries)
    .where(eq(idempotencyKey, key));
  return deed;
}

/** A key that already stands for somebody else's entry, or another kind, is a bug and not a repetition. */
export function sameDeed(deed: Deed, personId: number, kind: Entry['kind']): Deed {
  if (deed.personId === personId && deed.kind === kind) return deed;
  throw new Error(`Ledger key ${deed.idempotencyKey} already stands for another entry`);
}

export async function insertEntry(tx: Tx, entry: typeof entries.$inferInsert): Promise<number> {
  const [inserted] = await tx.insert(entries).values(entry).returning({ id: entries.id });
  if (!inserted) throw new Error(`Ledger entry ${entry.idempotencyKey} was not written`);
  return inserted.id;
}

export function requirePositive(amount: Stars): void {
  if (amount <= 0) throw new RangeError(`An entry moves more than 0, got ${amount}`);
}
