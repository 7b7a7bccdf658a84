import { AsyncLocalStorage } from 'node:async_hooks';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { PGlite } from '@electric-sql/pglite';
import type { ExtractTablesWithRelations, sql } from 'drizzle-orm';
import type { PgDatabase, PgQueryResultHKT, PgTransaction } from 'drizzle-orm/pg-core';
import { drizzle as drizzlePglite } from 'drizzle-orm/pglite';
import { migrate as migratePglite } from 'drizzle-orm/pglite/migrator';
import { drizzle as drizzlePostgres } from 'drizzle-orm/postgres-js';
import { migrate as migratePostgres } from 'drizzle-orm/postgres-js/migrator';
import pRetry from 'p-retry';
import postgres from 'postgres';
import { lockDirectory } from './directory-lock.ts';
import * as schema from './schema.ts';

type Schema = typeof schema;

/** The database, whichever of the two it is. */
export type Db = PgDatabase<PgQueryResultHKT, Schema>;
/** An open transaction: inside one, nothing but this may be used. */
export type Tx = PgTransaction<PgQueryResultHKT, Schema, ExtractTablesWithRelations<Schema>>;
/** Where a query may run: in a transaction of the caller's, or on its own. */
export type Queryable = Db | Tx;

/** An open, migrated database. */
export interface Database {
  readonly db: Db;
  /** The embedded engine, for the queue's adapter; undefined on a server. */
  readonly embedded: PGlite | undefined;
  /** Waits for what is running, then lets go of the directory or the connections. */
  close(): Promise<void>;
}

const MIGRATIONS = join(import.meta.dirname, '../../drizzle');

/**
 * How long closing waits for running queries, in seconds. After an outage the client waits this long
 * for a connection that is gone, so it is part of every such shutdown.
 */
const CLOSE_TIMEOUT_S = 2;

/** Any number that no other program on the server uses for its advisory locks. */
const MIGRATION_LOCK = 7_306_171_100;

/**
 * Opens the database and brings its schema up to date: a Postgres server when `url` is given, else
 * PGlite inside `dataDir`.
 * @throws when the directory belongs to a running process, or the server cannot be reached in 30 s.
 */
export async function openDatabase(options: {
  readonly url: string | undefined;
  readonly dataDir: string;
}): Promise<Database> {
  return options.url ? openServer(options.url) : openEmbedded(join(options.dataDir, 'pg'));
}

async function openEmbedded(directory: string): Promise<Database> {
  // Its files are readable by everybody under the umask, so nobody else may enter the folder.
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const unlock = await lockDirectory(directory);
  try {
    const engine = new GuardedPglite(directory, { startParams: EMBEDDED_PARAMETERS });
    await engine.waitReady;
    shrinkParserTable(engine);
    try {
      const db = drizzlePglite(engine, { schema });
      await migratePglite(db, { migrationsFolder: MIGRATIONS });
      const stopUpkeep = startUpkeep(engine);
      return {
        db,
        embedded: engine,
        async close() {
          stopUpkeep();
          await engine.close();
          await unlock();
        },
      };
    } catch (error) {
      await engine.close();
      throw error;
    }
  } catch (error) {
    await unlock();
    throw error;
  }
}

/**
 * The single-user engine has no background workers: without a checkpoint its log would grow to
 * gigabytes, without a vacuum its tables would.
 */
function startUpkeep(engine: PGlite): () => void {
  const run = (statement: string) => void engine.exec(statement).catch(() => undefined);
  const timers = [
    setInterval(run, 5 * 60_000, 'checkpoint'),
    setInterval(run, 24 * 3_600_000, 'vacuum (analyze)'),
  ];
  for (const timer of timers) timer.unref();
  return () => timers.forEach(clearInterval);
}

async function openServer(url: string): Promise<Database> {
  await migrateServer(url);
  const client = postgres(url, { max: 10, onnotice: () => undefined, connect_timeout: 10 });
  return {
    db: drizzlePostgres(client, { schema }),
    embedded: undefined,
    close: () => client.end({ timeout: CLOSE_TIMEOUT_S }),
  };
}

/** Two processes that start at once must not both create the tables: the lock lets one go first. */
async function migrateServer(url: string): Promise<void> {
  const migrate = async () => {
    const client = postgres(url, { max: 1, onnotice: () => undefined, connect_timeout: 5 });
    try {
      await client`select pg_advisory_lock(${MIGRATION_LOCK})`;
      await migratePostgres(drizzlePostgres(client), { migrationsFolder: MIGRATIONS });
    } finally {
      await client.end({ timeout: CLOSE_TIMEOUT_S });
    }
  };
  await pRetry(migrate, {
    retries: Number.POSITIVE_INFINITY,
    minTimeout: 500,
    factor: 1,
    maxRetryTime: 30_000,
    shouldRetry: ({ error }) => isDatabaseDown(error),
  });
}

