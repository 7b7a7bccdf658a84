import { enterDialogue } from '../conversations/enter-dialogue.ts';
import type { Command, CommandDeps } from './command.ts';

/** The command of the morph, which is what the bot is known for; every other service is called by its id. */
const MORPH_COMMAND = 'morph';

/** One command for each service: a new order, or the open one where it stands. */
export function createServiceCommands({ flow, catalogue }: CommandDeps): readonly Command[] {
  return catalogue.services.map(({ id, finish }) => ({
    name: finish === 'stitched_video' ? MORPH_COMMAND : id,
    ...(finish === 'stitched_video' ? { aliases: [id] } : {}),
    description: finish === 'stitched_video' ? 'common.commands.morph' : `services.${id}.command`,
    isOffered: () => catalogue.offers().some(({ service }) => service.id === id),
    async handle(ctx) {
      const { orderId, stage } = await flow.begin(ctx, id);
      if (stage === 'asking') await enterDialogue(ctx, orderId);
    },
  }));
}
