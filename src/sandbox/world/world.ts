import type { BotCommand, MenuButton } from 'grammy/types';
import type { CallbackQueries } from './callback-queries.ts';
import type { ChatState } from './chat-state.ts';
import type { FileStore } from './file-store.ts';
import type { UpdateQueue } from './update-queue.ts';
import type { Webhook } from './webhook.ts';

/** How the bot presents itself, by scope and language where it may differ. */
export interface BotSettings {
  readonly commands: Map<string, BotCommand[]>;
  readonly names: Map<string, string>;
  readonly descriptions: Map<string, string>;
  readonly shortDescriptions: Map<string, string>;
  /** By chat; `undefined` is every chat without one of its own. */
  readonly menuButtons: Map<number | undefined, MenuButton>;
}

/** Sizes above which files are refused. */
export interface FileLimits {
  readonly maxDownloadBytes: number;
  readonly maxUploadBytes: number;
}

/** Everything there is: one bot, its chats, its files and what waits to be delivered to it. */
export interface World {
  readonly state: ChatState;
  readonly files: FileStore;
  readonly updates: UpdateQueue;
  readonly webhook: Webhook;
  readonly callbacks: CallbackQueries;
  readonly settings: BotSettings;
  readonly limits: FileLimits;
}

/** The settings of a bot nobody has configured yet. */
export function createBotSettings(): BotSettings {
  return {
    commands: new Map(),
    names: new Map(),
    descriptions: new Map(),
    shortDescriptions: new Map(),
    menuButtons: new Map(),
  };
}
