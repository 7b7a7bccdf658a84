import { z } from 'zod';
import type { ConversationStore } from './middleware/dialogue.ts';

/** Which avatar a person is about to rename, in the database: a restart does not make words go astray. */
export interface AwaitedNames {
  expect(personId: number, avatarId: number): Promise<void>;
  /** Undefined when nothing is waited for, or it was given up an hour ago. */
  find(personId: number): Promise<number | undefined>;
  forget(personId: number): Promise<void>;
}

/** Whoever writes later than this has something else in mind. */
const PATIENCE_MS = 3_600_000;

const stored = z.object({ avatarId: z.number().int(), at: z.number() });

export function createAwaitedNames(store: ConversationStore): AwaitedNames {
  const keyOf = (personId: number) => `name:${personId}`;
  return {
    expect: (personId, avatarId) => store.write(keyOf(personId), { avatarId, at: Date.now() }),
    async find(personId) {
      const read = stored.safeParse(await store.read(keyOf(personId)));
      if (!read.success || Date.now() - read.data.at > PATIENCE_MS) return undefined;
      return read.data.avatarId;
    },
    forget: (personId) => store.delete(keyOf(personId)),
  };
}
