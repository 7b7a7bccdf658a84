import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { Update } from 'grammy/types';
import { startSandbox } from '../support/sandbox.ts';
import { call, ok, refusal } from './call.ts';

interface Delivery {
  update: Update;
  secret: string | string[] | undefined;
}

/** A bot behind a webhook; `respond` decides what it says to each delivery. */
async function startReceiver(
  t: TestContext,
  respond: (delivery: Delivery, nth: number) => { status: number; body?: unknown },
) {
  const deliveries: Delivery[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const secret = request.headers['x-telegram-bot-api-secret-token'];
    const update = JSON.parse(Buffer.concat(chunks).toString()) as Update;
    deliveries.push({ update, secret });
    const { status, body } = respond({ update, secret }, deliveries.length);
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(body === undefined ? '' : JSON.stringify(body));
    for (const one of waiting) if (deliveries.length >= one.count) one.resolve();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const received = async (count: number) => {
    if (deliveries.length < count) {
      await new Promise<void>((resolve) => waiting.push({ count, resolve }));
    }
    return deliveries;
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, received };
}

test('updates are posted with the secret, one chat in order, until accepted', async (t) => {
  const server = await startSandbox(t);
  server.addUser({ id: 7, first_name: 'Ann' });
  const receiver = await startReceiver(t, (_delivery, nth) => ({ status: nth === 1 ? 500 : 200 }));
  await ok(call(server, 'setWebhook', { url: receiver.url, secret_token: 's3cret' }));
  server.sendText(7, 'first');
  server.sendText(7, 'second');
  const deliveries = await receiver.received(3);
  assert.deepEqual(
    deliveries.map(({ update, secret }) => [update.message?.text, secret]),
    [
      ['first', 's3cret'],
      ['first', 's3cret'],
      ['second', 's3cret'],
    ],
  );
  const info = await ok(call(server, 'getWebhookInfo'));
  assert.equal(info.url, receiver.url);
  assert.match(info.last_error_message ?? '', /500/);
});

test('a chat that is stuck does not keep other chats waiting', async (t) => {
  const server = await startSandbox(t);
  server.addUser({ id: 7, first_name: 'Ann' });
  server.addUser({ id: 8, first_name: 'Bob' });
  const receiver = await startReceiver(t, ({ update }) => ({
    status: update.message?.chat.id === 7 ? 500 : 200,
  }));
  await ok(call(server, 'setWebhook', { url: receiver.url }));
  server.sendText(7, 'stuck');
  server.sendText(8, 'fine');
  const deliveries = await receiver.received(2);
  assert.ok(deliveries.some(({ update }) => update.message?.text === 'fine'));
});

test('the answer to a delivery may be a method call', async (t) => {
  const server = await startSandbox(t);
  server.addUser({ id: 7, first_name: 'Ann' });
  const receiver = await startReceiver(t, () => ({
    status: 200,
    body: { method: 'sendMessage', chat_id: 7, text: 'by the way' },
  }));
  await ok(call(server, 'setWebhook', { url: receiver.url }));
  const answered = new Promise<void>((resolve) => {
    server.on('change', () => {
      if (server.messages(7).some(({ text }) => text === 'by the way')) resolve();
    });
  });
  server.sendText(7, 'hello');
  await answered;
});

test('polling is refused while a webhook is set and gets the rest after its removal', async (t) => {
  const server = await startSandbox(t);
  server.addUser({ id: 7, first_name: 'Ann' });
  const receiver = await startReceiver(t, () => ({ status: 503 }));
  await ok(call(server, 'setWebhook', { url: receiver.url }));
  assert.match(
    await refusal(call(server, 'getUpdates')),
    /^409 Conflict: can't use getUpdates method while webhook is active/,
  );
  server.sendText(7, 'unanswered');
  await receiver.received(1);
  await ok(call(server, 'deleteWebhook'));
  const [update] = await ok(call(server, 'getUpdates'));
  assert.equal(update?.message?.text, 'unanswered');
});

test('a secret with characters Telegram does not allow is refused', async (t) => {
  const server = await startSandbox(t);
  const payload = { url: 'http://127.0.0.1/', secret_token: 'no spaces' };
  assert.equal(
    await refusal(call(server, 'setWebhook', payload)),
    '400 Bad Request: secret token contains unallowed characters',
  );
});

test('setting a webhook ends a poll under way', async (t) => {
  const server = await startSandbox(t);
  const receiver = await startReceiver(t, () => ({ status: 200 }));
  const polling = refusal(call(server, 'getUpdates', { timeout: 20 }));
  while (server.calls.length === 0) await new Promise((resolve) => setImmediate(resolve));
  await ok(call(server, 'setWebhook', { url: receiver.url }));
  assert.equal(await polling, '409 Conflict: terminated by setWebhook request');
});
