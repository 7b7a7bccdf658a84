import type { Command, CommandDeps } from './command.ts';

/** /help: how it works in short, and the list of commands. */
export function createHelpCommand(
  { adminIds, messenger }: CommandDeps,
  list: (isAdmin: boolean) => readonly Pick<Command, 'name' | 'description'>[],
): Command {
  return {
    name: 'help',
    description: 'common.commands.help',
    async handle({ person, t }) {
      const known = list(adminIds.includes(person.id));
      const lines = known.map(({ name, description }) => `/${name} — ${t(description)}`);
      await messenger.send(person.id, { text: `${t('common.help')}\n\n${lines.join('\n')}` });
    },
  };
}
