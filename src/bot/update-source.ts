import { setTimeout as sleep } from 'node:timers/promises';
import { createConcurrentSink, createRunner, createSource } from '@grammyjs/runner';
import { type Api, GrammyError } from 'grammy';
import type { PreCheckoutQuery, Update } from 'grammy/types';
import { describeError, type Log } from './log.ts';
import { type GrammySignal, toGrammySignal } from './telegram-errors.ts';

/** What Telegram may send us; the list always goes along, since a left out one means "as before". */
const ALLOWED_UPDATES = [
  'message',
  'callback_query',
  'my_chat_member',
  'pre_checkout_query',
] as const satisfies readonly Exclude<keyof Update, 'update_id'>[];

/** Where updates are written down before Telegram is told that we have them. */
export interface Inbox {
  /** Returns those that were not known yet. */
  store<U extends { readonly update_id: number }>(batch: readonly U[]): Promise<U[]>;
  takeUnhandled(): Promise<unknown[]>;
  markHandled(updateId: number): Promise<void>;
  sweep(): Promise<void>;
}

export interface UpdateSourceTimings {
  /** How long one getUpdates waits for something to come. In seconds. */
  readonly pollSeconds: number;
  /** Longest pause after a failed getUpdates. */
  readonly maxPauseMs: number;
  /** How often payments are looked for while a batch is being stored. */
  readonly watchMs: number;
  /** Pause before an update is tried again while the database is away, and for how long. */
  readonly repeatMs: number;
  readonly repeatForMs: number;
}

export interface UpdateSourceDeps {
  readonly api: Pick<Api, 'getUpdates'>;
  readonly inbox: Inbox;
  /**
   * A payment that waits for our word: told the moment it comes, whatever else is being done, and kept
   * nowhere, since nobody waits for the answer any more after ten seconds.
   */
  readonly onPreCheckout: (query: PreCheckoutQuery) => void;
  /** Handles one update; rejects only while the database is away, or during a stop. */
  readonly handle: (update: Update) => Promise<void>;
  readonly isDatabaseDown: (error: unknown) => boolean;
  /** Told each time when updates have to wait for the database, and why; never rejects. */
  readonly onWaiting: (error: unknown, updates: readonly Update[]) => Promise<void>;
  /** The token is no longer valid: nothing will ever come. */
  readonly onFatal: (error: Error) => void;
  readonly log: Log;
  readonly timings: UpdateSourceTimings;
}

export interface UpdateSource {
  start(): void;
  /** Asks for nothing more and waits for running handlers, at most until the deadline. */
  stop(deadlineMs: number): Promise<void>;
}

/** Telegram's longest batch. */
const MAX_BATCH = 100;

/**
 * Updates handled at the same time, those that wait for their chat's turn among them. Beyond it nothing
 * is asked for, and a payment would wait behind somebody's hundred photos: it is there for memory alone.
 */
const MAX_HANDLED = 10_000;

const SWEEP_EVERY_MS = 6 * 3_600_000;

/**
 * Long polling that loses nothing: a batch is stored before the next getUpdates confirms it, and
 * what a killed process left unhandled comes first.
 */
