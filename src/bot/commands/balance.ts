import { balanceScreen, READ_ENTRIES } from '../views/account.ts';
import type { Command, CommandDeps } from './command.ts';

/** /balance: what the person has, and what moved it last. */
export function createBalanceCommand({ ledger, messenger }: CommandDeps): Command {
  return {
    name: 'balance',
    description: 'common.commands.balance',
    async handle({ person, t }) {
      const [balance, lines] = await Promise.all([
        ledger.balance(person.id),
        ledger.statement(person.id, READ_ENTRIES),
      ]);
      const account = { personId: person.id, balance, lines };
      await messenger.send(person.id, balanceScreen(t, person.language, account));
    },
  };
}
