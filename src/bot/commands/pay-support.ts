import type { BotContext } from '../context.ts';
import { paySupportScreen, SUPPORT_PAGE, SUPPORT_PREFIX, writePrompt } from '../views/support.ts';
import type { Command, CommandDeps } from './command.ts';

/** A person's own questions that are listed. */
const SHOWN_TICKETS = 3;

/**
 * /paysupport: the payments with their charge ids, a way to write to the operators, and one to take
 * back what is not used; with words behind it, a question.
 * Bots that sell must answer it. @see https://core.telegram.org/bots/payments-stars#paysupport
 */
export function createPaySupportCommand(deps: CommandDeps): Command {
  const { awaited, books, messenger, offers, office, support } = deps;

  async function pageScreen({ person, t }: BotContext, offset: number) {
    const [payments, tickets, unused] = await Promise.all([
      books.payments.list({ personId: person.id, limit: SUPPORT_PAGE + 1, offset }),
      office.tickets.ofPerson(person.id, SHOWN_TICKETS),
      offers.refundDays > 0 ? books.refunds.unused(person.id, offers.refundDays) : [],
    ]);
    return paySupportScreen(t, person.language, {
      payments: payments.slice(0, SUPPORT_PAGE),
      hasMore: payments.length > SUPPORT_PAGE,
      ...{ offset, tickets },
      reachable: support.isOpen,
      returnable: unused.length > 0,
    });
  }

  async function expect(ctx: BotContext, ticketId: number | null): Promise<void> {
    const { person, t } = ctx;
    await ctx.answer();
    if (!support.isOpen) {
      await messenger.send(person.id, { text: t('support.nobody') });
      return;
    }
    await awaited.expect(person.id, { ticketId });
    await messenger.send(person.id, writePrompt(t, ticketId));
  }

  return {
    name: 'paysupport',
    description: 'common.commands.paysupport',
    atOnce: true,
    async handle(ctx) {
      const question = typeof ctx.match === 'string' ? ctx.match.trim() : '';
      if (question !== '' && support.isOpen) return support.receive(ctx, question);
      await messenger.send(ctx.person.id, await pageScreen(ctx, 0));
    },
    button: {
      prefix: SUPPORT_PREFIX,
      async press(ctx, value) {
        const { person, t, messageId } = ctx;
        const [action, number] = value.split(':');
        const counted = /^\d{1,9}$/.test(number ?? '') ? Number(number) : undefined;
        if (value === 'write') {
          await expect(ctx, null);
        } else if (value === 'drop') {
          await awaited.forget(person.id);
          await ctx.answer();
          await messenger.put(person.id, messageId, { text: t('support.dropped') });
        } else if (action === 'more' && counted !== undefined) {
          await expect(ctx, counted);
        } else if (action === 'page' && counted !== undefined) {
          await ctx.answer();
          await messenger.put(person.id, messageId, await pageScreen(ctx, counted));
        } else {
          return false;
        }
        return true;
      },
    },
  };
}
