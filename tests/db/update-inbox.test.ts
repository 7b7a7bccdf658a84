import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { eq, sql } from 'drizzle-orm';
import { createConversationStore } from '../../src/db/conversation-store.ts';
import { conversations, updates } from '../../src/db/schema.ts';
import { createUpdateInbox, type UpdateInbox } from '../../src/db/update-inbox.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let inbox: UpdateInbox;
const logged: unknown[] = [];

before(async () => {
  database = await openTestDatabase();
  inbox = createUpdateInbox(database.db, { error: (fields) => logged.push(fields) });
});
beforeEach(() => database.db.delete(updates));
after(() => database.close());

test('an update that comes twice is new only the first time', async () => {
  assert.deepEqual(ids(await inbox.store([update(1), update(2)])), [1, 2]);
  assert.deepEqual(ids(await inbox.store([update(2), update(3)])), [3]);
});

test('an update that comes twice in one batch is handed on once', async () => {
  assert.deepEqual(ids(await inbox.store([update(1), update(1), update(2)])), [1, 2]);
});

test('of an update stored by two at once, one gets it', async () => {
  const batches = await Promise.all(Array.from({ length: 10 }, () => inbox.store([update(7)])));
  assert.deepEqual(ids(batches.flat()), [7]);
});

test('a handled update is remembered, and its content forgotten', async () => {
  await inbox.store([update(1)]);
  await inbox.markHandled(1);
  assert.deepEqual(await inbox.store([update(1)]), []);
  assert.deepEqual(await inbox.takeUnhandled(), []);
  const [row] = await database.db.select().from(updates).where(eq(updates.id, 1));
  assert.equal(row?.payload, null);
});

test('what was stored and not handled comes back whole, oldest first', async () => {
  await inbox.store([update(3), update(1), update(2)]);
  await inbox.markHandled(2);
  assert.deepEqual(await inbox.takeUnhandled(), [update(1), update(3)]);
});

test('an update that was taken up twenty times and never handled is put aside', async () => {
  await inbox.store([update(1)]);
  for (let start = 1; start <= 20; start++) {
    assert.equal((await inbox.takeUnhandled()).length, 1, `start ${start}`);
  }
  assert.deepEqual(logged.splice(0), []);
  await inbox.store([update(2)]);
  assert.deepEqual(await inbox.takeUnhandled(), [update(2)]);
  assert.deepEqual(logged.splice(0), [{ updateIds: [1] }], 'an operator is told, at each start');
  assert.deepEqual(await inbox.store([update(1)]), [], 'it is still known');
});

test('characters that Postgres cannot hold do not block the batch', async () => {
  const text = 'a\u0000b \ud800c 😀 \\u0000';
  const [fresh] = await inbox.store([{ ...update(1), text }, update(2)]);
  const expected = { ...update(1), text: 'ab \ufffdc 😀 \\u0000' };
  assert.deepEqual(fresh, expected);
  assert.deepEqual(await inbox.takeUnhandled(), [expected, update(2)]);
});

test('update ids beyond 32 bits are kept exactly', async () => {
  const id = 2 ** 40 + 1;
  await inbox.store([update(id)]);
  assert.deepEqual(await inbox.takeUnhandled(), [update(id)]);
});

test('an empty batch is nothing new', async () => {
  assert.deepEqual(await inbox.store([]), []);
});

test('a sweep forgets what Telegram would never send again, and nothing younger', async () => {
  await inbox.store([update(1), update(2)]);
  await database.db.execute(
    sql`update updates set created_at = now() - interval '9 days' where id = 1`,
  );
  await database.db.execute(
    sql`update updates set created_at = now() - interval '7 days' where id = 2`,
  );
  await inbox.sweep();
  assert.deepEqual(await inbox.takeUnhandled(), [update(2)]);
});

test('a sweep forgets dialogues that were left a day ago, with what was written in them', async () => {
  const store = createConversationStore(database.db);
  for (const key of ['left', 'open']) await store.write(key, { replay: 'words' });
  for (const [key, hours] of [
    ['left', 25],
    ['open', 23],
  ] as const) {
    const updatedAt = new Date(Date.now() - hours * 3_600_000);
    await database.db.update(conversations).set({ updatedAt }).where(eq(conversations.key, key));
  }
  await inbox.sweep();
  assert.equal(await store.read('left'), undefined);
  assert.deepEqual(await store.read('open'), { replay: 'words' });
});

function update(id: number) {
  return { update_id: id, message: { text: `message ${id}`, entities: [] } };
}

function ids(batch: readonly { readonly update_id: number }[]): number[] {
  return batch.map((each) => each.update_id);
}
