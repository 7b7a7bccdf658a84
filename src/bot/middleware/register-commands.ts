import type { Composer, MiddlewareFn } from 'grammy';
import type { Command } from '../commands/command.ts';
import type { CommandList } from '../commands/list.ts';
import type { BotContext } from '../context.ts';

type Button = NonNullable<Command['button']>;

/**
 * Commands that do not wait for their chat's turn, and their buttons; those of admins do not exist for
 * others.
 */
export function registerAtOnce(
  bot: Composer<BotContext>,
  list: CommandList,
  deps: {
    readonly person: MiddlewareFn<BotContext>;
    /** Stands in front of what is not open to everybody. */
    readonly gate: MiddlewareFn<BotContext>;
    readonly adminIds: readonly number[];
  },
): void {
  const { person, gate } = deps;
  // What an admin forwards was written by somebody else.
  const isAdmin = (ctx: BotContext) =>
    deps.adminIds.includes(ctx.from?.id ?? 0) && ctx.message?.forward_origin === undefined;
  const atOnce = list.everyone.filter((command) => command.atOnce);
  for (const command of atOnce) {
    bot.command(command.name, person, gate, async (ctx, next) => {
      await command.handle(ctx);
      if (ctx.dialogueIsOver) await next();
    });
  }
  for (const button of atOnce.flatMap((command) => command.button ?? [])) {
    registerAtOnceButton(bot, button, person, gate);
  }
  const admins = bot.filter(isAdmin);
  for (const command of list.admins) {
    admins.command(command.name, person, (ctx) => command.handle(ctx));
  }
  for (const button of list.admins.flatMap((command) => command.button ?? [])) {
    registerAtOnceButton(admins, button, person);
  }
}

function registerAtOnceButton(
  bot: Composer<BotContext>,
  button: Button,
  ...before: readonly MiddlewareFn<BotContext>[]
): void {
  const data = (ctx: BotContext) => ctx.callbackQuery?.data ?? '';
  const isMine = (ctx: BotContext) => data(ctx).startsWith(`${button.prefix}:`);
  bot.filter(isMine, ...before, async (ctx, next) => {
    if (!(await button.press(ctx, data(ctx).slice(button.prefix.length + 1)))) await next();
  });
}

/** All other commands. */
export function registerInTurn(bot: Composer<BotContext>, list: CommandList): void {
  for (const command of list.everyone.filter(({ atOnce }) => !atOnce)) {
    const { name, aliases = [] } = command;
    bot.command([name, ...aliases], (ctx) => command.handle(ctx));
  }
}

/** The menu under the welcome, and the buttons that belong to commands. */
export function registerButtons(
  bot: Composer<BotContext>,
  list: CommandList,
  others: readonly Button[],
): void {
  const inTurn = list.everyone.filter(({ atOnce }) => !atOnce);
  const buttons = [...inTurn.flatMap(({ button }) => button ?? []), ...others];
  bot.on('callback_query:data', async (ctx, next) => {
    const [prefix, value = ''] = ctx.callbackQuery.data.split(/:(.*)/, 2);
    if (prefix === 'menu') {
      const command = list.everyone.find(
        ({ name, aliases = [] }) => name === value || aliases.includes(value),
      );
      if (!command) return next();
      await ctx.answer();
      return command.handle(ctx);
    }
    const button = buttons.find((known) => known.prefix === prefix);
    if (!(await button?.press(ctx, value))) await next();
  });
}
