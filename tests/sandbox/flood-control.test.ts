import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFloodControl } from '../../src/sandbox/http/flood-control.ts';
import { createFields } from '../../src/sandbox/http/request-fields.ts';
import { startSandbox } from '../support/sandbox.ts';
import { call, ok } from './call.ts';

function createClock(limits: Parameters<typeof createFloodControl>[0]) {
  let nowMs = 0;
  const flood = createFloodControl(limits, () => nowMs);
  const send = (chat_id: number, method = 'sendMessage') =>
    flood.check(method, createFields({ chat_id }));
  return { send, wait: (ms: number) => (nowMs += ms) };
}

test('a chat bears a burst, then one message each second', () => {
  const { send, wait } = createClock({
    chatMessagesPerSecond: 1,
    chatBurst: 3,
    messagesPerSecond: 30,
  });
  for (let count = 0; count < 3; count += 1) send(7);
  const refusal = { code: 429, parameters: { retry_after: 1 } };
  assert.throws(() => send(7), { ...refusal, message: 'Too Many Requests: retry after 1' });
  assert.throws(() => send(7, 'editMessageText'), refusal);
  send(7, 'sendChatAction');
  send(7, 'getChat');
  send(8);
  wait(1000);
  send(7);
  assert.throws(() => send(7), refusal);
});

test('all chats together bear a number of messages each second', () => {
  const { send, wait } = createClock({
    chatMessagesPerSecond: 1,
    chatBurst: 20,
    messagesPerSecond: 2,
  });
  send(1);
  send(2);
  assert.throws(() => send(3), { code: 429 });
  wait(500);
  send(3);
});

test('a server with flood limits refuses what is too much, others nothing', async (t) => {
  const floodLimits = { chatMessagesPerSecond: 0.1, chatBurst: 1, messagesPerSecond: 30 };
  const server = await startSandbox(t, { floodLimits });
  server.addUser({ id: 7, first_name: 'Ann' });
  const send = () => call(server, 'sendMessage', { chat_id: 7, text: 'x' });
  await ok(send());
  const refused = { refused: '429 Too Many Requests: retry after 10', retryAfter: 10 };
  assert.deepEqual(await send(), refused);
  assert.equal(server.messages(7).length, 1);
});
