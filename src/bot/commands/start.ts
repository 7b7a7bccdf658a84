import { join } from 'node:path';
import { InputFile } from 'grammy';
import type { BotContext } from '../context.ts';
import { describeError } from '../log.ts';
import { isBadRequest, isUnreachable } from '../telegram-errors.ts';
import { unfinishedScreen, welcomeScreen } from '../views/menu.ts';
import type { Command, CommandDeps } from './command.ts';

const EXAMPLE = join(import.meta.dirname, '../assets/example.mp4');

/** The shape of the example, which Telegram would otherwise have to find out. */
const EXAMPLE_SHAPE = { width: 480, height: 480, duration: 6 } as const;

/** /start: who we are, an example, the menu, and what was left unfinished. */
export function createStartCommand(deps: CommandDeps): Command {
  /** Uploaded once; from then on Telegram has it. */
  let exampleFileId: string | undefined;

  /** Decoration: without it the welcome says the same. */
  async function showExample({ person }: BotContext): Promise<void> {
    try {
      const example = exampleFileId ?? new InputFile(EXAMPLE);
      const message = await deps.api.sendAnimation(person.id, example, EXAMPLE_SHAPE);
      exampleFileId = message.animation?.file_id ?? exampleFileId;
    } catch (error) {
      if (isUnreachable(error)) throw error;
      deps.log.warn(describeError(error), 'The example could not be sent');
      if (isBadRequest(error)) exampleFileId = undefined;
    }
  }

  return {
    name: 'start',
    description: 'common.commands.start',
    async handle(ctx) {
      const { person, t } = ctx;
      await showExample(ctx);
      await deps.messenger.send(person.id, welcomeScreen(t, deps.catalogue));
      // At the bot's start an operator may have had no chat with it yet.
      if (deps.adminIds.includes(person.id)) await deps.showAdminMenu(person.id);
      const open = await deps.orders().findOpen(person.id);
      if (open) {
        const screen = unfinishedScreen(t, { ...open, kind: 'open' });
        await deps.messenger.send(person.id, screen);
      }
      for (const order of await deps.orders().active(person.id)) {
        await deps.messenger.send(person.id, unfinishedScreen(t, { ...order, kind: 'active' }));
      }
      const offered = await deps.orders().offered(person.id);
      for (const { id } of offered.toReversed()) await deps.progress.renew(id);
    },
  };
}
