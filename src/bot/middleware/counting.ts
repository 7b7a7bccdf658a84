import type { MiddlewareFn } from 'grammy';
import { decodeOrderPress } from '../callback-data.ts';
import type { BotContext } from '../context.ts';

/**
 * Lets one press through that makes a quote of an order; those that come until it is done are
 * answered at once. It stands before the chat's turn: a second press would else wait and then count again.
 */
export function createCounting(person: MiddlewareFn<BotContext>): MiddlewareFn<BotContext> {
  const counting = new Set<string>();

  return async (ctx, next) => {
    const press = decodeOrderPress(ctx.callbackQuery?.data);
    if (press?.action !== 'done' && press?.action !== 'gender_done') return next();
    const key = `${ctx.from?.id}:${press.orderId}`;
    if (counting.has(key)) {
      await person(ctx, async () => ctx.answer(ctx.t('morph.counting')));
      return;
    }
    counting.add(key);
    // A mark that was given back may be somebody else's by now.
    let mine = true;
    ctx.allowDone = () => {
      if (mine) counting.delete(key);
      mine = false;
    };
    try {
      await next();
    } finally {
      ctx.allowDone();
    }
  };
}
