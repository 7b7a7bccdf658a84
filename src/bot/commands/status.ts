import { unfinishedScreen } from '../views/menu.ts';
import type { Command, CommandDeps } from './command.ts';

/** /status: the progress of every paid order, anew at the bottom of the chat. */
export function createStatusCommand({ orders, messenger, progress }: CommandDeps): Command {
  return {
    name: 'status',
    description: 'common.commands.status',
    async handle({ person, t }) {
      const active = await orders().active(person.id);
      for (const order of active) await progress.renew(order.id);
      if (active.length > 0) return;
      const open = await orders().findOpen(person.id);
      const screen = open
        ? unfinishedScreen(t, { id: open.id, kind: 'open' })
        : { text: t('order.nothingRuns') };
      await messenger.send(person.id, screen);
    },
  };
}
