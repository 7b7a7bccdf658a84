import type { MiddlewareFn } from 'grammy';
import type { BotContext } from '../context.ts';
import { createRecent } from '../recent.ts';

/**
 * Notes, the moment an update comes in and before anything is waited for, the newest message that its
 * chat had sent by then. A press has no place of its own among the messages of a chat: this is it.
 */
export function createNewestMessage(): MiddlewareFn<BotContext> {
  const newest = createRecent<number, number>();
  return (ctx, next) => {
    if (ctx.chat) {
      const known = Math.max(newest.get(ctx.chat.id) ?? 0, ctx.message?.message_id ?? 0);
      if (ctx.message) newest.set(ctx.chat.id, known);
      ctx.newestMessageId = known;
    }
    return next();
  };
}
