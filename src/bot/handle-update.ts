import { type Bot, BotError } from 'grammy';
import type { Update } from 'grammy/types';
import { languageOf } from '../people/people.ts';
import type { BotContext } from './context.ts';
import type { Translator } from './i18n.ts';
import { describeError, type Log } from './log.ts';
import { isUnreachable } from './telegram-errors.ts';
import type { BotApi } from './transport.ts';

/**
 * Runs one update through the bot. What goes wrong is told to the person in their language and to the
 * log. Passed on, so that the update is tried again, are an absent database and everything that goes wrong
 * during a stop, which takes handlers the tools they work with.
 */
export function createHandleUpdate(deps: {
  readonly bot: Bot<BotContext, BotApi>;
  readonly translator: Translator;
  readonly isDatabaseDown: (error: unknown) => boolean;
  /** Fires when the process stops. */
  readonly stopping: AbortSignal;
  readonly log: Log;
}): (update: Update) => Promise<void> {
  const { bot, translator, isDatabaseDown, stopping, log } = deps;

  async function apologise(ctx: BotContext): Promise<void> {
    if (ctx.chat?.type !== 'private') return;
    const t = translator(ctx.person?.language ?? languageOf(ctx.from?.language_code));
    await bot.api.sendMessage(ctx.chat.id, t('common.somethingBroke'));
  }

  return async (update) => {
    try {
      await bot.handleUpdate(update);
    } catch (caught) {
      const error = caught instanceof BotError ? caught.error : caught;
      if (isDatabaseDown(error)) throw error;
      if (isUnreachable(error)) return;
      if (stopping.aborted) throw error;
      log.error({ ...describeError(error), updateId: update.update_id }, 'A handler failed');
      if (!(caught instanceof BotError)) return;
      await apologise(caught.ctx).catch((failure) =>
        log.warn(describeError(failure), 'An apology could not be sent'),
      );
    }
  };
}
