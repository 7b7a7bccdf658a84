import type { MiddlewareFn } from 'grammy';
import type { BotContext } from '../context.ts';
import type { Messenger } from '../messenger.ts';
import { createRecent } from '../recent.ts';
import { CONTENT } from './fallback.ts';

/**
 * What stays open to a banned person: their money, the orders it was spent on, what was promised for
 * it, and the way to have it explained.
 */
const OPEN_COMMANDS =
  /^\/(?:balance|cancel|history|language|paysupport|privacy|terms)(?:@\w+)?(?:\s|$)/;
const OPEN_BUTTONS =
  /^(?:language|paysupport|return):|^menu:(?:balance|language)$|^o:(?:cancel|partial):/;

/**
 * Answers whatever a banned person asks for with kind words. What they have paid for goes on by itself,
 * and payments are booked before. It stands behind the person.
 */
export function createBanGate(messenger: Pick<Messenger, 'send'>): MiddlewareFn<BotContext> {
  /** The last album that was answered, of each chat. */
  const told = createRecent<number, string>();

  return async (ctx, next) => {
    const { person, t } = ctx;
    if (!person.bannedAt) return next();
    if (ctx.callbackQuery) {
      if (OPEN_BUTTONS.test(ctx.callbackQuery.data ?? '')) return next();
      await ctx.answer(t('support.banned'), { alert: true });
      return;
    }
    if (OPEN_COMMANDS.test(ctx.message?.text ?? '') || !ctx.has([...CONTENT, ':photo'])) {
      return next();
    }
    const album = ctx.message?.media_group_id;
    if (album !== undefined) {
      if (told.get(person.id) === album) return;
      told.set(person.id, album);
    }
    await messenger.send(person.id, { text: t('support.banned') });
  };
}
