import type { Update, UserFromGetMe } from 'grammy/types';
import { createBotSettings } from './bot-profile.ts';
import { createChatState } from './chat-state.ts';
import { createFileStore } from './file-store.ts';
import { createPendingQueries } from './pending-queries.ts';
import { createStars } from './stars.ts';
import type { Store } from './store.ts';
import { createUpdateQueue } from './update-queue.ts';
import { createWebhook } from './webhook.ts';
import type { FileLimits, World } from './world.ts';

/** Opens the world kept in a store. Nothing is delivered before its webhook is resumed. */
export function createWorld(deps: {
  bot: UserFromGetMe;
  store: Store;
  limits: FileLimits;
  /** Sees every update on its way to the bot. */
  inspectUpdate: (update: Update) => void;
  /** Runs the method call that the answer to a webhook delivery may hold. */
  onWebhookReply: (body: string) => Promise<void>;
}): World {
  const { store } = deps;
  const updates = createUpdateQueue(store, deps.inspectUpdate);
  return {
    store,
    state: createChatState(deps.bot, store),
    files: createFileStore(store),
    updates,
    webhook: createWebhook(store, updates, deps.onWebhookReply),
    callbacks: createPendingQueries(),
    checkouts: createPendingQueries(),
    stars: createStars(store),
    settings: createBotSettings(store),
    limits: deps.limits,
  };
}
