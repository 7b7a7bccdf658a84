import type { BotContext } from '../context.ts';
import { topUpScreen } from '../views/payments.ts';
import type { Command, CommandDeps } from './command.ts';

/** /topup: packs of stars, each paid by an invoice. */
export function createTopUpCommand(deps: CommandDeps): Command {
  const { checkout, ledger, messenger, offers } = deps;

  async function show({ person, t }: BotContext): Promise<void> {
    const reason = await checkout.refusal(person);
    const balance = await ledger.balance(person.id);
    const screen = reason ? { text: t(reason) } : topUpScreen(t, { balance, packs: offers.packs });
    await messenger.send(person.id, screen);
  }

  return {
    name: 'topup',
    description: 'common.commands.topup',
    handle: show,
    button: {
      prefix: 'topup',
      async press(ctx, value) {
        if (value === 'show') {
          await ctx.answer();
          await show(ctx);
          return true;
        }
        const amountXtr = offers.packs.find((pack) => String(pack) === value);
        if (amountXtr === undefined) return false;
        await ctx.answer();
        await checkout.begin(ctx, { kind: 'pack', amountXtr });
        return true;
      },
    },
  };
}
