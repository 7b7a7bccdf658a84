import { showMovement } from '../amounts.ts';
import type { BotContext } from '../context.ts';
import { escapeHtml } from '../i18n.ts';
import { describeError } from '../log.ts';
import { groupMovements, paySupportScreen, READ_ENTRIES } from '../views/account.ts';
import type { Command, CommandDeps } from './command.ts';

/** Movements shown, of one order and kind together. */
const SHOWN_MOVEMENTS = 5;

/** A question longer than this would not fit into a message to the admins. */
const MAX_QUESTION_LENGTH = 3_000;

/**
 * /paysupport: the last movements of stars; with words behind it, a question to the admins.
 * Bots that sell must answer it. @see https://core.telegram.org/bots/payments-stars#paysupport
 */
export function createPaySupportCommand(deps: CommandDeps): Command {
  const { adminIds, books, ledger, messenger, offers } = deps;

  async function pass(ctx: BotContext, question: string): Promise<boolean> {
    const { person } = ctx;
    const lines = await ledger.statement(person.id, READ_ENTRIES);
    const movements = groupMovements(lines)
      .slice(0, SHOWN_MOVEMENTS)
      .map(({ at, kind, amount, count }) => {
        const times = count > 1 ? ` ×${count}` : '';
        return `${at.toISOString().slice(0, 16)} ${kind}${times} ${showMovement(amount)}`;
      });
    let reached = false;
    for (const adminId of adminIds) {
      const admin = await deps.people.find(adminId);
      const t = deps.translator(admin?.language ?? 'en');
      const text = t('admin.ticket', {
        id: person.id,
        name: escapeHtml(person.firstName),
        question: escapeHtml(question.slice(0, MAX_QUESTION_LENGTH)),
        movements: movements.join('\n') || '—',
      });
      try {
        if ((await messenger.send(adminId, { text })) !== undefined) reached = true;
      } catch (error) {
        deps.log.error(describeError(error), 'A question about payments did not reach an admin');
      }
    }
    return reached;
  }

  return {
    name: 'paysupport',
    description: 'common.commands.paysupport',
    atOnce: true,
    async handle(ctx) {
      const { person, t } = ctx;
      const question = typeof ctx.match === 'string' ? ctx.match.trim() : '';
      if (question !== '' && adminIds.length > 0) {
        const passed = await pass(ctx, question);
        const text = t(passed ? 'account.questionPassed' : 'account.questionFailed');
        await messenger.send(person.id, { text });
        return;
      }
      const [lines, unused] = await Promise.all([
        ledger.statement(person.id, READ_ENTRIES),
        offers.refundDays > 0 ? books.refunds.unused(person.id, offers.refundDays) : [],
      ]);
      const help = {
        lines,
        shown: SHOWN_MOVEMENTS,
        reachable: adminIds.length > 0,
        returnable: unused.length > 0,
      };
      await messenger.send(person.id, paySupportScreen(t, person.language, help));
    },
  };
}
