import assert from 'node:assert/strict';
import { appendFile, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type BotApiServer, startBotApiServer } from '../../src/sandbox/bot-api-server.ts';
import { startProcess } from '../support/processes.ts';
import { testToken } from '../support/sandbox.ts';
import { call, ok, refusal } from './call.ts';

const ann = 7;

async function createFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sandbox-data-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

/** Opens the world of a folder for the length of one block. */
async function open(dataDir: string): Promise<BotApiServer & AsyncDisposable> {
  const server = await startBotApiServer({ token: testToken, dataDir });
  return { ...server, [Symbol.asyncDispose]: () => server.close() };
}

/** Starts a server as a process of its own. */
async function startElsewhere(t: TestContext, dataDir: string) {
  const running = startProcess(join(import.meta.dirname, 'server-process.ts'), { args: [dataDir] });
  t.after(() => running.kill('SIGKILL'));
  const [, url = ''] = await running.waitFor(/listening at (\S+)/);
  return { running, url };
}

test('a file that was removed is gone from the disk, too, and its number is not given again', async (t) => {
  const dataDir = await createFolder(t);
  const photo = (server: BotApiServer) => {
    const { fileId = '', path = '' } =
      server.world.files.get(
        server.sendPhoto(ann, Buffer.from('x')).photo?.at(-1)?.file_id ?? '',
      ) ?? {};
    return { fileId, path, onDisk: join(dataDir, 'files', path) };
  };
  let last = '';
  {
    await using server = await open(dataDir);
    server.addUser({ id: ann, first_name: 'Ann' });
    const [first, second] = [photo(server), photo(server)];
    await stat(first.onDisk);
    server.world.files.remove(first.fileId);
    await assert.rejects(stat(first.onDisk), { code: 'ENOENT' });
    last = second.path;
  }
  await using server = await open(dataDir);
  assert.notEqual(photo(server).path, last);
  assert.notEqual(photo(server).path, last);
});

test('chats, blocks, keyboards and the numbers of messages survive a restart', async (t) => {
  const dataDir = await createFolder(t);
  const reply_markup = { keyboard: [[{ text: 'Menu' }]] };
  {
    await using server = await open(dataDir);
    server.addUser({ id: ann, first_name: 'Ann', language_code: 'ru' });
    server.sendText(ann, 'hi');
    await ok(call(server, 'sendMessage', { chat_id: ann, text: 'one', reply_markup }));
    const { message_id } = await ok(call(server, 'sendMessage', { chat_id: ann, text: 'two' }));
    await ok(call(server, 'sendMessage', { chat_id: ann, text: 'three' }));
    await ok(call(server, 'editMessageText', { chat_id: ann, message_id, text: 'edited' }));
    await ok(call(server, 'deleteMessage', { chat_id: ann, message_id: 4 }));
    server.block(ann);
  }
  await using server = await open(dataDir);
  assert.deepEqual(
    server.messages(ann).map(({ message_id, text }) => [message_id, text]),
    [
      [1, 'hi'],
      [2, 'one'],
      [3, 'edited'],
    ],
  );
  assert.deepEqual(server.world.state.chat(ann)?.keyboard, reply_markup);
  assert.equal(server.world.state.chat(ann)?.blocked, true);
  server.unblock(ann);
  assert.equal(server.sendText(ann, 'again').message_id, 5);
});

test('unconfirmed updates are delivered after a restart, confirmed ones are not', async (t) => {
  const dataDir = await createFolder(t);
  let next = 0;
  {
    await using server = await open(dataDir);
    server.addUser({ id: ann, first_name: 'Ann' });
    for (const text of ['a', 'b', 'c']) server.sendText(ann, text);
    const [first] = await ok(call(server, 'getUpdates', { allowed_updates: ['message', 'poll'] }));
    await ok(call(server, 'getUpdates', { offset: (first?.update_id ?? 0) + 1 }));
    next = (first?.update_id ?? 0) + 1;
  }
  await using server = await open(dataDir);
  server.sendText(ann, 'd');
  server.block(ann);
  const updates = await ok(call(server, 'getUpdates'));
  assert.deepEqual(
    updates.map(({ update_id, message }) => [update_id - next, message?.text]),
    [
      [0, 'b'],
      [1, 'c'],
      [2, 'd'],
    ],
  );
});

test('files and what was said about them survive', async (t) => {
  const dataDir = await createFolder(t);
  const bytes = new Uint8Array(5000).fill(9);
  let fileId = '';
  {
    await using server = await open(dataDir);
    server.addUser({ id: ann, first_name: 'Ann' });
    const { document } = server.sendDocument(ann, bytes, { fileName: 'all.zip' });
    server.sendDocument(ann, { sizeBytes: 3 }, { fileName: 'claimed.bin' });
    fileId = document?.file_id ?? '';
  }
  await using server = await open(dataDir);
  assert.deepEqual(new Uint8Array(server.fileBytes(fileId)), bytes);
  const file = await ok(call(server, 'getFile', { file_id: fileId }));
  const url = `${server.url}/file/bot${testToken}/${file.file_path}`;
  assert.deepEqual(new Uint8Array(await (await fetch(url)).arrayBuffer()), bytes);
  const again = await ok(call(server, 'sendDocument', { chat_id: ann, document: fileId }));
  assert.equal(again.document.file_name, 'all.zip');
  const { document } = server.sendDocument(ann, bytes, { fileName: 'other.zip' });
  assert.notEqual(server.world.files.get(document?.file_id ?? '')?.path, file.file_path);
});

