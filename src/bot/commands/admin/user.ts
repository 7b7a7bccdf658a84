import { personScreen } from '../../views/office.ts';
import type { Command, CommandDeps } from '../command.ts';
import { createAdminCommand, findMeant, isOutcome } from './admin-command.ts';

/** Of each kind, so many of the newest. */
const SHOWN = 5;

/** /user <id|@name>: everything about a person on one card. */
export function createUserCommand(deps: CommandDeps): Command {
  const { books, ledger, office, orders } = deps;

  return createAdminCommand(deps, 'user', async (ctx, words) => {
    const person = await findMeant(deps, ctx, words, '/user @name');
    if (isOutcome(person)) return person;
    const { id: personId } = person;
    const [balance, reserved, ban, history, payments, tickets, deeds, invited] = await Promise.all([
      ledger.balance(personId),
      ledger.reserved(personId),
      office.bans.find(personId),
      orders().history(personId, { limit: SHOWN, offset: 0 }),
      books.payments.list({ personId, limit: SHOWN }),
      office.tickets.ofPerson(personId, SHOWN),
      office.adminLog.list({ aboutId: personId, limit: SHOWN }),
      office.referral.summary(personId),
    ]);
    const card = {
      ...{ person, balance, reserved, ban, payments, tickets, deeds },
      ...{ orders: history, invited: invited.invited },
    };
    return {
      deed: { aboutId: personId },
      answer: personScreen(ctx.t, ctx.person.language, card),
    };
  });
}
