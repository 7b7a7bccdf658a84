import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { startSandbox, testToken } from '../support/sandbox.ts';
import { call, ok, refusal } from './call.ts';

const ann = { id: 7, first_name: 'Ann' };

async function start(t: TestContext, texts: string[] = [], allowViolations = false) {
  const server = await startSandbox(t, { allowViolations });
  server.addUser(ann);
  for (const text of texts) server.sendText(ann.id, text);
  const poll = (payload: Record<string, unknown> = {}, signal?: AbortSignal) =>
    ok(call(server, 'getUpdates', payload, signal));
  const texted = async (payload: Record<string, unknown> = {}) =>
    (await poll(payload)).map(({ message }) => message?.text);
  return { server, poll, texted };
}

test('updates are numbered in sequence and repeated until an offset confirms them', async (t) => {
  const { poll, texted } = await start(t, ['a', 'b', 'c']);
  const [first, second] = await poll();
  assert.equal(second?.update_id, (first?.update_id ?? 0) + 1);
  assert.deepEqual(await texted(), ['a', 'b', 'c']);
  assert.deepEqual(await texted({ offset: second?.update_id, limit: 1 }), ['b']);
  assert.deepEqual(await texted(), ['b', 'c']);
});

test('a negative offset keeps only the newest updates', async (t) => {
  const { texted } = await start(t, ['a', 'b', 'c']);
  assert.deepEqual(await texted({ offset: -2 }), ['b', 'c']);
  assert.deepEqual(await texted(), ['b', 'c']);
});

test('at most 100 updates are delivered at once', async (t) => {
  const { texted } = await start(
    t,
    Array.from({ length: 120 }, (_, index) => `${index}`),
  );
  assert.equal((await texted({ limit: 1000 })).length, 100);
});

test('a long poll waits for an update and gets a whole album in one answer', async (t) => {
  const { server, poll } = await start(t);
  const pending = poll({ timeout: 20 });
  setTimeout(() => {
    for (let part = 0; part < 10; part += 1) {
      server.sendPhoto(ann.id, new Uint8Array([1]), { mediaGroupId: '1' });
    }
  }, 20);
  const album = await pending;
  assert.deepEqual(
    album.map(({ message }) => message?.message_id),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  );
});

test('a long poll without updates ends empty after its timeout', async (t) => {
  const { poll } = await start(t);
  assert.deepEqual(await poll({ timeout: 1 }), []);
});

test('a second poller takes over and the first is told so', async (t) => {
  const { server, texted } = await start(t);
  const older = refusal(call(server, 'getUpdates', { timeout: 20 }));
  while (server.calls.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const newer = texted({ timeout: 20 });
  assert.equal(
    await older,
    '409 Conflict: terminated by other getUpdates request; make sure that only one bot instance is running',
  );
  server.sendText(ann.id, 'hello');
  assert.deepEqual(await newer, ['hello']);
});

test('what a poller got before it died is delivered to its successor', async (t) => {
  const { server, poll, texted } = await start(t);
  const dying = new AbortController();
  const lost = poll({ timeout: 20 }, dying.signal);
  while (server.calls.length === 0) await new Promise((resolve) => setImmediate(resolve));
  dying.abort();
  await assert.rejects(lost);
  server.sendText(ann.id, 'still here');
  assert.deepEqual(await texted({ timeout: 5 }), ['still here']);
  assert.deepEqual(await texted({ timeout: 5 }), ['still here']);
});

test('allowed_updates are remembered and an empty list means the default', async (t) => {
  const { server, poll } = await start(t);
  const kinds = async (payload: Record<string, unknown>) =>
    (await poll(payload)).map((update) => Object.keys(update)[1]);
  await poll({ allowed_updates: ['my_chat_member'] });
  server.sendText(ann.id, 'unwanted');
  server.block(ann.id);
  assert.deepEqual(await kinds({}), ['my_chat_member']);
  await poll({ allowed_updates: [] });
  server.unblock(ann.id);
  server.sendText(ann.id, 'wanted');
  assert.deepEqual(await kinds({}), ['my_chat_member', 'my_chat_member', 'message']);
});

test('a forged update with an old number is delivered once more', async (t) => {
  const { server, poll } = await start(t, ['pay me']);
  const [original] = await poll();
  assert.ok(original);
  const next = original.update_id + 1;
  assert.deepEqual(await poll({ offset: next }), []);
  server.pushUpdate(original);
  assert.deepEqual(await poll({ offset: next }), [original]);
  assert.deepEqual(await poll({ offset: next }), []);
});

test('held updates come out in the order the holder wants', async (t) => {
  const { server, texted } = await start(t);
  const release = server.holdUpdates();
  server.sendText(ann.id, 'a');
  server.sendText(ann.id, 'b');
  assert.deepEqual(await texted(), []);
  release((held) => held.toReversed());
  assert.deepEqual(await texted(), ['b', 'a']);
});

test('a wrong token, a wrong path and an unknown method are refused as Telegram does', async (t) => {
  const { server } = await start(t, [], true);
  const get = async (path: string) => (await fetch(server.url + path)).json();
  assert.deepEqual(await get('/bot1:wrong/getMe'), {
    ok: false,
    error_code: 401,
    description: 'Unauthorized',
  });
  assert.deepEqual(await get(`/bot${testToken}/getMee`), {
    ok: false,
    error_code: 404,
    description: 'Not Found: method not found',
  });
  const notFound = { ok: false, error_code: 404, description: 'Not Found' };
  assert.deepEqual(await get('/'), notFound);
  assert.deepEqual(await get(`/file/bot${testToken}/photos/nothing.jpg`), notFound);
});

test('methods answer to GET, in any letter case, with arguments in the query or a form', async (t) => {
  const { server } = await start(t);
  const base = `${server.url}/bot${testToken}`;
  const byQuery = await fetch(`${base}/SENDMESSAGE?chat_id=7&text=from%20the%20query`);
  assert.equal(byQuery.status, 200);
  const body = new URLSearchParams({
    chat_id: '7',
    text: '42',
    reply_markup: JSON.stringify({ inline_keyboard: [[{ text: 'A', callback_data: 'a' }]] }),
  });
  assert.equal((await fetch(`${base}/sendMessage`, { method: 'POST', body })).status, 200);
  const [first, second] = server.messages(ann.id);
  assert.equal(first?.text, 'from the query');
  assert.equal(second?.text, '42');
  assert.equal(second?.reply_markup?.inline_keyboard[0]?.[0]?.text, 'A');
  assert.deepEqual(server.calls[1]?.payload, {
    chat_id: 7,
    text: '42',
    reply_markup: { inline_keyboard: [[{ text: 'A', callback_data: 'a' }]] },
  });
});
