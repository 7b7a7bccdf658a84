import type { BotContext } from '../context.ts';
import { ORDER } from './order-dialogue.ts';

/** Begins the dialogue of an order, in place of whatever dialogue is running. */
export async function enterDialogue(ctx: BotContext, orderId: string): Promise<void> {
  await ctx.conversation.exit(ORDER);
  await ctx.conversation.enter(ORDER, orderId);
}
