import type { BotContext } from '../context.ts';
import { MORPH } from './morph.ts';

/** Begins the dialogue of an order, in place of whatever dialogue is running. */
export async function enterMorph(ctx: BotContext, orderId: string): Promise<void> {
  await ctx.conversation.exit(MORPH);
  await ctx.conversation.enter(MORPH, orderId);
}
