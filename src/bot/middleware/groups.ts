import type { MiddlewareFn } from 'grammy';
import { languageOf } from '../../people/people.ts';
import type { BotContext } from '../context.ts';
import type { Translator } from '../i18n.ts';

/**
 * Lets private chats alone pass. Elsewhere the bot says where it can be found when it is called, and is
 * silent otherwise.
 */
export function createGroupsMiddleware(translator: Translator): MiddlewareFn<BotContext> {
  return async (ctx, next) => {
    if (ctx.chat?.type === 'private') return next();
    if (!ctx.chat || !isCalled(ctx)) return;
    const t = translator(languageOf(ctx.from?.language_code));
    await ctx.reply(t('common.onlyPrivate', { link: `https://t.me/${ctx.me.username}` }), {
      parse_mode: 'HTML',
      link_preview_options: { is_disabled: true },
    });
  };
}

function isCalled(ctx: BotContext): boolean {
  const { message } = ctx;
  if (!message) return false;
  const text = message.text ?? message.caption ?? '';
  const self = `@${ctx.me.username.toLowerCase()}`;
  return (message.entities ?? message.caption_entities ?? []).some(({ type, offset, length }) => {
    const word = text.slice(offset, offset + length).toLowerCase();
    if (type === 'mention') return word === self;
    return type === 'bot_command' && (!word.includes('@') || word.endsWith(self));
  });
}
