import type {
  BotCommand,
  ForceReply,
  Message,
  ReplyKeyboardMarkup,
  ReplyKeyboardRemove,
} from 'grammy/types';

/** A language the page speaks. */
export type Language = 'en' | 'ru';

/** One of the people whose place one can take. */
export interface Persona {
  readonly id: number;
  readonly firstName: string;
  readonly username: string;
  readonly language: Language;
  readonly isAdmin: boolean;
}

/** How the bot's process is doing. */
export interface BotProcessState {
  readonly phase: 'starting' | 'running' | 'restarting' | 'stopped';
  /** How often it was started again. */
  readonly restarts: number;
  /** When it entered this phase, in Unix milliseconds. */
  readonly sinceMs: number;
  readonly pid?: number;
  /** The last line of a process that never came to serve. */
  readonly problem?: string;
}

/** What there is in a chat besides its messages. */
export interface ChatFacts {
  /** What the bot is doing, as sent by `sendChatAction`. */
  readonly action: { readonly name: string; readonly atMs: number } | null;
  readonly keyboard: ReplyKeyboardMarkup | ReplyKeyboardRemove | ForceReply | null;
  readonly isBlocked: boolean;
  /** What is left in the person's purse, in Telegram Stars. */
  readonly purse: number;
  readonly commands: readonly BotCommand[];
  /** The bot's name and what it can do, as an empty chat shows it. */
  readonly botName: string;
  readonly botDescription: string;
  /** Own messages the bot has not taken yet. */
  readonly waiting: readonly number[];
}

/** What changed in one chat; what is absent stayed. */
export interface ChatChange {
  /** New and edited ones, by their message_id. */
  readonly messages?: readonly Message[];
  readonly removed?: readonly number[];
  readonly facts?: ChatFacts;
}

/** One call of the bot, as the log of the page shows it. */
export interface CallLine {
  readonly number: number;
  readonly method: string;
  readonly atMs: number;
  /** The HTTP status; 0 for a connection that was cut, or an answer still to come. */
  readonly status: number;
}

/** What changed in the world; what is absent stayed. */
export interface WorldChange {
  /** All there is: whatever was known before is to be forgotten. */
  readonly isWhole: boolean;
  readonly botUsername?: string;
  readonly people?: readonly Persona[];
  readonly chats?: Readonly<Record<string, ChatChange>>;
  readonly process?: BotProcessState;
  readonly faults?: TroubleToCome;
  /** The latest calls, oldest first. */
  readonly calls?: readonly CallLine[];
}

/** What a file can be sent as. */
export const SENT_AS = ['photo', 'file', 'voice', 'audio', 'video', 'video_note'] as const;
export type SentAs = (typeof SENT_AS)[number];

/** Troubles that can be ordered from the page. */
export const FAULTS = ['slow', 'cut', 'flood', 'provider'] as const;
export type FaultName = (typeof FAULTS)[number];

/** What trouble is still to strike. */
export interface TroubleToCome {
  /** Calls of the bot. */
  readonly calls: number;
  /** Downloads of files by the bot. */
  readonly downloads: number;
  /** Steps of orders that are to fail at the provider. */
  readonly steps: number;
}

/** What became of a press on a button. */
export interface PressResult {
  readonly text?: string;
  readonly showAlert?: boolean;
  readonly url?: string;
  /** Nobody answered in time. */
  readonly isUnanswered?: boolean;
}
