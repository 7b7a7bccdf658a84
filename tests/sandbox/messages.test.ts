import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { startSandbox } from '../support/sandbox.ts';
import { call, ok, refusal } from './call.ts';

const chat_id = 7;
const keyboard = (data: string) => ({
  inline_keyboard: [[{ text: 'Go', callback_data: data }]],
});

async function start(t: TestContext, allowViolations = false) {
  const server = await startSandbox(t, { allowViolations });
  server.addUser({ id: chat_id, first_name: 'Ann', username: 'ann' });
  return server;
}

test('both sides of a chat share one growing sequence of message ids', async (t) => {
  const server = await start(t);
  server.addUser({ id: 8, first_name: 'Bob' });
  assert.equal(server.sendText(chat_id, 'hi').message_id, 1);
  assert.equal((await ok(call(server, 'sendMessage', { chat_id, text: 'hi' }))).message_id, 2);
  assert.equal(server.sendText(chat_id, 'bye').message_id, 3);
  assert.equal(server.sendText(8, 'hi').message_id, 1);
  const [, fromBot] = server.messages(chat_id);
  assert.equal(fromBot?.from.username, 'morphogram_bot');
  assert.ok(Math.abs((fromBot?.date ?? 0) - Date.now() / 1000) < 5);
});

test('what Telegram refuses to send is refused with its words', async (t) => {
  const server = await start(t, true);
  const send = (payload: Record<string, unknown>) =>
    refusal(call(server, 'sendMessage', { chat_id, text: 'x', ...payload }));
  assert.equal(await send({ chat_id: 99 }), '400 Bad Request: chat not found');
  assert.equal(await send({ chat_id: '' }), '400 Bad Request: chat_id is empty');
  assert.equal(await send({ text: ' \n ' }), '400 Bad Request: message text is empty');
  assert.equal(await send({ text: 'я'.repeat(4097) }), '400 Bad Request: message is too long');
  assert.equal(
    await send({ reply_markup: keyboard(`${'д'.repeat(32)}x`) }),
    '400 Bad Request: BUTTON_DATA_INVALID',
  );
  assert.equal(
    await send({ reply_parameters: { message_id: 99 } }),
    '400 Bad Request: message to be replied not found',
  );
  assert.equal(await send({ parse_mode: 'XML' }), '400 Bad Request: unsupported parse_mode');
  assert.equal(
    await send({ text: 'End.', parse_mode: 'MarkdownV2' }),
    "400 Bad Request: can't parse entities: Character '.' is reserved and must be escaped with the preceding '\\'",
  );
  assert.match(
    await send({ text: '<b>open', parse_mode: 'HTML' }),
    /^400 Bad Request: can't parse entities: Can't find end tag/,
  );
  assert.deepEqual(server.messages(chat_id), []);
});

test('limits hold after the markup has been parsed', async (t) => {
  const server = await start(t);
  const text = `<b>${'a'.repeat(4096)}</b>`;
  const message = await ok(call(server, 'sendMessage', { chat_id, text, parse_mode: 'HTML' }));
  assert.equal(message.text.length, 4096);
  assert.deepEqual(message.entities, [{ type: 'bold', offset: 0, length: 4096 }]);
});

test('64 bytes of callback data are accepted', async (t) => {
  const server = await start(t);
  const reply_markup = keyboard('д'.repeat(32));
  await ok(call(server, 'sendMessage', { chat_id, text: 'x', reply_markup }));
});

