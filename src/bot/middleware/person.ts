import type { MiddlewareFn } from 'grammy';
import type { Orders } from '../../orders/orders.ts';
import type { People } from '../../people/people.ts';
import type { BotContext } from '../context.ts';
import type { Translator } from '../i18n.ts';
import { inviterOf } from '../invite-link.ts';

export interface PersonDeps {
  readonly people: People;
  readonly orders: () => Orders;
  readonly translator: Translator;
}

/**
 * Knows who is talking and in which language. Somebody who had blocked the bot and is back gets what
 * waited for them.
 */
export function createPersonMiddleware(deps: PersonDeps): MiddlewareFn<BotContext> {
  return async (ctx, next) => {
    if (!ctx.from) return;
    if (ctx.person?.id === ctx.from.id) return next();
    ctx.person = await deps.people.meet({
      id: ctx.from.id,
      firstName: ctx.from.first_name,
      username: ctx.from.username,
      languageCode: ctx.from.language_code,
      invitedBy: inviterOf(ctx.message?.text),
    });
    ctx.t = deps.translator(ctx.person.language);
    if (ctx.person.blockedAt) {
      await deps.orders().personReturned(ctx.person.id);
      ctx.person = { ...ctx.person, blockedAt: null };
    }
    await next();
  };
}
