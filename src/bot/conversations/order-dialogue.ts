import { createHash } from 'node:crypto';
import type { Conversation } from '@grammyjs/conversations';
import type { Context } from 'grammy';
import { decodeOrderPress } from '../callback-data.ts';
import type { BotContext } from '../context.ts';
import type { OrderFlow } from './order-flow.ts';

/** The name of the dialogue in the storage. */
export const ORDER = 'order';

/**
 * The dialogue of one order: it waits for the order's buttons and answers, and takes the step each asks for.
 * It holds nothing but the order's id; photos, commands and other words pass through it to those who handle
 * them.
 */
export function createOrderDialogue(flow: OrderFlow) {
  return async function order(
    conversation: Conversation<BotContext, Context>,
    _entered: Context,
    orderId: string,
  ): Promise<void> {
    for (;;) {
      const { callbackQuery, message } = await conversation.wait();
      const text = message?.text;
      if (text !== undefined && !text.startsWith('/')) {
        const stage = await conversation.external((outside) =>
          flow.say(outside, orderId, text).catch((error: unknown) => {
            outside.dialogueError = error;
            return 'over' as const;
          }),
        );
        if (stage === 'ignored') await conversation.skip({ next: true });
        if (stage === 'over') return;
        continue;
      }
      const press = decodeOrderPress(callbackQuery?.data);
      if (press?.orderId !== orderId) {
        await conversation.skip({ next: true });
        continue;
      }
      const stage = await conversation.external((outside) =>
        flow.press(outside, press).catch((error: unknown) => {
          outside.dialogueError = error;
          return 'over' as const;
        }),
      );
      if (stage === 'over') return;
    }
  };
}

/** Changes with the script: a stored dialogue that another script began cannot be gone on with. */
export function dialogueVersion(flow: OrderFlow): string {
  const script = createOrderDialogue(flow).toString();
  return createHash('sha256').update(script).digest('hex').slice(0, 12);
}
