import { Composer, type MiddlewareFn } from 'grammy';
import type { BotContext } from '../context.ts';
import { describeError, type Log } from '../log.ts';
import type { Messenger } from '../messenger.ts';
import type { AwaitedQuestions } from '../support/awaited-question.ts';
import type { SupportDesk } from '../support/support-desk.ts';
import { ticketOf } from '../views/support.ts';

export interface SupportMessagesDeps {
  readonly support: SupportDesk;
  readonly awaited: AwaitedQuestions;
  /** An operator's reply to a question. */
  readonly answer: (ctx: BotContext, ticketId: number, text: string) => Promise<void>;
  readonly messenger: Messenger;
  readonly person: MiddlewareFn<BotContext>;
  readonly adminIds: readonly number[];
  readonly log: Log;
}

/**
 * Takes the words that belong to a question: replies to what the bot sent about it, and the message
 * that follows "Write to us". They wait for no turn of their chat; whatever else comes passes.
 */
export function createSupportMessages(deps: SupportMessagesDeps): Composer<BotContext> {
  const { awaited, messenger, support, log } = deps;
  const composer = new Composer<BotContext>();

  composer.on('message:text').filter(isCommand, async (ctx, next) => {
    const { id } = ctx.from;
    if (!isCancel(ctx)) {
      // Whoever turns to something else does not write a question any more. Not waited for: a command
      // keeps its place among the other messages.
      void awaited.forget(id).catch((error) => log.debug(describeError(error), 'Not forgotten'));
      return next();
    }
    if (!(await awaited.find(id))) return next();
    await awaited.forget(id);
    await deps.person(ctx, async () => {
      await messenger.send(id, { text: ctx.t('support.dropped') });
    });
  });

  composer.on('message:text', async (ctx, next) => {
    if (isCommand(ctx)) return next();
    const { id } = ctx.from;
    const { text } = ctx.message;
    const original = repliedText(ctx);
    // What an operator forwards was written by somebody else, and is no answer of theirs.
    const isOperator = deps.adminIds.includes(id) && ctx.message.forward_origin === undefined;
    const forOperator = isOperator ? ticketOf(original, 'operator') : undefined;
    if (forOperator !== undefined) {
      await deps.person(ctx, () => deps.answer(ctx, forOperator, text));
      return;
    }
    const replied = ticketOf(original, 'person');
    const question = replied === undefined ? await awaited.find(id) : { ticketId: replied };
    if (!question) return next();
    await deps.person(ctx, () => support.receive(ctx, text, question.ticketId));
    // Only now: killed before, the words would have been nobody's.
    await awaited.forget(id);
  });

  composer.on([':voice', ':video_note', ':audio', ':sticker'], async (ctx, next) => {
    if (!ctx.from || !(await awaited.find(ctx.from.id))) return next();
    await deps.person(ctx, async () => {
      await messenger.send(ctx.person.id, { text: ctx.t('support.textOnly') });
    });
  });

  return composer;
}

/** The text of the bot's own message that this one replies to; empty when there is none. */
function repliedText(ctx: BotContext): string {
  const original = ctx.message?.reply_to_message;
  return original?.from?.id === ctx.me.id ? (original.text ?? '') : '';
}

function isCommand(ctx: BotContext): boolean {
  return ctx.message?.text?.startsWith('/') === true;
}

function isCancel(ctx: BotContext): boolean {
  return /^\/cancel(?:@\w+)?(?:\s|$)/.test(ctx.message?.text ?? '');
}
