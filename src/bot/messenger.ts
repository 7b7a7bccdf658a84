import { setTimeout as sleep } from 'node:timers/promises';
import type { Api } from 'grammy';
import type { InlineKeyboardButton } from 'grammy/types';
import type { People } from '../people/people.ts';
import { describeError, type Log } from './log.ts';
import { createRecent } from './recent.ts';
import { isBadRequest, isNotModified, isUnreachable } from './telegram-errors.ts';

/** What a message shows: Telegram HTML and buttons. */
export interface Screen {
  readonly text: string;
  readonly keyboard?: readonly (readonly InlineKeyboardButton[])[] | undefined;
}

/** Telegram shows a chat action for five seconds. */
const ACTION_EVERY_MS = 4_000;

/**
 * Messages in private chats. A person who blocked the bot is marked as blocked instead of an error;
 * what they should have seen is told again when they are back.
 */
export interface Messenger {
  /** The id of the new message; undefined when the person cannot be reached. */
  send(chatId: number, screen: Screen): Promise<number | undefined>;
  /** `gone`: there is no such message any more, or it cannot be changed. */
  edit(chatId: number, messageId: number, screen: Screen): Promise<'shown' | 'gone' | 'blocked'>;
  /** Changes the message if there is one and it is still there, else sends it. */
  put(
    chatId: number,
    messageId: number | null | undefined,
    screen: Screen,
  ): Promise<number | undefined>;
  /** Takes the buttons off a message, if it is still there and has any. */
  strip(chatId: number, messageId: number): Promise<void>;
  /** Deletes a message, if that is possible: says whether it was. */
  remove(chatId: number, messageId: number): Promise<boolean>;
  /** Shows what the bot is doing for as long as the work takes. */
  during<T>(chatId: number, action: ChatAction, work: () => Promise<T>): Promise<T>;
}

export type ChatAction = Parameters<Api['sendChatAction']>[1];

export function createMessenger(deps: {
  readonly api: Api;
  readonly people: Pick<People, 'setBlocked'>;
  readonly log: Log;
}): Messenger {
  const { api, people, log } = deps;
  /** Messages that are known to have buttons, or none: Telegram refuses to take off what is not there. */
  const buttoned = createRecent<string, boolean>();

  const options = (screen: Screen) => ({
    parse_mode: 'HTML' as const,
    link_preview_options: { is_disabled: true },
    ...(screen.keyboard
      ? { reply_markup: { inline_keyboard: screen.keyboard.map((row) => [...row]) } }
      : {}),
  });

  const send: Messenger['send'] = async (chatId, screen) => {
    try {
      return (await api.sendMessage(chatId, screen.text, options(screen))).message_id;
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      await people.setBlocked(chatId, true);
      return undefined;
    }
  };

  const edit: Messenger['edit'] = async (chatId, messageId, screen) => {
    try {
      await api.editMessageText(chatId, messageId, screen.text, options(screen));
      buttoned.set(`${chatId}:${messageId}`, screen.keyboard !== undefined);
      return 'shown';
    } catch (error) {
      if (isNotModified(error)) return 'shown';
      if (isUnreachable(error)) {
        await people.setBlocked(chatId, true);
        return 'blocked';
      }
      if (!isBadRequest(error)) throw error;
      log.debug(describeError(error), 'A message could not be edited');
      return 'gone';
    }
  };

  return {
    send,
    edit,

    async put(chatId, messageId, screen) {
      const outcome = messageId ? await edit(chatId, messageId, screen) : 'gone';
      if (outcome === 'shown') return messageId ?? undefined;
      return outcome === 'gone' ? send(chatId, screen) : undefined;
    },

    async strip(chatId, messageId) {
      const key = `${chatId}:${messageId}`;
      if (buttoned.get(key) === false) return;
      if (await forgiving(() => api.editMessageReplyMarkup(chatId, messageId))) {
        buttoned.set(key, false);
      }
    },

    async remove(chatId, messageId) {
      return forgiving(() => api.deleteMessage(chatId, messageId));
    },

    async during(chatId, action, work) {
      const ended = new AbortController();
      const show = async () => {
        while (!ended.signal.aborted) {
          await forgiving(() => api.sendChatAction(chatId, action));
          await sleep(ACTION_EVERY_MS, undefined, { signal: ended.signal }).catch(() => undefined);
        }
      };
      void show();
      try {
        return await work();
      } finally {
        ended.abort();
      }
    },
  };

  /** For what is only decoration. */
  async function forgiving(call: () => Promise<unknown>): Promise<boolean> {
    try {
      await call();
      return true;
    } catch (error) {
      log.debug(describeError(error), 'A call was not taken');
      return false;
    }
  }
}
