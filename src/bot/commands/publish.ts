import type { Api } from 'grammy';
import { LANGUAGES, type Translator } from '../i18n.ts';
import { describeError, type Log } from '../log.ts';
import { isUnreachable } from '../telegram-errors.ts';
import type { Command } from './command.ts';
import type { CommandList } from './list.ts';

/** Tells Telegram the commands for its menus: English for everybody, and in each other language. */
export async function publishCommands(deps: {
  readonly api: Api;
  readonly list: CommandList;
  readonly translator: Translator;
  readonly adminIds: readonly number[];
  readonly log: Log;
}): Promise<void> {
  const { api, list, translator, adminIds, log } = deps;
  const attempt = async (call: () => Promise<unknown>) => {
    try {
      await call();
    } catch (error) {
      // An admin who never wrote to the bot has no chat yet; the menu is a convenience anyway.
      if (!isUnreachable(error)) log.warn(describeError(error), 'A menu could not be set');
    }
  };
  for (const language of LANGUAGES) {
    const t = translator(language);
    const describe = (commands: readonly Command[]) =>
      commands.map(({ name, description }) => ({ command: name, description: t(description) }));
    const code = language === 'en' ? {} : { language_code: language };
    await attempt(() => api.setMyCommands(describe(list.everyone), code));
    for (const adminId of adminIds) {
      const scope = { type: 'chat', chat_id: adminId } as const;
      const all = describe([...list.everyone, ...list.admins]);
      await attempt(() => api.setMyCommands(all, { ...code, scope }));
    }
  }
}