test('an edit replaces text and buttons in place; an edit to the same is refused', async (t) => {
  const server = await start(t);
  const reply_markup = keyboard('go');
  const sent = await ok(call(server, 'sendMessage', { chat_id, text: 'one', reply_markup }));
  const edit = (payload: Record<string, unknown>) =>
    call(server, 'editMessageText', { chat_id, message_id: sent.message_id, ...payload });
  assert.equal(
    await refusal(edit({ text: 'one', reply_markup })),
    '400 Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message',
  );
  await ok(edit({ text: '<i>one</i>', parse_mode: 'HTML', reply_markup }));
  await ok(edit({ text: 'one' }));
  const [now] = server.messages(chat_id);
  assert.equal(now?.message_id, sent.message_id);
  assert.equal(now?.reply_markup, undefined);
  assert.equal(now?.entities, undefined);
  assert.ok(now?.edit_date);

  const markup = (payload: Record<string, unknown>) =>
    call(server, 'editMessageReplyMarkup', { chat_id, message_id: sent.message_id, ...payload });
  await ok(markup({ reply_markup }));
  assert.match(await refusal(markup({ reply_markup })), /message is not modified/);
  assert.equal(server.messages(chat_id)[0]?.reply_markup?.inline_keyboard[0]?.[0]?.text, 'Go');
});

test('messages of others, missing ones and media without text cannot be edited', async (t) => {
  const server = await start(t);
  const { message_id } = server.sendText(chat_id, 'mine');
  const edit = (id: number) =>
    refusal(call(server, 'editMessageText', { chat_id, message_id: id, text: 'y' }));
  assert.equal(await edit(message_id), "400 Bad Request: message can't be edited");
  assert.equal(await edit(99), '400 Bad Request: message to edit not found');
  const { message_id: own } = await ok(call(server, 'sendMessage', { chat_id, text: 'x' }));
  assert.equal(
    await refusal(call(server, 'editMessageCaption', { chat_id, message_id: own, caption: 'c' })),
    '400 Bad Request: there is no caption in the message to edit',
  );
});

test('deleted messages are gone for the person, whoever sent them', async (t) => {
  const server = await start(t);
  const mine = server.sendText(chat_id, 'mine');
  const own = await ok(call(server, 'sendMessage', { chat_id, text: 'x' }));
  await ok(call(server, 'deleteMessage', { chat_id, message_id: own.message_id }));
  assert.deepEqual(
    server.messages(chat_id).map(({ message_id }) => message_id),
    [mine.message_id],
  );
  assert.equal(
    await refusal(call(server, 'deleteMessage', { chat_id, message_id: own.message_id })),
    '400 Bad Request: message to delete not found',
  );
  await ok(call(server, 'deleteMessages', { chat_id, message_ids: [own.message_id, 1] }));
  assert.deepEqual(server.messages(chat_id), []);
});

test('a reply shows the original without its own reply', async (t) => {
  const server = await start(t);
  const { message_id } = server.sendText(chat_id, 'question');
  const send = (id: number) =>
    ok(call(server, 'sendMessage', { chat_id, text: 'r', reply_parameters: { message_id: id } }));
  const first = await send(message_id);
  assert.equal(first.reply_to_message?.text, 'question');
  const second = await send(first.message_id);
  assert.equal(second.reply_to_message?.text, 'r');
  assert.equal('reply_to_message' in (second.reply_to_message ?? {}), false);
});

test('messages are copied without and forwarded with their origin', async (t) => {
  const server = await start(t);
  const { message_id } = server.sendText(chat_id, 'original');
  const source = { chat_id, from_chat_id: chat_id, message_id };
  const forwarded = await ok(call(server, 'forwardMessage', source));
  assert.equal(forwarded.forward_origin?.type, 'user');
  const copied = await ok(call(server, 'copyMessage', source));
  const copy = server.messages(chat_id).find((one) => one.message_id === copied.message_id);
  assert.equal(copy?.text, 'original');
  assert.equal(copy?.forward_origin, undefined);
  assert.match(
    await refusal(call(server, 'copyMessage', { ...source, message_id: 99 })),
    /message to copy not found/,
  );
});

