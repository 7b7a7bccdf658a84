import type { Translate } from '../i18n.ts';
import { sellsOnlyMorphs } from '../views/service.ts';
import type { Command, CommandDeps } from './command.ts';

type Named = Pick<Command, 'name' | 'description' | 'isOffered'>;

/** /help: how it works in short, and the list of commands; operators see theirs below. */
export function createHelpCommand(
  { adminIds, catalogue, messenger }: CommandDeps,
  list: () => { readonly everyone: readonly Named[]; readonly admins: readonly Named[] },
): Command {
  return {
    name: 'help',
    description: 'common.commands.help',
    async handle({ person, t }) {
      const { everyone, admins } = list();
      const forAdmins = adminIds.includes(person.id)
        ? [`${t('office.forAdmins')}\n${lines(t, admins)}`]
        : [];
      const how = t(sellsOnlyMorphs(catalogue) ? 'common.helpMorph' : 'common.help');
      const text = [how, lines(t, everyone), ...forAdmins].join('\n\n');
      await messenger.send(person.id, { text });
    },
  };
}

function lines(t: Translate, commands: readonly Named[]): string {
  return commands
    .filter(({ isOffered }) => isOffered?.() ?? true)
    .map(({ name, description }) => `/${name} — ${t(description)}`)
    .join('\n');
}
