import { setTimeout as sleep } from 'node:timers/promises';
import { type Bot, GrammyError } from 'grammy';
import type { BotContext } from './context.ts';
import { describeError, type Log } from './log.ts';
import { toGrammySignal } from './telegram-errors.ts';
import type { BotApi } from './transport.ts';

/**
 * Asks Telegram who we are, until it answers, and returns the bot's username. Asked again, it knows.
 * @throws {Error} when the token is not valid, or the signal says to stop.
 */
export function introduceBot(
  bot: Bot<BotContext, BotApi>,
  deps: {
    readonly log: Log;
    readonly signal: AbortSignal;
    readonly timings: { readonly updates: { readonly maxPauseMs: number } };
  },
): () => Promise<string> {
  let asking: Promise<string> | undefined;

  async function ask(): Promise<string> {
    for (;;) {
      deps.signal.throwIfAborted();
      try {
        const me = await bot.api.getMe(toGrammySignal(deps.signal));
        bot.botInfo = me;
        return me.username;
      } catch (error) {
        if (
          error instanceof GrammyError &&
          (error.error_code === 401 || error.error_code === 404)
        ) {
          throw new Error('Telegram does not accept the bot token (BOT_TOKEN)');
        }
        deps.signal.throwIfAborted();
        deps.log.warn(describeError(error), 'Telegram does not answer yet');
        await sleep(deps.timings.updates.maxPauseMs);
      }
    }
  }

  return () => {
    asking ??= ask().catch((error: unknown) => {
      asking = undefined;
      throw error;
    });
    return asking;
  };
}
