import type { ConversationData, VersionedState } from '@grammyjs/conversations';
import type { MiddlewareFn } from 'grammy';
import type { BotContext } from '../context.ts';
import { ORDER } from '../conversations/order-dialogue.ts';

/** Where dialogues are kept between updates and processes. */
export interface ConversationStore {
  read(key: string): Promise<unknown>;
  write(key: string, state: unknown): Promise<void>;
  delete(key: string): Promise<void>;
}

/** The plugin's storage, one record per private chat. */
export function dialogueStorage(store: ConversationStore, version: string) {
  return {
    type: 'key' as const,
    version,
    adapter: {
      async read(key: string): Promise<VersionedState<ConversationData> | undefined> {
        const state = await store.read(key);
        return isVersioned(state) ? state : undefined;
      },
      write: (key: string, state: VersionedState<ConversationData>) => store.write(key, state),
      delete: (key: string) => store.delete(key),
    },
  };
}

/** After a cancel the dialogue is left, now that it is this chat's turn; nothing else is to be done. */
export const leaveDialogue: MiddlewareFn<BotContext> = async (ctx, next) => {
  if (!ctx.dialogueIsOver) return next();
  await ctx.conversation.exit(ORDER);
};

/** What a dialogue could not do is handled like any other error, once its end is stored. */
export const rethrowDialogueError: MiddlewareFn<BotContext> = async (ctx, next) => {
  await next();
  if (ctx.dialogueError !== undefined) throw ctx.dialogueError;
};

function isVersioned(state: unknown): state is VersionedState<ConversationData> {
  return typeof state === 'object' && state !== null && 'version' in state && 'state' in state;
}
