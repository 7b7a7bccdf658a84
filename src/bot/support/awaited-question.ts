import { z } from 'zod';
import type { ConversationStore } from '../middleware/dialogue.ts';

/** What a person said they would write: a new question, or more about one of theirs. */
export interface AwaitedQuestion {
  readonly ticketId: number | null;
}

/** Who was asked to write a question, in the database: a restart does not make words go astray. */
export interface AwaitedQuestions {
  expect(personId: number, question: AwaitedQuestion): Promise<void>;
  /** Undefined when nothing is waited for, or it was given up an hour ago. */
  find(personId: number): Promise<AwaitedQuestion | undefined>;
  forget(personId: number): Promise<void>;
}

/** Whoever writes later than this has something else in mind. */
const PATIENCE_MS = 3_600_000;

const stored = z.object({ ticketId: z.number().int().nullable(), at: z.number() });

export function createAwaitedQuestions(store: ConversationStore): AwaitedQuestions {
  // The dialogues of chats are kept by the bare id.
  const keyOf = (personId: number) => `support:${personId}`;
  return {
    expect: (personId, { ticketId }) => store.write(keyOf(personId), { ticketId, at: Date.now() }),
    async find(personId) {
      const read = stored.safeParse(await store.read(keyOf(personId)));
      if (!read.success || Date.now() - read.data.at > PATIENCE_MS) return undefined;
      return { ticketId: read.data.ticketId };
    },
    forget: (personId) => store.delete(keyOf(personId)),
  };
}
