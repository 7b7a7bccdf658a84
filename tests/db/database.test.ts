import assert from 'node:assert/strict';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import {
  isDatabaseDown,
  isDatabaseFull,
  isUniqueViolation,
  openDatabase,
  selectRows,
} from '../../src/db/database.ts';
import { people } from '../../src/db/schema.ts';
import {
  addPerson,
  ON_SERVER,
  openTestDatabase,
  prepareTestDatabase,
  type TestDatabase,
} from '../support/database.ts';

const EMBEDDED_ONLY = ON_SERVER && 'only the embedded engine does this';
const SERVER_ONLY = !ON_SERVER && 'needs TEST_DATABASE_URL, a Postgres server';

let database: TestDatabase;

before(async () => {
  database = await openTestDatabase();
});
after(() => database.close());

test('opening applies the migrations once, however often it is opened', async () => {
  const place = await prepareTestDatabase();
  try {
    const applied = [];
    for (let start = 0; start < 2; start++) {
      const opened = await openDatabase(place.options);
      const [row] = await selectRows(
        opened.db,
        sql`select count(*)::int as count from drizzle.__drizzle_migrations`,
      );
      applied.push(row);
      await opened.close();
    }
    assert.deepEqual(applied[0], applied[1]);
    assert.notDeepEqual(applied[0], { count: 0 });
  } finally {
    await place.remove();
  }
});

test('what was written is there after closing and opening again', async () => {
  const place = await prepareTestDatabase();
  try {
    const first = await openDatabase(place.options);
    const id = await addPerson(first.db);
    await first.close();
    const second = await openDatabase(place.options);
    assert.deepEqual(
      (await second.db.select().from(people)).map((person) => person.id),
      [id],
    );
    await second.close();
  } finally {
    await place.remove();
  }
});

test('rows of a raw statement look the same on both databases', async () => {
  assert.deepEqual(await selectRows(database.db, sql`select ${1}::int as one, 'ü' as letter`), [
    { one: 1, letter: 'ü' },
  ]);
});

test('a broken unique rule is recognised, also from inside a transaction', async () => {
  const id = await addPerson(database.db);
  const again = { id, firstName: 'Ada', language: 'en' } as const;
  const recognised = (error: unknown) => isUniqueViolation(error) && !isDatabaseDown(error);
  await assert.rejects(database.db.insert(people).values(again), recognised);
  await assert.rejects(
    database.db.transaction((tx) => tx.insert(people).values(again)),
    recognised,
  );
});

describe('embedded', { skip: EMBEDDED_ONLY }, () => {
  test('a query beside the open transaction is an error and not a silence', async () => {
    const { db } = database;
    const beside = db.transaction(async () => {
      await db.select().from(people);
    });
    await assert.rejects(beside, isGuard);
    const nested = db.transaction(async () => {
      await db.transaction(async () => undefined);
    });
    await assert.rejects(nested, isGuard);
    assert.equal((await db.select().from(people).limit(0)).length, 0, 'it goes on afterwards');
  });

  test('a savepoint inside a transaction is allowed', async () => {
    await database.db.transaction(async (tx) => {
      await tx.transaction((inner) => inner.select().from(people));
    });
  });

  test('what a transaction left running may query once it is over', async () => {
    const later: Promise<unknown>[] = [];
    await database.db.transaction(async () => {
      later.push(delay(20).then(() => database.db.select().from(people).limit(1)));
    });
    await Promise.all(later);
  });

  test('tasks that stand in no transaction wait for it and then run', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const transaction = database.db.transaction(() => held);
    const query = database.db.select().from(people).limit(0);
    release();
    assert.deepEqual(await query, []);
    await transaction;
  });

  test('a second opening of the same folder is refused, and the first goes on', async () => {
    const second = openDatabase(database.place.options);
    await assert.rejects(second, { name: 'DirectoryInUseError' });
    await addPerson(database.db);
  });

  test('what comes after the close, or waits while it begins, finds the database away', async () => {
    const opened = await openTestDatabase();
    const { db } = opened;
    const begun = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    const transaction = db.transaction(async (tx) => {
      begun.resolve();
      await held.promise;
      return tx.select().from(people).limit(0);
    });
    await begun.promise;
    const waiting = assert.rejects(db.select().from(people), isDatabaseDown);
    const closed = opened.close();
    held.resolve();
    assert.deepEqual(await transaction, [], 'what runs may end');
    await Promise.all([waiting, closed]);
    await assert.rejects(db.select().from(people), isDatabaseDown);
    await assert.rejects(
      db.transaction((tx) => tx.select().from(people)),
      isDatabaseDown,
    );
  });

  test('nobody else may enter its folder', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'morphogram-mode-'));
    const opened = await openDatabase({ url: undefined, dataDir: join(folder, 'new') });
    try {
      assert.equal((await stat(join(folder, 'new'))).mode & 0o077, 0);
    } finally {
      await opened.close();
      await rm(folder, { recursive: true });
    }
  });
});

