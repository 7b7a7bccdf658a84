import { setTimeout as sleep } from 'node:timers/promises';
import { type Bot, GrammyError } from 'grammy';
import type { BotContext } from './context.ts';
import { describeError, type Log } from './log.ts';
import type { BotApi } from './transport.ts';

/**
 * Asks Telegram who we are and makes sure that updates can be polled for, until it answers; gives the
 * bot's username. Whoever asks again gets the same answer, at once.
 * @throws {Error} when the token is not valid, or the signal says to stop.
 */
export function introduceBot(
  bot: Bot<BotContext, BotApi>,
  deps: { readonly log: Log; readonly signal: AbortSignal; readonly pauseMs: number },
): () => Promise<string> {
  let introduced: Promise<string> | undefined;

  async function introduce(): Promise<string> {
    for (;;) {
      try {
        bot.botInfo = await bot.api.getMe();
        // A webhook that somebody set would keep us from polling; what waits there is not dropped.
        await bot.api.deleteWebhook({ drop_pending_updates: false });
        return bot.botInfo.username;
      } catch (error) {
        if (isBadToken(error))
          throw new Error('Telegram does not accept the bot token (BOT_TOKEN)');
        deps.signal.throwIfAborted();
        deps.log.warn(describeError(error), 'Telegram does not answer yet');
        await sleep(deps.pauseMs);
      }
    }
  }

  return () => {
    introduced ??= introduce();
    return introduced;
  };
}

/** 404 is what Telegram says to a token that is not even shaped like one. */
function isBadToken(error: unknown): boolean {
  return error instanceof GrammyError && (error.error_code === 401 || error.error_code === 404);
}
