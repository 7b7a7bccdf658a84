import { balanceScreen, READ_ENTRIES } from '../views/account.ts';
import type { Command, CommandDeps } from './command.ts';

/** /balance: what the person has, what their orders hold, and what moved it last. */
export function createBalanceCommand(deps: CommandDeps): Command {
  const { books, ledger, messenger, offers } = deps;
  return {
    name: 'balance',
    description: 'common.commands.balance',
    async handle({ person, t }) {
      const { id: personId } = person;
      const [balance, reserved, lines, unused] = await Promise.all([
        ledger.balance(personId),
        ledger.reserved(personId),
        ledger.statement(personId, READ_ENTRIES),
        offers.refundDays > 0 ? books.refunds.unused(personId, offers.refundDays) : [],
      ]);
      const account = { personId, balance, reserved, lines, returnable: unused.length > 0 };
      await messenger.send(personId, balanceScreen(t, person.language, account));
    },
  };
}