test('purses, invoices, payments, settings and the webhook survive', async (t) => {
  const dataDir = await createFolder(t);
  const url = 'http://127.0.0.1:9/hook';
  let chargeId = '';
  let invoiceId = 0;
  const agree = async (server: BotApiServer) => {
    const updates = await ok(call(server, 'getUpdates', { timeout: 5 }));
    const query = updates.findLast((update) => update.pre_checkout_query)?.pre_checkout_query;
    const answer = { pre_checkout_query_id: query?.id ?? '', ok: true };
    await ok(call(server, 'answerPreCheckoutQuery', answer));
  };
  {
    await using server = await open(dataDir);
    server.addUser({ id: ann, first_name: 'Ann', language_code: 'en' });
    server.addStars(ann, 30);
    const invoice = await ok(
      call(server, 'sendInvoice', {
        chat_id: ann,
        title: 'T',
        description: 'D',
        payload: 'p',
        currency: 'XTR',
        prices: [{ label: 'x', amount: 10 }],
      }),
    );
    invoiceId = invoice.message_id;
    const [outcome] = await Promise.all([server.pay(ann, invoiceId), agree(server)]);
    chargeId = outcome.kind === 'paid' ? outcome.chargeId : '';
    const commands = [{ command: 'start', description: 'Begin' }];
    await ok(call(server, 'setMyCommands', { commands, language_code: 'en' }));
    await ok(call(server, 'setMyDescription', { description: 'Words' }));
    await ok(call(server, 'setWebhook', { url, secret_token: 's' }));
  }
  await using server = await open(dataDir);
  assert.equal((await ok(call(server, 'getWebhookInfo'))).url, url);
  await ok(call(server, 'deleteWebhook', { drop_pending_updates: true }));
  assert.equal(server.stars(ann), 20);
  assert.deepEqual(server.commandsFor(ann), [{ command: 'start', description: 'Begin' }]);
  assert.equal(server.profileFor(ann).description, 'Words');
  const [outcome] = await Promise.all([server.pay(ann, invoiceId), agree(server)]);
  assert.equal(outcome.kind, 'paid');
  const refund = { user_id: ann, telegram_payment_charge_id: chargeId };
  await ok(call(server, 'refundStarPayment', refund));
  assert.match(await refusal(call(server, 'refundStarPayment', refund)), /ALREADY_REFUNDED/);
  assert.equal(server.stars(ann), 20);
  assert.deepEqual(await ok(call(server, 'getMyStarBalance')), { amount: 10 });
});

test('what was answered before a kill -9 is there afterwards', async (t) => {
  const dataDir = await createFolder(t);
  const { running, url } = await startElsewhere(t, dataDir);
  const answered: number[] = [];
  const sending = (async () => {
    for (let text = 0; ; text += 1) {
      const { message_id } = await ok(call({ url }, 'sendMessage', { chat_id: ann, text }));
      answered.push(message_id);
      if (answered.length === 20) void running.kill('SIGKILL');
    }
  })();
  await assert.rejects(sending, /fetch failed/);
  await running.exited;
  await using server = await open(dataDir);
  const kept = server.messages(ann).map(({ message_id }) => message_id);
  assert.ok(answered.length >= 20);
  assert.deepEqual(kept.slice(0, answered.length), answered);
});

test('a half-written tail does not keep the server from starting', async (t) => {
  const dataDir = await createFolder(t);
  const { running, url } = await startElsewhere(t, dataDir);
  for (const text of ['one', 'two', 'three']) {
    await ok(call({ url }, 'sendMessage', { chat_id: ann, text }));
  }
  await running.kill('SIGKILL');
  const log = join(dataDir, 'sandbox.db-wal');
  await truncate(log, (await stat(log)).size - 1000);
  await appendFile(log, Buffer.alloc(3000, 7));
  await using server = await open(dataDir);
  const texts = server.messages(ann).map(({ text }) => text);
  assert.deepEqual(texts, ['one', 'two']);
  server.sendText(ann, 'four');
});

test('a folder has one server at a time, until that server ends in any way', async (t) => {
  const dataDir = await createFolder(t);
  const { running } = await startElsewhere(t, dataDir);
  await assert.rejects(open(dataDir), /sandbox\.db is in use by another server/);
  await running.kill('SIGKILL');
  await using server = await open(dataDir);
  assert.equal(server.messages(ann).length, 0);
});

test('a folder of something else is left alone and named', async (t) => {
  const dataDir = await createFolder(t);
  const path = join(dataDir, 'sandbox.db');
  await writeFile(path, 'x'.repeat(5000));
  await assert.rejects(open(dataDir), /sandbox\.db cannot be read .*: move it away/);
  assert.equal(await readFile(path, 'utf8'), 'x'.repeat(5000));
});
