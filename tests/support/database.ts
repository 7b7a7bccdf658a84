import { execFile } from 'node:child_process';
import { createHash, randomInt, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import postgres from 'postgres';
import { type Database, type Db, openDatabase } from '../../src/db/database.ts';
import { people } from '../../src/db/schema.ts';
import { createQueue } from '../../src/orders/queue.ts';

const ROOT = join(import.meta.dirname, '../..');

/** The maintenance database of a Postgres server on which the suite may create and drop databases. */
const SERVER_URL = process.env['TEST_DATABASE_URL'] || undefined;

/** Whether the suite runs on a Postgres server; else everything is embedded. */
export const ON_SERVER = SERVER_URL !== undefined;

/** Where a migrated database of a test's own waits to be opened, by this process or by a child. */
export interface DatabasePlace {
  /** What `openDatabase` takes. */
  readonly options: { readonly url: string | undefined; readonly dataDir: string };
  /** The same, as a process of ours takes it: `DATA_DIR`, and `DATABASE_URL` on a server. */
  readonly env: Readonly<Record<string, string>>;
  /** Removes it; whatever is still connected is cut off. */
  remove(): Promise<void>;
}

export interface TestDatabase extends Database {
  readonly place: DatabasePlace;
}

/**
 * A migrated, empty database with the queue's tables, open; `close` also removes it. It takes about half
 * a second, so let the tests of one file share one and use people of their own.
 */
export async function openTestDatabase(): Promise<TestDatabase> {
  const place = await prepareTestDatabase();
  try {
    const database = await openDatabase(place.options);
    return {
      ...database,
      place,
      async close() {
        await database.close();
        await place.remove();
      },
    };
  } catch (error) {
    await place.remove();
    throw error;
  }
}

/** A migrated, empty database that nobody has opened yet, in a directory of its own below `parent`. */
export async function prepareTestDatabase(parent = tmpdir()): Promise<DatabasePlace> {
  const dataDir = await mkdtemp(join(parent, 'morphogram-test-'));
  const removeDirectory = () => rm(dataDir, { recursive: true, force: true });
  try {
    if (SERVER_URL === undefined) {
      // A thousand small files: five times as fast as Node's own copy.
      await promisify(execFile)('cp', ['-R', join(await embeddedTemplate(), 'pg'), dataDir]);
      return {
        options: { url: undefined, dataDir },
        env: { DATA_DIR: dataDir },
        remove: removeDirectory,
      };
    }
    const { url, drop } = await createServerDatabase(SERVER_URL);
    return {
      options: { url, dataDir },
      env: { DATA_DIR: dataDir, DATABASE_URL: url },
      async remove() {
        await drop();
        await removeDirectory();
      },
    };
  } catch (error) {
    await removeDirectory();
    throw error;
  }
}

/** Writes down somebody nobody has met yet; returns their id. */
export async function addPerson(db: Db): Promise<number> {
  const id = randomInt(1_000_000, 2 ** 40);
  await db.insert(people).values({ id, firstName: 'Ada', language: 'en' });
  return id;
}

/** A fresh cluster takes seconds; one is made per set of migrations and copied from then on. */
async function embeddedTemplate(): Promise<string> {
  const cache = join(ROOT, 'node_modules/.cache/morphogram');
  const template = join(cache, `database-${await templateDigest()}`);
  if (await exists(template)) return template;
  await mkdir(cache, { recursive: true });
  const draft = await mkdtemp(join(cache, 'draft-'));
  await fillTemplate({ url: undefined, dataDir: draft });
  // Another test file may have been faster; whole directories replace each other, never parts.
  await rename(draft, template).catch(() => rm(draft, { recursive: true }));
  return template;
}

/** Everything that is made at the first start, which tests of the first start do not begin with. */
async function fillTemplate(options: DatabasePlace['options']): Promise<void> {
  const database = await openDatabase(options);
  const errors: unknown[] = [];
  const onError = (error: unknown) => errors.push(error);
  const queue = createQueue({ database, serverUrl: options.url, onError });
  await queue.start();
  await queue.stop();
  if (errors.length > 0) throw new AggregateError(errors, 'The queue did not start');
  // Two thirds of the files, which nobody opens.
  for (const name of database.embedded ? ['template0', 'template1'] : []) {
    await database.embedded?.query(`alter database ${name} is_template false`);
    await database.embedded?.query(`drop database ${name}`);
  }
  await database.embedded?.query('checkpoint');
  await database.close();
}

async function createServerDatabase(serverUrl: string) {
  const template = `morphogram_template_${await templateDigest()}`;
  const name = `morphogram_test_${randomUUID().replaceAll('-', '')}`;
  await withServer(serverUrl, async (sql) => {
    await sql`select pg_advisory_lock(7306171101)`;
    const [known] = await sql`select 1 from pg_database where datname = ${template}`;
    if (!known) {
      const draft = `${name}_draft`;
      await sql`create database ${sql(draft)}`;
      await fillTemplate({ url: databaseUrl(serverUrl, draft), dataDir: '' });
      await sql`alter database ${sql(draft)} rename to ${sql(template)}`;
    }
    await sql`create database ${sql(name)} template ${sql(template)}`;
  });
  return {
    url: databaseUrl(serverUrl, name),
    drop: () =>
      withServer(serverUrl, async (sql) => {
        await sql`drop database if exists ${sql(name)} with (force)`;
      }),
  };
}

async function withServer(url: string, work: (sql: postgres.Sql) => Promise<void>): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    await work(sql);
  } finally {
    await sql.end({ timeout: 5 });
  }
}

function databaseUrl(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

async function templateDigest(): Promise<string> {
  const hash = createHash('sha256');
  const folder = join(ROOT, 'drizzle');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();
  for (const name of names) hash.update(name).update(await readFile(join(folder, name)));
  for (const name of [
    'node_modules/@electric-sql/pglite/package.json',
    'node_modules/pg-boss/package.json',
    'src/orders/queue.ts',
    'tests/support/database.ts',
  ]) {
    hash.update(await readFile(join(ROOT, name)));
  }
  return hash.digest('hex').slice(0, 16);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