describe('on a server', { skip: SERVER_ONLY }, () => {
  test('processes that start at once migrate an empty database without a clash', async () => {
    const place = await prepareTestDatabase();
    try {
      const { db, close } = await openDatabase(place.options);
      await db.execute(sql`drop schema public cascade`);
      await db.execute(sql`create schema public`);
      await db.execute(sql`drop schema drizzle cascade`);
      await close();
      const opened = await Promise.all(
        Array.from({ length: 6 }, () => openDatabase(place.options)),
      );
      for (const each of opened) await addPerson(each.db);
      await Promise.all(opened.map((each) => each.close()));
    } finally {
      await place.remove();
    }
  });

  test('a connection that the server cuts is called down, and the next query works', async () => {
    const place = await prepareTestDatabase();
    try {
      const { db, close } = await openDatabase(place.options);
      const cut = db.execute(sql`select pg_terminate_backend(pg_backend_pid())`);
      await assert.rejects(cut, isDatabaseDown);
      await addPerson(db);
      await close();
    } finally {
      await place.remove();
    }
  });
});

describe('a server that is away', () => {
  test('is called down, whether nobody listens or the name is unknown', async () => {
    const url = `postgres://nobody@127.0.0.1:${await closedPort()}/none`;
    const { default: postgres } = await import('postgres');
    for (const address of [url, 'postgres://nobody@nowhere.invalid/none']) {
      const client = postgres(address, { connect_timeout: 2 });
      await assert.rejects(Promise.resolve(client`select 1`), isDatabaseDown);
      await client.end();
    }
  });

  test('is waited for at the start, and taken at its word once it answers', async () => {
    const port = await closedPort();
    const opening = openDatabase({ url: `postgres://nobody@127.0.0.1:${port}/none`, dataDir: '' });
    opening.catch(() => undefined);
    await delay(300);
    const server = createServer((socket) => socket.end(refusalOfLogin()));
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    await assert.rejects(opening, { code: '28000' });
    server.close();
  });
});

/** PostgreSQL's ErrorResponse: E, length, fields, each ended by a zero byte. */
function refusalOfLogin(): Buffer {
  const fields = Buffer.from('SFATAL\0C28000\0Mno such role\0\0');
  const head = Buffer.alloc(5, 'E');
  head.writeInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}

test('a missing file is not a missing server', () => {
  const file = Object.assign(new Error('no such file'), { code: 'ENOENT', syscall: 'open' });
  const socket = Object.assign(new Error('no socket'), { code: 'ENOENT', syscall: 'connect' });
  assert.equal(isDatabaseDown(new Error('Failed query', { cause: file })), false);
  assert.equal(isDatabaseDown(new Error('Failed query', { cause: socket })), true);
});

test('a full disk is recognised, also as the engine of the queue passes it on', () => {
  const full = Object.assign(new Error('could not extend file'), { code: '53100' });
  assert.equal(isDatabaseFull(new Error('Failed query', { cause: full })), true);
  assert.equal(isDatabaseFull({ ...full, message: full.message }), true);
  assert.equal(isDatabaseFull(new Error('boom')), false);
  assert.equal(isDatabaseFull(undefined), false);
});

test('other errors are not taken for an absence', () => {
  assert.equal(isDatabaseDown(new Error('boom')), false);
  assert.equal(isDatabaseDown(Object.assign(new Error('syntax'), { code: '42601' })), false);
  assert.equal(isDatabaseDown('ECONNREFUSED'), false);
});

function isGuard(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (/Use the transaction, not the database/.test(cause.message)) return true;
  }
  return false;
}

async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  assert.ok(address && typeof address === 'object');
  return address.port;
}