/** PGlite keeps 128 MB and a gigabyte of log by default; a bot needs neither. */
const EMBEDDED_PARAMETERS = [
  ...PGlite.defaultStartParams,
  ...['-c', 'shared_buffers=16MB', '-c', 'max_wal_size=64MB', '-c', 'min_wal_size=32MB'],
];

/** Arrays of boolean, integer, text, varchar, bigint, double, uuid and jsonb, by their ids in `pg_type`. */
const ARRAY_TYPES = [1000, 1007, 1009, 1015, 1016, 1022, 2951, 3807];

/**
 * drizzle gives each query a few parsers of its own, and PGlite then copies its whole table of three
 * hundred: a tenth of the time of a short query. Only own properties are copied, so the table goes behind
 * an object that has few. Single values are parsed all the same; of arrays those named above.
 */
function shrinkParserTable(engine: PGlite): void {
  const all = engine.parsers;
  const few: typeof all = Object.create(all);
  for (const type of ARRAY_TYPES) {
    const parser = all[type];
    if (parser) few[type] = parser;
  }
  engine.parsers = few;
}

/** How long the embedded engine works before everything else gets a turn. */
const BREATHE_EVERY_MS = 10;

/** Said as postgres.js says it, so that whoever outlives the database takes it for one that is away. */
class DatabaseClosedError extends Error {
  readonly code = 'CONNECTION_ENDED';

  constructor() {
    super('The database was closed');
    this.name = 'DatabaseClosedError';
  }
}

/**
 * On the one connection of PGlite, a query beside an open transaction of the same task waits for ever
 * (electric-sql/pglite#76). This turns that silent hang into an error.
 *
 * The engine answers within the microtask of the question, so that a thousand waiting queries would keep
 * the network, timers and signals from being heard until the last is done: we let them in between.
 */
class GuardedPglite extends PGlite {
  #last: Promise<unknown> = Promise.resolve();
  #breathedAt = 0;
  #isClosed = false;
  /** The transaction that the running task stands in; what it left running may outlive it. */
  readonly #scope = new AsyncLocalStorage<{ open: boolean }>();

  override query<T>(...args: Parameters<PGlite['query']>) {
    this.#refuseInsideTransaction();
    return this.#inTurn(() => super.query<T>(...args));
  }

  override exec(...args: Parameters<PGlite['exec']>) {
    this.#refuseInsideTransaction();
    return this.#inTurn(() => super.exec(...args));
  }

  override transaction<T>(callback: Parameters<typeof PGlite.prototype.transaction<T>>[0]) {
    this.#refuseInsideTransaction();
    const scope = { open: true };
    return this.#inTurn(() =>
      super.transaction<T>((tx) => this.#scope.run(scope, () => callback(tx))),
    ).finally(() => {
      scope.open = false;
    });
  }

  /** What runs may end. What waits is refused: begun beside the end, it would meet an engine half taken down. */
  override async close(): Promise<void> {
    this.#isClosed = true;
    await this.#last;
    await super.close();
  }

  /** PGlite would let them take turns as well, but without a pause. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last
      .then(() => this.#breathe())
      .then(() => {
        if (this.#isClosed) throw new DatabaseClosedError();
        return work();
      });
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #breathe(): Promise<void> {
    if (performance.now() - this.#breathedAt < BREATHE_EVERY_MS) return;
    await setImmediate();
    this.#breathedAt = performance.now();
  }

  #refuseInsideTransaction(): void {
    if (this.#scope.getStore()?.open) {
      throw new Error('Use the transaction, not the database, inside a transaction');
    }
  }
}

/** Of the socket, of postgres.js, and of the server (class 57P and 53300; class 08 beside them). */
const DOWN_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
  'CONNECT_TIMEOUT',
  '57P01',
  '57P02',
  '57P03',
  '53300',
  '53100',
]);

/** Whether an error says that the server is away or restarting, so that the same call may work later. */
export function isDatabaseDown(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (!('code' in cause && typeof cause.code === 'string')) continue;
    if (DOWN_CODES.has(cause.code) || cause.code.startsWith('08')) return true;
    // A server's socket file that is not there; a missing file of ours is another matter.
    if (cause.code === 'ENOENT' && 'syscall' in cause && cause.syscall === 'connect') return true;
  }
  return false;
}

/** Whether an error says that the database has no room to write; also one as the queue's engine passes it on. */
export function isDatabaseFull(error: unknown): boolean {
  for (let cause = error; typeof cause === 'object' && cause !== null; ) {
    if ('code' in cause && cause.code === '53100') return true;
    cause = 'cause' in cause ? cause.cause : undefined;
  }
  return false;
}

/** Whether an error says that a unique rule was broken: somebody else was first. */
export function isUniqueViolation(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && cause.code === '23505') return true;
  }
  return false;
}

/** The rows of a raw statement; the two drivers wrap them differently. */
export async function selectRows(db: Queryable, query: ReturnType<typeof sql>): Promise<unknown[]> {
  const result: unknown = await db.execute(query);
  if (Array.isArray(result)) return [...result];
  return (result as { rows: unknown[] }).rows;
}
