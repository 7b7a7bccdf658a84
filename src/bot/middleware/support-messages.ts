import type { Filter, MiddlewareFn } from 'grammy';
import { createTurns } from '../../domain/turns.ts';
import type { BotContext } from '../context.ts';
import type { TextKey } from '../i18n.ts';
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

type TextContext = Filter<BotContext, 'message:text'>;

/** Handles a message; undefined where it is no word to or from the support. */
type Taken = (() => Promise<void>) | undefined;

/**
 * Takes the words that belong to a question: replies to what the bot sent about it, and the message
 * that follows "Write to us". They wait for no turn of their chat; whatever else comes passes, in the
 * order in which it came.
 */
export function createSupportMessages(deps: SupportMessagesDeps): MiddlewareFn<BotContext> {
  const { awaited, messenger, support, log } = deps;
  // Looking up who is waited for takes now more, now less time: what comes later must not pass meanwhile.
  const inTurn = createTurns<number>();

  return async (ctx, next) => {
    const take = ctx.from && (await inTurn(ctx.from.id, () => decide(ctx)));
    return take ? take() : next();
  };

  async function decide(ctx: BotContext): Promise<Taken> {
    if (ctx.has('message:text')) return isCommand(ctx) ? takeCommand(ctx) : takeText(ctx);
    if (!ctx.has(['message:voice', 'message:video_note', 'message:audio', 'message:sticker'])) {
      return undefined;
    }
    if (!(await awaited.find(ctx.from.id))) return undefined;
    return () => say(ctx, 'support.textOnly');
  }

  async function takeCommand(ctx: TextContext): Promise<Taken> {
    const { id } = ctx.from;
    if (!isCancel(ctx)) {
      // Whoever turns to something else does not write a question any more.
      void awaited.forget(id).catch((error) => log.debug(describeError(error), 'Not forgotten'));
      return undefined;
    }
    if (!(await awaited.find(id))) return undefined;
    await awaited.forget(id);
    return () => say(ctx, 'support.dropped');
  }

  async function takeText(ctx: TextContext): Promise<Taken> {
    const { id } = ctx.from;
    const { text } = ctx.message;
    const original = repliedText(ctx);
    // What an operator forwards was written by somebody else, and is no answer of theirs.
    const isOperator = deps.adminIds.includes(id) && ctx.message.forward_origin === undefined;
    const forOperator = isOperator ? ticketOf(original, 'operator') : undefined;
    if (forOperator !== undefined) {
      return async () => void (await deps.person(ctx, () => deps.answer(ctx, forOperator, text)));
    }
    const replied = ticketOf(original, 'person');
    const question = replied === undefined ? await awaited.find(id) : { ticketId: replied };
    if (!question) return undefined;
    return async () => {
      await deps.person(ctx, () => support.receive(ctx, text, question.ticketId));
      // Only now: killed before, the words would have been nobody's.
      await awaited.forget(id);
    };
  }

  async function say(ctx: BotContext, key: TextKey): Promise<void> {
    await deps.person(ctx, async () => {
      await messenger.send(ctx.person.id, { text: ctx.t(key) });
    });
  }
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
