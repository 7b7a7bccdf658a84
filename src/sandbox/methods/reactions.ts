import { z } from 'zod';
import { badRequest } from '../http/bot-api-error.ts';
import { isReactionEmoji } from '../world/reactions.ts';
import { type Methods, requireChat } from './method.ts';

const reactionsSchema = z.array(
  z.discriminatedUnion('type', [
    z.object({ type: z.literal('emoji'), emoji: z.string() }),
    z.object({ type: z.literal('custom_emoji'), custom_emoji_id: z.string() }),
    z.object({ type: z.literal('paid') }),
  ]),
);

/** What the bot shows of its feelings. */
export const reactionMethods = {
  setMessageReaction(call) {
    const { world, fields } = call;
    const { user } = requireChat(call);
    const messageId = fields.integer('message_id') ?? 0;
    if (world.state.find(user.id, messageId) === undefined) {
      throw badRequest('message to react not found');
    }
    const given = reactionsSchema.safeParse(fields.json('reaction') ?? []);
    if (!given.success) throw badRequest("can't parse reaction types JSON object");
    const [reaction, ...others] = given.data;
    // A bot has no Premium: one reaction, and none of its own making.
    if (others.length > 0) throw badRequest('REACTIONS_TOO_MANY');
    const emoji = reaction?.type === 'emoji' ? reaction.emoji : undefined;
    if (emoji !== undefined && isReactionEmoji(emoji)) {
      world.state.react(user.id, messageId, 'bot', emoji);
    } else if (reaction === undefined) {
      world.state.react(user.id, messageId, 'bot', undefined);
    } else throw badRequest('REACTION_INVALID');
    return true;
  },
} satisfies Methods;
