import { and, asc, desc, eq } from 'drizzle-orm';
import type { Db, Tx } from '../db/database.ts';
import { ticketMessages, tickets } from '../db/people-schema.ts';

export interface Ticket {
  /** Short enough to be typed. */
  readonly id: number;
  readonly personId: number;
  /** open: waits for an operator; answered: waits for nobody. */
  readonly state: 'open' | 'answered' | 'closed';
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface TicketMessage {
  /** Null: the person whose ticket it is. */
  readonly adminId: number | null;
  readonly text: string;
  readonly createdAt: Date;
}

/** Words for a ticket; `key` names the Telegram message they came in, so that they count once. */
interface Words {
  readonly text: string;
  readonly key: string;
}

/** `repeated`: this message was written down before; nothing changed. */
export type TicketOutcome =
  | { readonly kind: 'written' | 'repeated'; readonly ticket: Ticket }
  | { readonly kind: 'unknown' };

/** What people ask the operators. */
export interface Tickets {
  open(words: Words & { readonly personId: number }): Promise<{
    readonly kind: 'written' | 'repeated';
    readonly ticket: Ticket;
  }>;
  /** The person says more; the ticket is open again. `unknown`: it is not theirs. */
  add(
    words: Words & { readonly ticketId: number; readonly personId: number },
  ): Promise<TicketOutcome>;
  answer(
    words: Words & { readonly ticketId: number; readonly adminId: number },
  ): Promise<TicketOutcome>;
  /** Without an answer; false when it does not exist or is closed. */
  close(ticketId: number): Promise<boolean>;
  find(
    ticketId: number,
  ): Promise<(Ticket & { readonly messages: readonly TicketMessage[] }) | undefined>;
  /** Those that wait for an operator, the longest waiting first. */
  waiting(limit: number): Promise<Ticket[]>;
  /** The newest first. */
  ofPerson(personId: number, limit: number): Promise<Ticket[]>;
}

export function createTickets(deps: { readonly db: Db }): Tickets {
  const { db } = deps;
  return {
    open: (words) =>
      db.transaction(async (tx) => {
        const [ticket] = await tx.insert(tickets).values({ personId: words.personId }).returning();
        if (!ticket) throw new Error('A ticket was not written');
        if (await write(tx, ticket.id, null, words)) return { kind: 'written', ticket };
        await tx.delete(tickets).where(eq(tickets.id, ticket.id));
        const [earlier] = await tx
          .select({ ticket: tickets })
          .from(tickets)
          .innerJoin(ticketMessages, eq(ticketMessages.ticketId, tickets.id))
          .where(eq(ticketMessages.key, words.key));
        if (!earlier) throw new Error(`The ticket of ${words.key} is gone`);
        return { kind: 'repeated', ticket: earlier.ticket };
      }),

    add: (words) =>
      db.transaction((tx) => say(tx, words, null, 'open', eq(tickets.personId, words.personId))),

    answer: (words) => db.transaction((tx) => say(tx, words, words.adminId, 'answered')),

    async close(ticketId) {
      const [ticket] = await db.select().from(tickets).where(eq(tickets.id, ticketId));
      if (!ticket || ticket.state === 'closed') return false;
      await db
        .update(tickets)
        .set({ state: 'closed', updatedAt: new Date() })
        .where(eq(tickets.id, ticketId));
      return true;
    },

    async find(ticketId) {
      const [ticket] = await db.select().from(tickets).where(eq(tickets.id, ticketId));
      if (!ticket) return undefined;
      const messages = await db
        .select({
          adminId: ticketMessages.adminId,
          text: ticketMessages.text,
          createdAt: ticketMessages.createdAt,
        })
        .from(ticketMessages)
        .where(eq(ticketMessages.ticketId, ticketId))
        .orderBy(asc(ticketMessages.id));
      return { ...ticket, messages };
    },

    waiting: (limit) =>
      db
        .select()
        .from(tickets)
        .where(eq(tickets.state, 'open'))
        .orderBy(asc(tickets.updatedAt))
        .limit(limit),

    ofPerson: (personId, limit) =>
      db
        .select()
        .from(tickets)
        .where(eq(tickets.personId, personId))
        .orderBy(desc(tickets.id))
        .limit(limit),
  };
}

async function say(
  tx: Tx,
  words: Words & { readonly ticketId: number },
  adminId: number | null,
  state: 'open' | 'answered',
  condition?: ReturnType<typeof eq>,
): Promise<TicketOutcome> {
  const [ticket] = await tx
    .select()
    .from(tickets)
    .where(and(eq(tickets.id, words.ticketId), condition))
    .for('update');
  if (!ticket) return { kind: 'unknown' };
  if (!(await write(tx, ticket.id, adminId, words))) return { kind: 'repeated', ticket };
  const change = { state, updatedAt: new Date() };
  await tx.update(tickets).set(change).where(eq(tickets.id, ticket.id));
  return { kind: 'written', ticket: { ...ticket, ...change } };
}

/** False when the message was written before. */
async function write(
  tx: Tx,
  ticketId: number,
  adminId: number | null,
  { text, key }: Words,
): Promise<boolean> {
  const written = await tx
    .insert(ticketMessages)
    .values({ ticketId, adminId, text, key })
    .onConflictDoNothing()
    .returning({ id: ticketMessages.id });
  return written.length > 0;
}