export function createUpdateSource(deps: UpdateSourceDeps): UpdateSource {
  const { api, inbox, log, timings } = deps;
  const postponed: Update[] = [];
  let offset = 0;
  let tookLeftovers = false;
  let failures = 0;
  let stopped = false;

  async function supply(limit: number, signal: GrammySignal): Promise<Update[]> {
    if (!tookLeftovers) {
      const leftovers = await readLeftovers(signal);
      tookLeftovers = true;
      if (leftovers.length > 0) return leftovers.filter(isUpdate);
    }
    if (postponed.length > 0) return postponed.splice(0);
    const fresh: Update[] = [];
    for (;;) {
      // All that waits at Telegram is fetched before any of it is handled: a payment may stand behind
      // hundreds of photos, and handling those would make it wait.
      const room = Math.min(limit - fresh.length, MAX_BATCH);
      const batch = await poll(room, fresh.length === 0 ? timings.pollSeconds : 0, signal);
      tellPreCheckouts(batch);
      try {
        const storing = inbox.store(batch.filter((update) => !update.pre_checkout_query));
        fresh.push(...(await watching(storing, signal)));
        offset = batch.reduce((next, { update_id }) => Math.max(next, update_id + 1), 0) || offset;
        if (batch.length < MAX_BATCH || fresh.length + MAX_BATCH > limit) return fresh;
      } catch (error) {
        // What is not stored is not confirmed: Telegram tells it again, and what came since with it.
        if (fresh.length > 0) return fresh;
        await pauseInbox('write', error, batch, signal);
      }
    }
  }

  function tellPreCheckouts(batch: readonly Update[]): void {
    for (const { pre_checkout_query } of batch) {
      if (pre_checkout_query) deps.onPreCheckout(pre_checkout_query);
    }
  }

  /**
   * Waits for the inbox. While that takes long, Telegram is asked for the same again, which confirms
   * nothing: only the payments that came meanwhile are looked at.
   */
  async function watching<T>(storing: Promise<T>, signal: GrammySignal): Promise<T> {
    let isPending = true;
    const end = () => {
      isPending = false;
    };
    const ended = storing.then(end, end);
    for (;;) {
      await Promise.race([ended, sleep(timings.watchMs, undefined, { ref: false })]);
      if (!isPending || signal.aborted) return storing;
      try {
        tellPreCheckouts(await poll(MAX_BATCH, 0, signal));
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    }
  }

  async function poll(limit: number, waitSeconds: number, signal: GrammySignal): Promise<Update[]> {
    const own = new AbortController();
    const abort = () => own.abort();
    signal.addEventListener('abort', abort);
    // A stop that came while the inbox was busy is told to nobody who listens only now.
    if (signal.aborted) abort();
    // A connection that died without a word would otherwise be waited for until grammY's own timeout.
    const timer = setTimeout(abort, (waitSeconds + 15) * 1_000);
    try {
      const options = {
        offset,
        limit: Math.max(1, limit),
        timeout: waitSeconds,
        allowed_updates: ALLOWED_UPDATES,
      };
      const batch = await api.getUpdates(options, toGrammySignal(own.signal));
      failures = 0;
      return batch;
    } catch (error) {
      if (signal.aborted) throw error;
      if (error instanceof GrammyError && error.error_code === 401) {
        throw new Error('Telegram does not accept the bot token (BOT_TOKEN)');
      }
      await pauseAfter(error, own, signal);
      return [];
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    }
  }

  async function pauseAfter(error: unknown, own: AbortController, signal: GrammySignal) {
    failures += 1;
    const conflict = error instanceof GrammyError && error.error_code === 409;
    const flood = error instanceof GrammyError ? error.parameters.retry_after : undefined;
    if (conflict) log.warn({}, 'Another process is getting the updates of this bot');
    else log.warn(describeError(error), 'Getting updates failed');
    const pause = Math.min(timings.maxPauseMs, 250 * 2 ** failures);
    await abortableSleep(flood === undefined ? pause : flood * 1_000, signal, own);
  }

  async function readLeftovers(signal: GrammySignal): Promise<unknown[]> {
    for (;;) {
      try {
        return await inbox.takeUnhandled();
      } catch (error) {
        await pauseInbox('read', error, [], signal);
      }
    }
  }

  async function pauseInbox(
    what: string,
    error: unknown,
    waiting: readonly Update[],
    signal: GrammySignal,
  ): Promise<void> {
    log.error(describeError(error), `The update inbox failed to ${what}`);
    if (signal.aborted) throw error;
    void deps.onWaiting(error, waiting);
    await sleep(timings.repeatMs);
  }

  async function consume(update: Update): Promise<void> {
    const giveUpAt = Date.now() + timings.repeatForMs;
    for (;;) {
      try {
        await deps.handle(update);
        await inbox.markHandled(update.update_id);
        return;
      } catch (error) {
        if (stopped) {
          log.warn(describeError(error), 'An update is left to the next start');
          return;
        }
        if (!deps.isDatabaseDown(error)) {
          log.error(describeError(error), 'Handling an update failed');
          await inbox.markHandled(update.update_id).catch(() => undefined);
          return;
        }
        if (Date.now() > giveUpAt) {
          log.error(describeError(error), 'The database is away; an update is put off');
          postponed.push(update);
          return;
        }
        void deps.onWaiting(error, [update]);
        await sleep(timings.repeatMs);
      }
    }
  }

  const sink = createConcurrentSink<Update, unknown>(
    { consume },
    async (error) => log.error(describeError(error), 'An update was dropped'),
    { concurrency: MAX_HANDLED },
  );
  const runner = createRunner(createSource({ supply }), sink);
  let sweeper: NodeJS.Timeout | undefined;

  const sweep = () =>
    inbox.sweep().catch((error) => log.warn(describeError(error), 'Sweeping the inbox failed'));

  return {
    start() {
      runner.start();
      runner.task()?.catch((error: unknown) => {
        deps.onFatal(error instanceof Error ? error : new Error(String(error)));
      });
      void sweep();
      sweeper = setInterval(sweep, SWEEP_EVERY_MS);
      sweeper.unref();
    },
    async stop(deadlineMs) {
      stopped = true;
      clearInterval(sweeper);
      const deadline = Date.now() + deadlineMs;
      if (runner.isRunning()) await runner.stop();
      // The runner's own promise does not wait for what is being handled.
      while (runner.size() > 0 && Date.now() < deadline) await sleep(20);
      if (runner.size() > 0) log.warn({ updates: runner.size() }, 'Stopped while handling updates');
    },
  };
}

async function abortableSleep(ms: number, signal: GrammySignal, own: AbortController) {
  if (signal.aborted || own.signal.aborted) return;
  await sleep(ms, undefined, { signal: own.signal }).catch(() => undefined);
}

function isUpdate(value: unknown): value is Update {
  return typeof value === 'object' && value !== null && 'update_id' in value;
}
