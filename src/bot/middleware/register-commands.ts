import type { Composer, MiddlewareFn } from 'grammy';
import { MENU_ITEMS } from '../callback-data.ts';
import type { Command } from '../commands/command.ts';
import type { CommandList } from '../commands/list.ts';
import type { BotContext } from '../context.ts';

/** Commands that do not wait for their chat's turn; those of admins do not exist for others. */
export function registerAtOnce(
  bot: Composer<BotContext>,
  list: CommandList,
  deps: { readonly person: MiddlewareFn<BotContext>; readonly adminIds: readonly number[] },
): void {
  const isAdmin = (ctx: BotContext) => deps.adminIds.includes(ctx.from?.id ?? 0);
  for (const command of list.everyone.filter(({ atOnce }) => atOnce)) {
    bot.command(command.name, deps.person, async (ctx, next) => {
      await command.handle(ctx);
      if (ctx.dialogueIsOver) await next();
    });
  }
  for (const command of list.admins) {
    bot.filter(isAdmin).command(command.name, deps.person, (ctx) => command.handle(ctx));
  }
}

/** All other commands. */
export function registerInTurn(bot: Composer<BotContext>, list: CommandList): void {
  for (const command of list.everyone.filter(({ atOnce }) => !atOnce)) {
    bot.command(command.name, (ctx) => command.handle(ctx));
  }
}

/** The menu under the welcome, and the buttons that belong to commands. */
export function registerButtons(
  bot: Composer<BotContext>,
  list: CommandList,
  others: readonly NonNullable<Command['button']>[],
): void {
  const buttons = [...list.everyone.flatMap(({ button }) => button ?? []), ...others];
  bot.on('callback_query:data', async (ctx, next) => {
    const [prefix, value = ''] = ctx.callbackQuery.data.split(/:(.*)/, 2);
    if (prefix === 'menu') {
      const item = MENU_ITEMS.find((known) => known === value);
      const command = list.everyone.find(({ name }) => name === item);
      if (!command) return next();
      await ctx.answer();
      return command.handle(ctx);
    }
    const button = buttons.find((known) => known.prefix === prefix);
    if (!(await button?.press(ctx, value))) await next();
  });
}
