import { type SQL, sql } from 'drizzle-orm';
import { fromDrizzle, fromPglite, type Job, type JobResult, PgBoss } from 'pg-boss';
import { type Database, selectRows, type Tx } from '../db/database.ts';
import { createTurns } from '../domain/turns.ts';
import { errorCode } from './error-code.ts';
import { type Slot, shareSlots } from './slots.ts';

/**
 * The kinds of jobs. A job only says "look at this row again": the rows are the truth, so every
 * handler may run twice, late, or be killed half-way.
 */
export interface Jobs {
  /** Fetch and look at a file that was sent. */
  photo: { readonly photoId: number };
  /** Fetch and measure a recording that was sent. */
  recording: { readonly recordingId: number };
  /** Render a step, or go on with it. */
  step: { readonly stepId: number };
  /** The same for a step that trains a model. */
  training: { readonly stepId: number };
  /** Make the result of an order from the outputs of its steps. */
  finish: { readonly orderId: string };
  /** Send what an order has to send. */
  deliver: { readonly orderId: string };
  /** Render and send a free preview. */
  preview: { readonly previewId: string };
  /** Delete the files of an order. */
  purge: { readonly orderId: string };
  /** Have a provider delete an avatar. */
  forget: { readonly avatarId: number };
  /**
   * Stop a training that nobody wants, and have its provider delete what came of it. `externalId`: where
   * it is another than that of its attempt; `tries`: how often it was tried.
   */
  reap: { readonly attemptId: string; readonly externalId?: string; readonly tries?: number };
}
export type JobName = keyof Jobs;
const JOB_NAMES = [
  'photo',
  'recording',
  'step',
  'training',
  'finish',
  'deliver',
  'preview',
  'purge',
  'forget',
  'reap',
] as const satisfies JobName[];

/** A job to be enqueued. */
export interface NewJob<N extends JobName> {
  readonly data: Jobs[N];
  /** Higher goes first; 0 by default. */
  readonly priority?: number;
  readonly startAfter?: Date;
}

/** Does one job; `signal` fires when the process stops or the job was taken away. */
export type JobHandler<N extends JobName> = (data: Jobs[N], signal: AbortSignal) => Promise<void>;

/** The same by a worker that holds a slot at first, and may give it away before the job ends. */
export type SlotJobHandler<N extends JobName> = (
  data: Jobs[N],
  signal: AbortSignal,
  slot: Slot,
) => Promise<void>;

/**
 * How many jobs of a kind run at once: `count` workers, each with up to `batch` jobs (1 by default).
 * A worker looks for more once a second, or at once after a full batch; so many quick jobs want batches.
 */
export interface Workers {
  readonly count: number;
  readonly batch?: number;
  /** Its handlers are not aborted when the process stops, but given the time to end what they began. */
  readonly mayEnd?: boolean;
}

/** A message that is on its way when the process stops gets this long to arrive. */
const END_MS = 4_000;

export interface Queue {
  /** Makes the tables and queues; after this `send` may be used. */
  start(): Promise<void>;
  /** Enqueues as a part of the caller's transaction. */
  send<N extends JobName>(tx: Tx, name: N, jobs: readonly NewJob<N>[]): Promise<void>;
  /** Starts workers for a kind of job. */
  work<N extends JobName>(name: N, workers: Workers, handler: JobHandler<N>): Promise<void>;
  /**
   * Starts `size` workers for a kind of job. While some are busy without their slot there are more of
   * them, up to `size + spare`, and never more than `size` with a slot. A job is taken only by a worker
   * with a slot, and then it is the one with the highest priority.
   */
  workInSlots<N extends JobName>(
    name: N,
    slots: { readonly size: number; readonly spare: number },
    handler: SlotJobHandler<N>,
  ): void;
  /** Takes no more jobs, aborts the handlers and gives their jobs back. */
  stop(): Promise<void>;
  /** Fires when it stops. */
  readonly stopping: AbortSignal;
}

/** The least that the engine allows; a job of a dead worker goes to another one after this and the next look. */
const HEARTBEAT_SECONDS = 10;

const LOOKING = {
  burstWhenBatchFull: true,
  perJobResults: true,
  priority: true,
  pollingIntervalSeconds: 0.5,
  notifyPollingIntervalSeconds: 1,
} as const;

/** A waiting step may wait for the operator to refill the provider's account; a job never gives up by itself. */
const RETRIES = 1_000_000;

