import type { ConversationFlavor } from '@grammyjs/conversations';
import type { Context } from 'grammy';
import type { Person } from '../people/people.ts';
import type { Translate } from './i18n.ts';

/** A person the bot is talking with, and the words of their language. */
export interface Talk {
  /** Also the id of their private chat. */
  readonly person: Person;
  readonly t: Translate;
  /** Lets the next Done through while the press of this one is still being handled. */
  readonly allowDone?: () => void;
}

/** A press of a button that is being handled. */
export interface PressedButton {
  /** The message the button is on. */
  readonly messageId: number | undefined;
  /** The id of the press, the same when it comes again after a kill. */
  readonly requestId: number;
  /**
   * Answers the press, at most once; repeated calls do nothing. Pressed buttons spin until then.
   * @param toast at most 200 characters, shown for a moment, or as a window with `alert`.
   */
  answer(toast?: string, options?: { readonly alert?: boolean }): Promise<void>;
}

/** What our middleware adds to grammY's context. */
export interface BotFlavor {
  person: Person;
  t: Translate;
  messageId: PressedButton['messageId'];
  /** The id of the update: whoever would do more when it comes again is told it. */
  requestId: PressedButton['requestId'];
  answer: PressedButton['answer'];
  allowDone?: () => void;
  /** The newest message of the person that had come when this update did; 0 when none is known. */
  newestMessageId?: number;
  /** Set by a cancel: the running dialogue is left as soon as it is this chat's turn. */
  dialogueIsOver?: boolean;
  /** An error inside a dialogue, kept as it is: the dialogue's own log would turn it into text. */
  dialogueError?: unknown;
}

export type BotContext = ConversationFlavor<Context & BotFlavor>;
