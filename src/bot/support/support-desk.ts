import type { Ledger } from '../../ledger/ledger.ts';
import type { People, Person } from '../../people/people.ts';
import type { Ticket, Tickets } from '../../people/tickets.ts';
import type { BotContext } from '../context.ts';
import type { Translator } from '../i18n.ts';
import { describeError, type Log } from '../log.ts';
import type { Messenger, Screen } from '../messenger.ts';
import {
  answeredScreens,
  answerScreens,
  questionScreens,
  receivedScreen,
} from '../views/support.ts';

export interface SupportDeskDeps {
  readonly tickets: Tickets;
  readonly people: Pick<People, 'find'>;
  readonly ledger: Pick<Ledger, 'balance'>;
  readonly messenger: Messenger;
  readonly translator: Translator;
  readonly adminIds: readonly number[];
  readonly log: Log;
}

/** `unreachable`: the answer is kept, but the person has blocked the bot. */
export type AnswerOutcome =
  | { readonly kind: 'answered' | 'unreachable'; readonly person: Person }
  | { readonly kind: 'unknown' };

/** Carries questions to the operators and answers to people; both are written down before. */
export interface SupportDesk {
  /** Whether there is anybody to ask. */
  readonly isOpen: boolean;
  /**
   * A message with a question: a new one, or more about one that is not long over. Thanks the person.
   * @param ticketId the person's own ticket that it belongs to, when that is known.
   */
  receive(ctx: BotContext, text: string, ticketId?: number | null): Promise<void>;
  /** An operator's message with an answer. */
  answer(ctx: BotContext, ticketId: number, text: string): Promise<AnswerOutcome>;
}

/** A new question within this time belongs to the same matter. */
const SAME_MATTER_MS = 7 * 86_400_000;

export function createSupportDesk(deps: SupportDeskDeps): SupportDesk {
  const { tickets, messenger, adminIds, log } = deps;

  /** Where the words belong: to the ticket that is meant, to one that is still talked about, or to none. */
  async function findTicket(personId: number, meant: number | null): Promise<number | undefined> {
    const recent = await tickets.ofPerson(personId, 50);
    const found = meant === null ? undefined : recent.find(({ id }) => id === meant);
    if (found) return found.id;
    const [last] = recent;
    const isFresh = last && Date.now() - last.updatedAt.getTime() < SAME_MATTER_MS;
    return isFresh && last.state !== 'closed' ? last.id : undefined;
  }

  async function write(ctx: BotContext, text: string, meant: number | null) {
    const personId = ctx.person.id;
    const words = { personId, text, key: keyOf(ctx) };
    const ticketId = await findTicket(personId, meant);
    if (ticketId !== undefined) {
      const added = await tickets.add({ ...words, ticketId });
      if (added.kind !== 'unknown') return { ticket: added.ticket, isNew: false };
    }
    return { ticket: (await tickets.open(words)).ticket, isNew: true };
  }

  /** Says whether anybody was reached: the words are kept in any case. */
  async function tellOperators(
    screens: (admin: Person | undefined) => readonly Screen[],
    exceptId?: number,
  ): Promise<boolean> {
    let reached = false;
    for (const adminId of adminIds) {
      if (adminId === exceptId) continue;
      try {
        const shown = screens(await deps.people.find(adminId));
        for (const screen of shown) {
          if ((await messenger.send(adminId, screen)) !== undefined) reached = true;
        }
      } catch (error) {
        log.error(describeError(error), 'A question did not reach an operator');
      }
    }
    return reached;
  }

  return {
    isOpen: adminIds.length > 0,

    async receive(ctx, text, ticketId = null) {
      const { person, t } = ctx;
      const { ticket, isNew } = await write(ctx, text, ticketId);
      const balance = await deps.ledger.balance(person.id);
      const reached = await tellOperators((admin) =>
        questionScreens(deps.translator(admin?.language ?? 'en'), {
          ticketId: ticket.id,
          ...{ person, balance, text },
        }),
      );
      await messenger.send(person.id, receivedScreen(t, ticket.id, { isNew, reached }));
    },

    async answer(ctx, ticketId, text) {
      const admin = ctx.person;
      const words = { ticketId, adminId: admin.id, text, key: keyOf(ctx) };
      const written = await tickets.answer(words);
      if (written.kind === 'unknown') return written;
      const person = await requirePerson(written.ticket);
      const screens = answerScreens(deps.translator(person.language), ticketId, text);
      let reached = true;
      for (const screen of screens) {
        reached &&= (await messenger.send(person.id, screen)) !== undefined;
      }
      await tellOperators(
        (other) =>
          answeredScreens(deps.translator(other?.language ?? 'en'), ticketId, {
            operator: admin.firstName,
            text,
          }),
        admin.id,
      );
      return { kind: reached ? 'answered' : 'unreachable', person };
    },
  };

  async function requirePerson({ id, personId }: Ticket): Promise<Person> {
    const person = await deps.people.find(personId);
    if (!person) throw new Error(`Whoever asked ticket ${id} is gone`);
    return person;
  }
}

/** Update ids begin anew after a quiet week; a message keeps its own. */
function keyOf({ chatId, msgId }: BotContext): string {
  return `message:${chatId}:${msgId}`;
}
