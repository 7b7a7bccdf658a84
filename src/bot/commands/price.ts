import { priceScreen } from '../views/service.ts';
import type { Command, CommandDeps } from './command.ts';

/** /price: everything that can be ordered now, and what it costs at the least. */
export function createPriceCommand({ catalogue, messenger }: CommandDeps): Command {
  return {
    name: 'price',
    description: 'common.commands.price',
    async handle({ person, t }) {
      await messenger.send(person.id, priceScreen(t, catalogue));
    },
  };
}
