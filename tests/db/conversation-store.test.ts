import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createConversationStore } from '../../src/db/conversation-store.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;

before(async () => {
  database = await openTestDatabase();
});
after(() => database.close());

test('a state is read as it was last written, until it is deleted', async () => {
  const store = createConversationStore(database.db);
  assert.equal(await store.read('42'), undefined);
  await store.write('42', { version: [0, 0], state: { morph: [{ args: null, replay: 'да' }] } });
  await store.write('42', { version: [0, 0], state: {} });
  await store.write('43', ['another chat']);
  assert.deepEqual(await store.read('42'), { version: [0, 0], state: {} });
  await store.delete('42');
  assert.equal(await store.read('42'), undefined);
  assert.deepEqual(await store.read('43'), ['another chat']);
});
