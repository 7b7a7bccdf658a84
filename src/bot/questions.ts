import type { Messenger, Screen } from './messenger.ts';
import { createRecent } from './recent.ts';

/** What a message of an order asks: who is in the photos, for photos, for another answer, or to agree to an offer. */
export type Question = 'gender' | 'photos' | 'answer' | 'offer';

/**
 * The questions of the orders, each of which has its buttons on one message at a time. Which message
 * that is, is known to this process alone: a message of an earlier one keeps its buttons, and they work.
 */
export interface Questions {
  /** Asks in a new message, or in the given one, and retires the message that asked before. */
  ask(
    personId: number,
    about: { readonly orderId: string; readonly question: Question },
    screen: Screen,
    inMessage?: number,
  ): Promise<void>;
  /** The question is answered: retires the message that asks it, unless it is the given one. */
  settle(
    personId: number,
    about: { readonly orderId: string; readonly question: Question },
    exceptMessage?: number,
  ): Promise<void>;
}

/** The message that asks, and what it says. */
interface Asked {
  readonly messageId: number;
  readonly text: string;
}

export function createQuestions(messenger: Pick<Messenger, 'put' | 'strip' | 'remove'>): Questions {
  const standing = createRecent<string, Asked | undefined>();

  async function retire(
    personId: number,
    { orderId, question }: { orderId: string; question: Question },
    next: Asked | undefined,
    exceptMessage: number | undefined,
  ): Promise<void> {
    const key = `${orderId}:${question}`;
    const old = standing.get(key);
    standing.set(key, next);
    if (old === undefined || old.messageId === exceptMessage) return;
    // A question without its buttons reads as if it were still open, above all when it is asked again; an
    // offer is worth keeping.
    const isAskedAgain = question === 'answer' && old.text === next?.text;
    if (question === 'gender' || isAskedAgain) await messenger.remove(personId, old.messageId);
    else await messenger.strip(personId, old.messageId);
  }

  return {
    async ask(personId, about, screen, inMessage) {
      const asked = await messenger.put(personId, inMessage, screen);
      if (asked === undefined) return;
      await retire(personId, about, { messageId: asked, text: screen.text }, asked);
    },
    settle: (personId, about, exceptMessage) => retire(personId, about, undefined, exceptMessage),
  };
}
