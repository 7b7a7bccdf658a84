import { createHash } from 'node:crypto';
import type { Conversation } from '@grammyjs/conversations';
import type { Context } from 'grammy';
import { decodeOrderPress } from '../callback-data.ts';
import type { BotContext } from '../context.ts';
import type { MorphFlow } from './morph-flow.ts';

/** The name of the dialogue in the storage. */
export const MORPH = 'morph';

/**
 * The dialogue of one order: it waits for the order's buttons and takes the step each asks for. It holds
 * nothing but the order's id; photos, commands and words pass through it to those who handle them.
 */
export function createMorphDialogue(flow: MorphFlow) {
  return async function morph(
    conversation: Conversation<BotContext, Context>,
    _entered: Context,
    orderId: string,
  ): Promise<void> {
    for (;;) {
      const { callbackQuery } = await conversation.wait();
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
export function dialogueVersion(flow: MorphFlow): string {
  const script = createMorphDialogue(flow).toString();
  return createHash('sha256').update(script).digest('hex').slice(0, 12);
}
