import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { startSandbox, testToken } from '../support/sandbox.ts';
import { call, ok } from './call.ts';

const chat_id = 7;

async function start(t: TestContext) {
  const server = await startSandbox(t);
  server.addUser({ id: chat_id, first_name: 'Ann' });
  const send = (signal?: AbortSignal) =>
    call(server, 'sendMessage', { chat_id, text: 'x' }, signal);
  const { document } = server.sendDocument(chat_id, new Uint8Array(100_000).fill(5), {});
  const file = await ok(call(server, 'getFile', { file_id: document?.file_id ?? '' }));
  const download = () => fetch(`${server.url}/file/bot${testToken}/${file.file_path}`);
  return { server, send, download, sent: () => server.messages(chat_id).length - 1 };
}

test('flood control strikes the given number of times with its retry_after', async (t) => {
  const { server, send, sent } = await start(t);
  server.faults.add({ kind: '429', retryAfter: 3, times: 2 });
  const refused = { refused: '429 Too Many Requests: retry after 3', retryAfter: 3 };
  assert.deepEqual(await send(), refused);
  assert.deepEqual(await send(), refused);
  await ok(send());
  assert.equal(sent(), 1);
  assert.deepEqual(
    server.calls.slice(1).map(({ status }) => status),
    [429, 429, 200],
  );
});

test('a fault strikes only the methods it names, and polling only by name', async (t) => {
  const { server, send } = await start(t);
  server.faults.add({ kind: '5xx', method: 'getMe' });
  server.faults.add({ kind: '5xx', method: /^get(Up|Chat)/, status: 500 });
  await ok(send());
  assert.deepEqual(await call(server, 'getMe'), { refused: '502 Bad Gateway' });
  assert.deepEqual(await call(server, 'getUpdates'), { refused: '500 Bad Gateway' });
  server.faults.add({ kind: '5xx' });
  await ok(call(server, 'getUpdates'));
  assert.equal(server.faults.pending, 1);
  server.faults.clear();
  await ok(send());
});

test('a connection is cut before or after the call is handled', async (t) => {
  const { server, send, sent } = await start(t);
  server.faults.add({ kind: 'reset' });
  await assert.rejects(send(), /fetch failed/);
  assert.equal(sent(), 0);
  server.faults.add({ kind: 'reset-after' });
  await assert.rejects(send(), /fetch failed/);
  assert.equal(sent(), 1);
  assert.deepEqual(
    server.calls.slice(1).map(({ method, status }) => [method, status]),
    [
      ['sendMessage', 0],
      ['sendMessage', 0],
    ],
  );
});

test('a call is delayed, or hangs without ever being handled', async (t) => {
  const { server, send, sent } = await start(t);
  server.faults.add({ kind: 'delay', ms: 60 });
  const startedAt = Date.now();
  await ok(send());
  assert.ok(Date.now() - startedAt >= 55);
  server.faults.add({ kind: 'hang' });
  await assert.rejects(send(AbortSignal.timeout(50)), /timeout/);
  assert.equal(sent(), 1);
});

test('closing the server ends calls that hang', async (t) => {
  const { server, send } = await start(t);
  server.faults.add({ kind: 'hang' });
  const hanging = assert.rejects(send(), /fetch failed/);
  while (server.calls.length < 2) await new Promise((resolve) => setImmediate(resolve));
  await server.close();
  await hanging;
});

test('downloads answer 404, are cut in the middle, drip or break', async (t) => {
  const { server, download } = await start(t);
  server.faults.addDownload({ kind: '404' });
  assert.equal((await download()).status, 404);

  server.faults.addDownload({ kind: 'truncate' });
  const cut = await download();
  assert.equal(cut.headers.get('content-length'), '100000');
  await assert.rejects(cut.arrayBuffer());

  server.faults.addDownload({ kind: 'reset' });
  await assert.rejects(download(), /fetch failed/);

  server.faults.addDownload({ kind: 'slow', ms: 5 });
  const startedAt = Date.now();
  assert.equal((await (await download()).arrayBuffer()).byteLength, 100_000);
  assert.ok(Date.now() - startedAt >= 30);

  assert.equal((await (await download()).arrayBuffer()).byteLength, 100_000);
});
