import type { BotCommand, MenuButton } from 'grammy/types';
import type { ChatState } from './chat-state.ts';
import type { FileStore } from './file-store.ts';
import type { PendingQueries } from './pending-queries.ts';
import type { Stars } from './stars.ts';
import type { Store, Table } from './store.ts';
import type { UpdateQueue } from './update-queue.ts';
import type { Webhook } from './webhook.ts';

/** What the person sees after pressing a button. */
export interface CallbackAnswer {
  text?: string;
  showAlert?: boolean;
  url?: string;
}

/** What the bot says to a payment about to be made. */
export type CheckoutAnswer =
  | { readonly kind: 'agreed' }
  | { readonly kind: 'refused'; readonly reason: string };

/** How the bot presents itself, by scope and language where it may differ. */
export interface BotSettings {
  /** Keyed by {@link commandsKey}. */
  readonly commands: Table<BotCommand[]>;
  /** These three by language; the empty one is for all others. */
  readonly names: Table<string>;
  readonly descriptions: Table<string>;
  readonly shortDescriptions: Table<string>;
  /** By chat; the empty key is every chat without one of its own. */
  readonly menuButtons: Table<MenuButton>;
}

/** Sizes above which files are refused. */
export interface FileLimits {
  readonly maxDownloadBytes: number;
  readonly maxUploadBytes: number;
}

/** Everything there is: one bot, its chats, its files and what waits to be delivered to it. */
export interface World {
  /** Holds all of it; what is changed here must be flushed before the bot is told. */
  readonly store: Store;
  readonly state: ChatState;
  readonly files: FileStore;
  readonly updates: UpdateQueue;
  readonly webhook: Webhook;
  /** Pressed buttons waiting for `answerCallbackQuery`. */
  readonly callbacks: PendingQueries<CallbackAnswer>;
  /** Payments waiting for `answerPreCheckoutQuery`. */
  readonly checkouts: PendingQueries<CheckoutAnswer>;
  readonly stars: Stars;
  readonly settings: BotSettings;
  readonly limits: FileLimits;
}
