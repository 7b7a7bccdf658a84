import { LANGUAGES } from '../i18n.ts';
import { languageScreen, menuKeyboard } from '../views/menu.ts';
import type { Command, CommandDeps } from './command.ts';

/** /language: the language of everything from now on. */
export function createLanguageCommand({
  messenger,
  people,
  translator,
  catalogue,
}: CommandDeps): Command {
  return {
    name: 'language',
    description: 'common.commands.language',
    async handle({ person, t }) {
      await messenger.send(person.id, languageScreen(t));
    },
    button: {
      prefix: 'language',
      async press(ctx, value) {
        const language = LANGUAGES.find((known) => known === value);
        if (!language) return false;
        await people.setLanguage(ctx.person.id, language);
        const t = translator(language);
        await ctx.answer();
        const screen = { text: t('common.languageSaved'), keyboard: menuKeyboard(t, catalogue) };
        await messenger.put(ctx.person.id, ctx.messageId, screen);
        return true;
      },
    },
  };
}
