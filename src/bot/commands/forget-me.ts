import type { Command, CommandDeps } from './command.ts';

/** /forget_me: deletes what a person sent, wrote and got; asked twice, since nothing brings it back. */
export function createForgetMeCommand(deps: CommandDeps): Command {
  const { messenger, orders } = deps;
  return {
    name: 'forget_me',
    description: 'common.commands.forget_me',
    async handle({ person, t }) {
      await messenger.send(person.id, {
        text: t('legal.forget.ask'),
        keyboard: [
          [{ text: t('legal.forget.yes'), callback_data: 'forget:yes' }],
          [{ text: t('legal.forget.no'), callback_data: 'forget:no' }],
        ],
      });
    },
    button: {
      prefix: 'forget',
      async press(ctx, value) {
        const { person, t, messageId } = ctx;
        if (value !== 'yes' && value !== 'no') return false;
        await ctx.answer();
        if (value === 'no') {
          await messenger.put(person.id, messageId, { text: t('legal.forget.kept') });
          return true;
        }
        const outcome = await orders().forget(person.id);
        if (outcome === 'forgotten') {
          await deps.office.forgetting.forget(person.id);
          await ctx.conversation.exitAll();
          await deps.names.forget(person.id);
        }
        const text = t(outcome === 'busy' ? 'legal.forget.busy' : 'legal.forget.done');
        await messenger.put(person.id, messageId, { text });
        return true;
      },
    },
  };
}
