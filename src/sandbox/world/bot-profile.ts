import type { BotCommand, BotCommandScope, MenuButton } from 'grammy/types';
import { requirePerson } from './require-person.ts';
import type { Store } from './store.ts';
import type { BotSettings, World } from './world.ts';

/** What one person gets to see of the bot before they say anything. */
export interface BotProfile {
  readonly name: string;
  /** Shown in a chat where nothing was said yet. */
  readonly description: string;
  /** Shown on the bot's page. */
  readonly shortDescription: string;
  readonly commands: readonly BotCommand[];
  readonly menuButton: MenuButton;
}

/** Opens the settings kept in a store. */
export function createBotSettings(store: Store): BotSettings {
  return {
    commands: store.table('commands'),
    names: store.table('names'),
    descriptions: store.table('descriptions'),
    shortDescriptions: store.table('short-descriptions'),
    menuButtons: store.table('menu-buttons'),
  };
}

/** The place commands are kept at. */
export function commandsKey(scope: BotCommandScope, language: string): string {
  return `${JSON.stringify(scope)} ${language}`;
}

/**
 * The bot as one person sees it: in their language where it has words in it, with the commands of
 * the narrowest scope that has any.
 *
 * @throws {Error} for somebody who was never added
 */
export function readBotProfile(world: World, userId: number): BotProfile {
  const { state, settings } = world;
  const { user } = requirePerson(world, userId);
  const languages = [...new Set([user.language_code?.slice(0, 2) ?? '', ''])];
  const inLanguage = (texts: BotSettings['names']) =>
    languages.map((language) => texts.get(language)).find((text) => text !== undefined) ?? '';
  const scopes: BotCommandScope[] = [
    { type: 'chat', chat_id: userId },
    { type: 'all_private_chats' },
    { type: 'default' },
  ];
  const commands = scopes
    .flatMap((scope) => languages.map((language) => commandsKey(scope, language)))
    .map((key) => settings.commands.get(key))
    .find((found) => found !== undefined && found.length > 0);
  return {
    name: inLanguage(settings.names) || state.bot.first_name,
    description: inLanguage(settings.descriptions),
    shortDescription: inLanguage(settings.shortDescriptions),
    commands: commands ?? [],
    menuButton: settings.menuButtons.get(String(userId)) ??
      settings.menuButtons.get('') ?? { type: 'default' },
  };
}
