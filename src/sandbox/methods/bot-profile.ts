import type { BotCommand } from 'grammy/types';
import { z } from 'zod';
import { badRequest } from '../http/bot-api-error.ts';
import type { Fields } from '../http/request-fields.ts';
import { commandsKey } from '../world/bot-profile.ts';
import type { BotSettings } from '../world/world.ts';
import { type Call, type Methods, requireChat } from './method.ts';

const commandsSchema = z.array(z.object({ command: z.string(), description: z.string() }));
const scopeSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('default') }),
  z.object({ type: z.literal('all_private_chats') }),
  z.object({ type: z.literal('all_group_chats') }),
  z.object({ type: z.literal('all_chat_administrators') }),
  z.object({ type: z.literal('chat'), chat_id: z.union([z.number(), z.string()]) }),
  z.object({ type: z.literal('chat_administrators'), chat_id: z.union([z.number(), z.string()]) }),
  z.object({
    type: z.literal('chat_member'),
    chat_id: z.union([z.number(), z.string()]),
    user_id: z.number(),
  }),
]);
const menuButtonSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('default') }),
  z.object({ type: z.literal('commands') }),
  z.object({
    type: z.literal('web_app'),
    text: z.string(),
    web_app: z.object({ url: z.string() }),
  }),
]);

function readCommands(fields: Fields): BotCommand[] {
  const parsed = commandsSchema.safeParse(fields.json('commands'));
  if (!parsed.success) throw badRequest("can't parse commands JSON object");
  if (parsed.data.length > 100) throw badRequest('BOT_COMMANDS_TOO_MUCH');
  return parsed.data.map(({ command: given, description }) => {
    const command = given.replace(/^\//, '');
    if (!/^[a-z0-9_]{1,32}$/.test(command)) throw badRequest('BOT_COMMAND_INVALID');
    if (description === '' || [...description].length > 256) {
      throw badRequest('BOT_COMMAND_DESCRIPTION_INVALID');
    }
    return { command, description };
  });
}

/** The place commands are kept at: their scope and language. */
function readCommandsKey({ world, fields }: Call): string {
  const parsed = scopeSchema.safeParse(fields.json('scope') ?? { type: 'default' });
  if (!parsed.success) throw badRequest("can't parse BotCommandScope: unsupported type specified");
  const scope = parsed.data;
  if ('chat_id' in scope && world.state.chat(Number(scope.chat_id)) === undefined) {
    throw badRequest('chat not found');
  }
  return commandsKey(scope, readLanguage(fields));
}

function readLanguage(fields: Fields): string {
  const language = fields.text('language_code') ?? '';
  if (language !== '' && !/^[a-z]{2}$/.test(language)) {
    throw badRequest('invalid language code specified');
  }
  return language;
}

function saveText(call: Call, into: BotSettings['names'], name: string, maxLength: number): true {
  const text = call.fields.text(name) ?? '';
  const language = readLanguage(call.fields);
  if ([...text].length > maxLength) throw badRequest(`${name.toUpperCase()}_TOO_LONG`);
  if (text === '') into.delete(language);
  else into.set(language, text);
  return true;
}

/** A text in a language, or else the one for all languages. */
function findText({ fields }: Call, from: BotSettings['names']): string {
  return from.get(readLanguage(fields)) ?? from.get('') ?? '';
}

/** Who the bot is and how it presents itself. */
export const botProfileMethods = {
  getMe: ({ world: { state, settings } }) => ({
    ...state.bot,
    first_name: settings.names.get('') ?? state.bot.first_name,
  }),
  logOut: () => true,
  close: () => true,
  setMyCommands(call) {
    call.world.settings.commands.set(readCommandsKey(call), readCommands(call.fields));
    return true;
  },
  getMyCommands: (call) => call.world.settings.commands.get(readCommandsKey(call)) ?? [],
  deleteMyCommands(call) {
    call.world.settings.commands.delete(readCommandsKey(call));
    return true;
  },
  setMyName: (call) => saveText(call, call.world.settings.names, 'name', 64),
  getMyName: (call) => ({
    name: findText(call, call.world.settings.names) || call.world.state.bot.first_name,
  }),
  setMyDescription: (call) => saveText(call, call.world.settings.descriptions, 'description', 512),
  getMyDescription: (call) => ({ description: findText(call, call.world.settings.descriptions) }),
  setMyShortDescription: (call) =>
    saveText(call, call.world.settings.shortDescriptions, 'short_description', 120),
  getMyShortDescription: (call) => ({
    short_description: findText(call, call.world.settings.shortDescriptions),
  }),
  setChatMenuButton(call) {
    const { world, fields } = call;
    const key = fields.text('chat_id') === undefined ? '' : `${requireChat(call).user.id}`;
    const parsed = menuButtonSchema.safeParse(fields.json('menu_button') ?? { type: 'default' });
    if (!parsed.success) throw badRequest("can't parse MenuButton");
    world.settings.menuButtons.set(key, parsed.data);
    return true;
  },
  getChatMenuButton(call) {
    const { menuButtons } = call.world.settings;
    const isForChat = call.fields.text('chat_id') !== undefined;
    const own = isForChat ? menuButtons.get(`${requireChat(call).user.id}`) : undefined;
    return own ?? menuButtons.get('') ?? { type: 'default' };
  },
} satisfies Methods;
