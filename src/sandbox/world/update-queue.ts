import { isDeepStrictEqual } from 'node:util';
import type { Update } from 'grammy/types';
import { BotApiError } from '../http/bot-api-error.ts';
import type { Store } from './store.ts';

/** The name of one kind of update, as in `allowed_updates`. */
export type UpdateType = Exclude<keyof Update, 'update_id'>;

/** An update before it has got its number. */
export type NewUpdate = Omit<Update, 'update_id'>;

/** What `getUpdates` asks for. */
export interface PollRequest {
  readonly offset: number;
  readonly limit: number;
  readonly timeoutSeconds: number;
  readonly allowedUpdates: readonly string[] | undefined;
}

/** Updates waiting for the bot, kept until they are confirmed. */
export interface UpdateQueue {
  /** Queues an update, unless the bot did not ask for its kind. */
  push(update: NewUpdate): void;
  /**
   * Keeps new updates back until the returned function is called, which may put them in another
   * order: messages of an album overtake each other.
   */
  hold(): (arrange?: (held: readonly NewUpdate[]) => readonly NewUpdate[]) => void;
  /** Queues any update as it is, wanted or not; with its own update_id if it brings one. */
  pushRaw(update: NewUpdate & { update_id?: number }): void;
  /**
   * Confirms what lies below the offset and waits for updates.
   *
   * @throws {BotApiError} 409 when another poll takes over.
   */
  poll(request: PollRequest, signal: AbortSignal): Promise<Update[]>;
  /** The oldest updates, without confirming anything. */
  waiting(): readonly Update[];
  confirm(update: Update): void;
  clear(): void;
  /** Ends an open poll with 409 and this reason. */
  interrupt(reason: string): void;
  /** The remembered choice; undefined until the bot made one. */
  allowedUpdates: readonly string[] | undefined;
  /** Called after each push, when the webhook should look again. */
  onPush: () => void;
}

const unwantedByDefault: readonly string[] = [
  'chat_member',
  'message_reaction',
  'message_reaction_count',
];
const maxPollSeconds = 50;
const terminatedByPoll =
  'terminated by other getUpdates request; make sure that only one bot instance is running';

interface Entry {
  readonly update: Update;
  /** A forged number may lie below the offset; such an update is still delivered once. */
  readonly isForged: boolean;
}

/** What of a queue outlives its updates. */
interface Progress {
  readonly lastUpdateId: number;
  readonly allowedUpdates: readonly string[] | undefined;
  /** Entries are keyed by their number in the order of arrival. */
  readonly lastEntry: number;
}

/** Opens the queue kept in a store. `inspect` sees every update on its way in. */
export function createUpdateQueue(store: Store, inspect: (update: Update) => void): UpdateQueue {
  const entries = store.table<Entry>('updates');
  const progressTable = store.table<Progress>('update-progress');
  let progress = progressTable.get('') ?? {
    lastUpdateId: 100_000_000 + Math.floor(Math.random() * 800_000_000),
    allowedUpdates: undefined,
    lastEntry: 0,
  };
  const delivered = new WeakSet<Entry>();
  let held: NewUpdate[] | undefined;
  let openPoll: { end: (reason: string) => void; wake: () => void } | undefined;

  function advance(changes: Partial<Progress>): void {
    progress = { ...progress, ...changes };
    progressTable.set('', progress);
  }

  function enqueue(update: Update, isForged: boolean): void {
    inspect(update);
    const lastEntry = progress.lastEntry + 1;
    // Numbers only grow: what comes after a forged one must not look confirmed already.
    const lastUpdateId = Math.max(progress.lastUpdateId, update.update_id);
    advance({ lastEntry, lastUpdateId });
    entries.set(String(lastEntry), { update, isForged });
    openPoll?.wake();
    queue.onPush();
  }

  function confirmBelow(offset: number): void {
    const kept = entries.size + Math.min(0, offset);
    for (const [index, [key, entry]] of [...entries.entries()].entries()) {
      const isConfirmed =
        offset < 0
          ? index < kept
          : entry.update.update_id < offset && (!entry.isForged || delivered.has(entry));
      if (isConfirmed) entries.delete(key);
    }
  }

  function take(limit: number): Update[] {
    const taken = [...entries.values().take(limit)];
    for (const entry of taken) delivered.add(entry);
    return taken.map((entry) => entry.update);
  }

  const queue: UpdateQueue = {
    get allowedUpdates() {
      return progress.allowedUpdates;
    },
    set allowedUpdates(allowedUpdates) {
      advance({ allowedUpdates });
    },
    onPush: () => {},
    push(update) {
      if (held !== undefined) return void held.push(update);
      const type = Object.keys(update)[0] ?? '';
      const { allowedUpdates } = queue;
      const isWanted =
        allowedUpdates === undefined || allowedUpdates.length === 0
          ? !unwantedByDefault.includes(type)
          : allowedUpdates.includes(type);
      if (!isWanted) return;
      enqueue({ update_id: progress.lastUpdateId + 1, ...update }, false);
    },
    hold() {
      const outer = held;
      const kept: NewUpdate[] = [];
      held = kept;
      return (arrange = (all) => all) => {
        held = outer;
        for (const update of arrange(kept)) queue.push(update);
      };
    },
    pushRaw({ update_id: forgedId, ...update }) {
      const update_id = forgedId ?? progress.lastUpdateId + 1;
      enqueue({ update_id, ...update }, forgedId !== undefined);
    },
    async poll({ offset, limit, timeoutSeconds, allowedUpdates }, signal) {
      queue.interrupt(terminatedByPoll);
      if (
        allowedUpdates !== undefined &&
        !isDeepStrictEqual(allowedUpdates, progress.allowedUpdates)
      ) {
        advance({ allowedUpdates });
      }
      confirmBelow(offset);
      if (signal.aborted) return [];
      if (entries.size > 0 || timeoutSeconds <= 0) return take(limit);

      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, Math.min(timeoutSeconds, maxPollSeconds) * 1000);
      const poll = {
        end: (reason: string) => reject(new BotApiError(409, `Conflict: ${reason}`)),
        // Resumes after the running code, so that an album pushed in one go is one answer.
        wake: resolve,
      };
      openPoll = poll;
      const stop = () => resolve();
      signal.addEventListener('abort', stop);
      try {
        await promise;
        // A poll whose client has gone away must not count its updates as delivered.
        return signal.aborted ? [] : take(limit);
      } finally {
        clearTimeout(timer);
        signal.removeEventListener('abort', stop);
        if (openPoll === poll) openPoll = undefined;
      }
    },
    waiting: () => [...entries.values().map((entry) => entry.update)],
    confirm(update) {
      const found = entries.entries().find(([, entry]) => entry.update === update);
      if (found !== undefined) entries.delete(found[0]);
    },
    clear: () => entries.clear(),
    interrupt: (reason) => openPoll?.end(reason),
  };
  return queue;
}
