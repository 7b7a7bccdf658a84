import type { MiddlewareFn } from 'grammy';
import type { BotContext } from '../context.ts';

/** Telegram's limit for the text of an answer. */
const MAX_TOAST_LENGTH = 200;

/** Gives handlers `answer`, and answers what they left: a pressed button never spins for ever. */
export const answerPresses: MiddlewareFn<BotContext> = async (ctx, next) => {
  const query = ctx.callbackQuery;
  let answered = query === undefined;
  ctx.messageId = query?.message?.message_id;
  ctx.requestId = ctx.update.update_id;
  ctx.answer = async (toast, options = {}) => {
    if (answered) return;
    answered = true;
    const text = toast?.slice(0, MAX_TOAST_LENGTH);
    try {
      await ctx.answerCallbackQuery(text ? { text, show_alert: options.alert === true } : {});
    } catch {
      // Too late, or answered by a process that was killed: what the press asked for is what counts.
    }
  };
  try {
    await next();
  } finally {
    await ctx.answer();
  }
};
