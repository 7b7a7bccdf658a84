import { enterMorph } from '../conversations/enter-morph.ts';
import type { Command, CommandDeps } from './command.ts';

/** /morph: a new order, or the open one where it stands. */
export function createMorphCommand({ flow }: CommandDeps): Command {
  return {
    name: 'morph',
    description: 'common.commands.morph',
    async handle(ctx) {
      const { orderId, stage } = await flow.begin(ctx);
      if (stage === 'asking') await enterMorph(ctx, orderId);
    },
  };
}
