import { unfinishedScreen } from '../views/menu.ts';
import type { Command, CommandDeps } from './command.ts';

/** /status: every paid order, and what is still to be answered, anew at the bottom of the chat. */
export function createStatusCommand({ orders, messenger, progress }: CommandDeps): Command {
  return {
    name: 'status',
    description: 'common.commands.status',
    async handle({ person, t }) {
      const offered = await orders().offered(person.id);
      const shown = [...offered.toReversed(), ...(await orders().active(person.id))];
      for (const order of shown) await progress.renew(order.id);
      if (shown.length > 0) return;
      const open = await orders().findOpen(person.id);
      const screen = open
        ? unfinishedScreen(t, { ...open, kind: 'open' })
        : { text: t('order.nothingRuns') };
      await messenger.send(person.id, screen);
    },
  };
}
