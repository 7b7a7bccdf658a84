import type { BotContext } from '../../context.ts';
import { escapeHtml } from '../../i18n.ts';
import { talkScreen, ticketsScreen } from '../../views/office.ts';
import type { Command, CommandDeps } from '../command.ts';
import { createAdminCommand, finish, type Outcome } from './admin-command.ts';

/** Questions that are listed. */
const SHOWN = 10;

/** /tickets: the questions that wait, the longest waiting first. */
export function createTicketsCommand(deps: CommandDeps): Command {
  const { tickets } = deps.office;
  return createAdminCommand(deps, 'tickets', async ({ person: admin, t }) => {
    const waiting = await tickets.waiting(SHOWN);
    const talks = await Promise.all(waiting.map(({ id }) => tickets.find(id)));
    const shown = talks.filter((talk) => talk !== undefined);
    return { deed: {}, answer: ticketsScreen(t, admin.language, shown) };
  });
}

/** /answer <ticket> text: tells a person; without a text, shows what was said so far. */
export function createAnswerCommand(deps: CommandDeps): Command {
  const { tickets } = deps.office;

  const command = createAdminCommand(deps, 'answer', async (ctx, words) => {
    const { person: admin, t } = ctx;
    const [, number, text = ''] = /^#?(\d{1,9})(?:\s+([\s\S]+))?$/.exec(words) ?? [];
    if (number === undefined) return { answer: { text: t('office.ticket.usage') } };
    const ticketId = Number(number);
    if (text !== '') return answerTicket(deps, ctx, ticketId, text);
    const talk = await tickets.find(ticketId);
    if (!talk) return unknownTicket(ctx, ticketId);
    return {
      deed: { aboutId: talk.personId, details: { ticket: ticketId, outcome: 'read' } },
      answer: talkScreen(t, admin.language, talk),
    };
  });

  return {
    ...command,
    button: {
      prefix: 'ticket',
      async press(ctx, value) {
        const number = /^close:(\d{1,9})$/.exec(value)?.[1];
        if (number === undefined) return false;
        const ticketId = Number(number);
        const closed = await tickets.close(ticketId);
        const key = closed ? 'office.ticket.closed' : 'office.ticket.closedBefore';
        await ctx.answer();
        await finish(deps, ctx, 'answer', {
          deed: { details: { ticket: ticketId, outcome: closed ? 'closed' : 'closed_before' } },
          answer: { text: ctx.t(key, { ticket: ticketId }) },
        });
        return true;
      },
    },
  };
}

/** An operator's answer, by the command or by a reply to the question. */
export async function answerTicket(
  deps: Pick<CommandDeps, 'support'>,
  ctx: BotContext,
  ticketId: number,
  text: string,
): Promise<Outcome> {
  const outcome = await deps.support.answer(ctx, ticketId, text);
  if (outcome.kind === 'unknown') return unknownTicket(ctx, ticketId);
  const values = { ticket: ticketId, name: escapeHtml(outcome.person.firstName) };
  return {
    deed: {
      aboutId: outcome.person.id,
      details: { ticket: ticketId, outcome: outcome.kind },
    },
    answer: { text: ctx.t(`office.ticket.${outcome.kind}`, values) },
  };
}

function unknownTicket({ t }: BotContext, ticketId: number): Outcome {
  return { answer: { text: t('office.ticket.unknown', { ticket: ticketId }) } };
}