/**
 * pg-boss in the same database, so that an order and its jobs commit together.
 * @param deps.serverUrl its own connections on a server; unset when embedded.
 */
export function createQueue(deps: {
  readonly database: Database;
  readonly serverUrl: string | undefined;
  readonly onError: (error: unknown) => void;
}): Queue {
  const { database, serverUrl, onError } = deps;
  // An embedded database has no other process whose death is to be found out.
  const superviseSeconds = database.embedded ? 60 : 1;
  const boss = new PgBoss({
    ...(database.embedded
      ? { db: fromPglite(database.embedded), backend: 'pglite' as const }
      : { connectionString: serverUrl ?? '', max: 10, application_name: 'morphogram-queue' }),
    useListenNotify: true,
    schedule: false,
    superviseIntervalSeconds: superviseSeconds,
    monitorIntervalSeconds: superviseSeconds,
    reindex: false,
  });
  boss.on('error', onError);
  const stopping = new AbortController();
  const stopped = new AbortController();
  // Two jobs about the same row wait for each other; all others run side by side.
  const inTurn = createTurns<string>();

  async function settle<N extends JobName>(
    name: N,
    job: Job<Jobs[N]>,
    signal: AbortSignal,
    work: () => Promise<void>,
  ): Promise<JobResult> {
    try {
      await inTurn(`${name} ${JSON.stringify(job.data)}`, work);
      return { id: job.id, status: 'completed' };
    } catch (error) {
      // The engine keeps what is told here with the job and tries again; a person should see it too.
      if (!signal.aborted) onError(error);
      return { id: job.id, status: 'failed', output: errorCode(error) };
    }
  }

  return {
    stopping: stopping.signal,

    async start() {
      await boss.start();
      for (const name of JOB_NAMES) {
        await boss.createQueue(name, {
          notify: true,
          heartbeatSeconds: HEARTBEAT_SECONDS,
          // One job may see a step through three attempts of 15 minutes and any wait in between.
          expireInSeconds: 86_000,
          retryLimit: RETRIES,
          retryDelay: 1,
          retentionSeconds: 60 * 86_400,
          deleteAfterSeconds: 86_400,
        });
        // The first send to a queue that is not cached reads it beside the open transaction, and on
        // the single connection of PGlite waits for ever.
        await boss.findJobs(name, { id: NO_JOB });
      }
      // Nobody else runs on an embedded database (its directory is locked), so what is marked as
      // running was left behind by a killed process. On a server the heartbeat finds out.
      await database.embedded?.exec(
        `update pgboss.job set state = 'retry', started_on = null, heartbeat_on = null, start_after = now()
          where state = 'active'`,
      );
    },

    async send(tx, name, jobs) {
      if (jobs.length === 0) return;
      await boss.insert(
        name,
        jobs.map((job) => ({
          data: job.data,
          ...(job.priority === undefined ? {} : { priority: job.priority }),
          ...(job.startAfter ? { startAfter: job.startAfter } : {}),
        })),
        { db: fromDrizzle({ execute: (query: SQL) => selectRows(tx, query) }, sql) },
      );
    },

    async work(name, workers, handler) {
      const stop = workers.mayEnd ? stopped : stopping;
      const options = { localConcurrency: workers.count, batchSize: workers.batch ?? 1 };
      await boss.work<Jobs[typeof name]>(name, { ...LOOKING, ...options }, (jobs) =>
        Promise.all(
          jobs.map((job) => {
            const signal = AbortSignal.any([job.signal, stop.signal]);
            return settle(name, job, signal, () => handler(job.data, signal));
          }),
        ),
      );
    },

    workInSlots(name, slots, handler) {
      shareSlots({
        ...slots,
        hire(run) {
          if (stopping.signal.aborted) return () => undefined;
          const worker = boss.work<Jobs[typeof name]>(name, LOOKING, (jobs) =>
            Promise.all(
              jobs.map((job) => {
                const signal = AbortSignal.any([job.signal, stopping.signal]);
                return run(
                  (slot) => settle(name, job, signal, () => handler(job.data, signal, slot)),
                  signal,
                );
              }),
            ),
          );
          worker.catch(onError);
          return () => {
            worker.then((id) => boss.offWork(name, { id, wait: false })).catch(onError);
          };
        },
      });
    },

    async stop() {
      stopping.abort(new Error('The process stops'));
      await boss.stop({ graceful: true, timeout: END_MS });
      stopped.abort(new Error('The process stops'));
    },
  };
}

const NO_JOB = '00000000-0000-0000-0000-000000000000';