test('a person who blocked the bot gets nothing and the bot is told about both turns', async (t) => {
  const server = await start(t);
  server.block(chat_id);
  assert.equal(
    await refusal(call(server, 'sendMessage', { chat_id, text: 'x' })),
    '403 Forbidden: bot was blocked by the user',
  );
  assert.throws(() => server.sendText(chat_id, 'x'), /has to unblock/);
  server.unblock(chat_id);
  await ok(call(server, 'sendMessage', { chat_id, text: 'x' }));
  const updates = await ok(call(server, 'getUpdates'));
  assert.deepEqual(
    updates.map(({ my_chat_member }) => my_chat_member?.new_chat_member.status),
    ['kicked', 'member'],
  );
});

test('a press is answered once; later and unknown answers are too old', async (t) => {
  const server = await start(t);
  const reply_markup = keyboard('go');
  const sent = await ok(call(server, 'sendMessage', { chat_id, text: 'x', reply_markup }));
  const pressed = server.press(chat_id, sent.message_id, 'go');
  const [update] = await ok(call(server, 'getUpdates', { timeout: 5 }));
  const query = update?.callback_query;
  assert.equal(query?.data, 'go');
  assert.deepEqual(query?.message, sent);
  const payload = { callback_query_id: query?.id, text: 'yes', show_alert: true };
  await ok(call(server, 'answerCallbackQuery', payload));
  assert.deepEqual(await pressed, { text: 'yes', showAlert: true });
  assert.equal(
    await refusal(call(server, 'answerCallbackQuery', payload)),
    '400 Bad Request: query is too old and response timeout expired or query ID is invalid',
  );
});

test('a button of a deleted message is pressed on an inaccessible message', async (t) => {
  const server = await start(t);
  const pressed = server.press(chat_id, 99, 'go', { timeoutMs: 2000 });
  const [update] = await ok(call(server, 'getUpdates', { timeout: 5 }));
  assert.equal(update?.callback_query?.message?.date, 0);
  const payload = { callback_query_id: update?.callback_query?.id };
  await ok(call(server, 'answerCallbackQuery', payload));
  assert.deepEqual(await pressed, {});
});

test('commands and links of a person become entities', async (t) => {
  const server = await start(t);
  const message = server.sendText(chat_id, '/start 42 https://example.org/a?b=c, @somebody #tag');
  assert.deepEqual(
    message.entities?.map(({ type, offset, length }) => [
      type,
      message.text?.slice(offset, offset + length),
    ]),
    [
      ['bot_command', '/start'],
      ['url', 'https://example.org/a?b=c'],
      ['mention', '@somebody'],
      ['hashtag', '#tag'],
    ],
  );
});

test('a reply keyboard stays with the chat, not with the message', async (t) => {
  const server = await start(t);
  const reply_markup = { keyboard: [[{ text: 'Menu' }]], resize_keyboard: true };
  const sent = await ok(call(server, 'sendMessage', { chat_id, text: 'x', reply_markup }));
  assert.equal('reply_markup' in sent, false);
  assert.deepEqual(server.world.state.chat(chat_id)?.keyboard, reply_markup);
});

test('chat actions, pins and the chat itself can be asked for', async (t) => {
  const server = await start(t, true);
  const act = (action: string) => call(server, 'sendChatAction', { chat_id, action });
  await ok(act('upload_video'));
  assert.equal(server.world.state.chat(chat_id)?.action?.name, 'upload_video');
  assert.match(await refusal(act('dance')), /wrong parameter action in request/);
  const { message_id } = await ok(call(server, 'sendMessage', { chat_id, text: 'pin me' }));
  await ok(call(server, 'pinChatMessage', { chat_id, message_id }));
  assert.equal((await ok(call(server, 'getChat', { chat_id }))).pinned_message?.text, 'pin me');
  await ok(call(server, 'unpinChatMessage', { chat_id }));
  const chat = await ok(call(server, 'getChat', { chat_id }));
  assert.equal(chat.pinned_message, undefined);
  assert.deepEqual(chat.active_usernames, ['ann']);
});
