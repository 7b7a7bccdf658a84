import type { Command, CommandDeps } from './command.ts';

/** /cancel, at any moment. */
export function createCancelCommand({ cancelling }: CommandDeps): Command {
  return {
    name: 'cancel',
    description: 'common.commands.cancel',
    atOnce: true,
    handle: (ctx) => cancelling.command(ctx),
  };
}
