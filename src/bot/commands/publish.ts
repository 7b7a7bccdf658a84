import type { Api } from 'grammy';
import { LANGUAGES, type Translator } from '../i18n.ts';
import { describeError, type Log } from '../log.ts';
import { isUnreachable } from '../telegram-errors.ts';
import type { Command } from './command.ts';
import type { CommandList } from './list.ts';

export interface PublishDeps {
  readonly api: Api;
  readonly list: CommandList;
  readonly translator: Translator;
  readonly log: Log;
}

/** Tells Telegram the commands for its menus: English for everybody, and in each other language. */
export async function publishCommands(
  deps: PublishDeps & { readonly adminIds: readonly number[] },
): Promise<void> {
  await publish(deps, deps.list.everyone);
  for (const adminId of deps.adminIds) await publishForAdmin(deps, adminId);
}

/** The menu in an operator's own chat. */
export async function publishForAdmin(deps: PublishDeps, adminId: number): Promise<void> {
  await publish(deps, [...deps.list.everyone, ...deps.list.admins], adminId);
}

async function publish(
  { api, translator, log }: PublishDeps,
  commands: readonly Command[],
  chatId?: number,
): Promise<void> {
  for (const language of LANGUAGES) {
    const t = translator(language);
    const offered = commands.filter(({ isOffered }) => isOffered?.() ?? true);
    const described = offered.map(({ name, description }) => ({
      command: name,
      description: t(description),
    }));
    try {
      await api.setMyCommands(described, {
        ...(language === 'en' ? {} : { language_code: language }),
        ...(chatId === undefined ? {} : { scope: { type: 'chat', chat_id: chatId } }),
      });
    } catch (error) {
      // An admin who never wrote to the bot has no chat yet; the menu is a convenience anyway.
      if (!isUnreachable(error)) log.warn(describeError(error), 'A menu could not be set');
    }
  }
}
