import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { startSandbox } from '../support/sandbox.ts';
import { call, ok, refusal } from './call.ts';

const chat_id = 7;

async function start(t: TestContext, allowViolations = false) {
  const server = await startSandbox(t, { allowViolations });
  server.addUser({ id: chat_id, first_name: 'Ann', username: 'ann', language_code: 'ru' });
  const say = (payload: Record<string, unknown>) =>
    call(server, 'sendMessage', { chat_id, text: 'x', ...payload });
  return { server, say };
}

test('a mention by id shows the person meant, and a stranger is plain text', async (t) => {
  const { say, server } = await start(t);
  const html = '<a href="tg://user?id=7">her</a> and <a href="tg://user?id=99">him</a>';
  const message = await ok(say({ text: html, parse_mode: 'HTML' }));
  const { user } = server.world.state.chat(chat_id) ?? {};
  assert.deepEqual(message.entities, [{ type: 'text_mention', offset: 0, length: 3, user }]);
});

test('a reply quotes what is really there', async (t) => {
  const { say, server } = await start(t, true);
  const { message_id } = server.sendText(chat_id, 'one two three');
  const reply = (quote: string, quote_parse_mode?: string) =>
    say({ reply_parameters: { message_id, quote, quote_parse_mode } });
  const { quote } = await ok(reply('<b>two</b>', 'HTML'));
  const entities = [{ type: 'bold', offset: 0, length: 3 }];
  assert.deepEqual(quote, { text: 'two', position: 4, is_manual: true, entities });
  assert.equal(await refusal(reply('four')), '400 Bad Request: QUOTE_TEXT_INVALID');
});

test('link previews are as asked for, and an edit asks anew', async (t) => {
  const { say, server } = await start(t);
  const text = 'https://example.org';
  const link_preview_options = { url: 'https://example.org/b', show_above_text: true };
  const message = await ok(say({ text, link_preview_options }));
  assert.deepEqual(message.link_preview_options, link_preview_options);
  const edit = { chat_id, message_id: message.message_id, text };
  await ok(call(server, 'editMessageText', edit));
  assert.equal(server.messages(chat_id)[0]?.link_preview_options, undefined);
});

test('effects, drafts, places and contacts are seen by the person', async (t) => {
  const { say, server } = await start(t);
  const chat = server.world.state.chat(chat_id);
  await ok(call(server, 'sendMessageDraft', { chat_id, draft_id: 1, text: 'Thin' }));
  assert.deepEqual(chat?.draft, { text: 'Thin' });
  const message = await ok(say({ message_effect_id: '5104841245755180586' }));
  assert.equal(message.effect_id, '5104841245755180586');
  assert.equal(chat?.draft, undefined);
  const at = { latitude: 55.75, longitude: 37.62 };
  const place = { ...at, title: 'Kremlin', address: 'Moscow' };
  assert.deepEqual((await ok(call(server, 'sendLocation', { chat_id, ...at }))).location, at);
  assert.equal((await ok(call(server, 'sendVenue', { chat_id, ...place }))).venue.title, 'Kremlin');
  const phone = { phone_number: '+7', first_name: 'Ben' };
  assert.deepEqual((await ok(call(server, 'sendContact', { chat_id, ...phone }))).contact, phone);
});

test('an album stays one when it is forwarded or copied, in strictly increasing order', async (t) => {
  const { server } = await start(t);
  for (let part = 0; part < 2; part += 1) {
    server.sendPhoto(chat_id, new Uint8Array([1]), { mediaGroupId: 'a', caption: `${part}` });
  }
  const source = { chat_id, from_chat_id: chat_id };
  await ok(call(server, 'forwardMessages', { ...source, message_ids: [1, 2] }));
  await ok(call(server, 'copyMessages', { ...source, message_ids: [1, 2], remove_caption: true }));
  const groups = server.messages(chat_id).map((message) => message.media_group_id);
  assert.equal(new Set(groups).size, 3);
  assert.equal(groups[2], groups[3]);
  assert.deepEqual(
    server.messages(chat_id).map(({ caption }) => caption),
    ['0', '1', '0', '1', undefined, undefined],
  );
  assert.equal(
    await refusal(call(server, 'copyMessages', { ...source, message_ids: [2, 1] })),
    '400 Bad Request: message identifiers must be in a strictly increasing order',
  );
});

test('both sides react to messages', async (t) => {
  const { server } = await start(t, true);
  const { message_id } = server.sendText(chat_id, 'hi');
  const react = (...reaction: unknown[]) =>
    call(server, 'setMessageReaction', { chat_id, message_id, reaction });
  await ok(react({ type: 'emoji', emoji: '🔥' }));
  server.react(chat_id, message_id, '👍');
  assert.deepEqual(server.world.state.reactions(chat_id, message_id), { bot: '🔥', person: '👍' });
  await ok(react());
  assert.deepEqual(server.world.state.reactions(chat_id, message_id), { person: '👍' });
  assert.match(await refusal(react({ type: 'emoji', emoji: '🧨' })), /REACTION_INVALID/);
  await ok(call(server, 'getUpdates', { allowed_updates: ['message_reaction'] }));
  server.react(chat_id, message_id);
  const [, update] = await ok(call(server, 'getUpdates'));
  const { old_reaction, new_reaction } = update?.message_reaction ?? {};
  assert.deepEqual([old_reaction, new_reaction], [[{ type: 'emoji', emoji: '👍' }], []]);
});

test('a person replies, edits what they said, and tells where they are and their number', async (t) => {
  const { server, say } = await start(t);
  const { message_id } = await ok(say({ text: 'Where?' }));
  const first = server.sendText(chat_id, 'Here', { replyTo: message_id });
  assert.equal(first.reply_to_message?.text, 'Where?');
  server.editText(chat_id, first.message_id, 'Here: /there');
  server.sendLocation(chat_id, 1, 2);
  server.sendContact(chat_id, '+49');
  const updates = await ok(call(server, 'getUpdates'));
  assert.equal(updates[1]?.edited_message?.entities?.[0]?.type, 'bot_command');
  assert.equal(updates[1]?.edited_message?.message_id, first.message_id);
  assert.deepEqual(updates[2]?.message?.location, { latitude: 1, longitude: 2 });
  assert.deepEqual(updates[3]?.message?.contact, {
    phone_number: '+49',
    first_name: 'Ann',
    user_id: chat_id,
  });
  assert.throws(() => server.editText(chat_id, message_id, 'x'), /has no message/);
});

test('a person changes their name and language', async (t) => {
  const { server } = await start(t);
  server.sendText(chat_id, 'before');
  server.changeUser(chat_id, { first_name: 'Anna', language_code: 'en' });
  server.sendText(chat_id, 'after');
  const updates = await ok(call(server, 'getUpdates'));
  assert.deepEqual(
    updates.map(({ message }) => [message?.from.first_name, message?.from.language_code]),
    [
      ['Ann', 'ru'],
      ['Anna', 'en'],
    ],
  );
  assert.equal((await ok(call(server, 'getChat', { chat_id }))).first_name, 'Anna');
});

test('a chat has the person and the bot as its members', async (t) => {
  const { server } = await start(t, true);
  const member = (user_id: number) => call(server, 'getChatMember', { chat_id, user_id });
  assert.equal((await ok(member(chat_id))).status, 'member');
  assert.equal((await ok(member(server.world.state.bot.id))).user.is_bot, true);
  assert.equal(await refusal(member(99)), '400 Bad Request: user not found');
  assert.equal(await ok(call(server, 'getChatMemberCount', { chat_id })), 2);
  const photos = await ok(call(server, 'getUserProfilePhotos', { user_id: chat_id }));
  assert.deepEqual(photos, { total_count: 0, photos: [] });
  assert.match(
    await refusal(call(server, 'getChatAdministrators', { chat_id })),
    /there are no administrators in the private chat/,
  );
});

test('a message older than two days cannot be deleted any more', async (t) => {
  const { server, say } = await start(t);
  const { message_id } = await ok(say({}));
  const message = server.world.state.find(chat_id, message_id);
  assert.ok(message);
  server.world.state.replace({ ...message, date: message.date - 48 * 3600 - 1 });
  assert.equal(
    await refusal(call(server, 'deleteMessage', { chat_id, message_id })),
    "400 Bad Request: message can't be deleted",
  );
  await ok(call(server, 'deleteMessages', { chat_id, message_ids: [message_id] }));
  assert.equal(server.messages(chat_id).length, 1);
});

test('a keyboard is shown, and removed again', async (t) => {
  const { server, say } = await start(t, true);
  await ok(say({ reply_markup: { keyboard: [['Yes', { text: 'No' }]], one_time_keyboard: true } }));
  assert.deepEqual(server.world.state.chat(chat_id)?.keyboard, {
    keyboard: [[{ text: 'Yes' }, { text: 'No' }]],
    one_time_keyboard: true,
  });
  await ok(say({ reply_markup: { remove_keyboard: true } }));
  assert.deepEqual(server.world.state.chat(chat_id)?.keyboard, { remove_keyboard: true });
});

test('100 buttons are shown, 101 are too many', async (t) => {
  const { say } = await start(t);
  const buttons = (count: number) => ({
    reply_markup: {
      inline_keyboard: Array.from({ length: count }, (_, n) => [
        { text: `${n}`, callback_data: `${n}` },
      ]),
    },
  });
  await ok(say(buttons(100)));
  assert.equal(await refusal(say(buttons(101))), '400 Bad Request: reply markup is too long');
});

test('each person sees the commands and words made for them', async (t) => {
  const { server } = await start(t);
  server.addUser({ id: 8, first_name: 'Ben', language_code: 'en-GB' });
  const command = (name: string) => [{ command: name, description: name }];
  const set = (name: string, rest: Record<string, unknown> = {}) =>
    ok(call(server, 'setMyCommands', { commands: command(name), ...rest }));
  const seen = (id: number) => server.commandsFor(id).map((one) => one.command);
  await set('all');
  await set('russian', { language_code: 'ru' });
  assert.deepEqual([seen(chat_id), seen(8)], [['russian'], ['all']]);
  await set('private', { scope: { type: 'all_private_chats' } });
  await set('own', { scope: { type: 'chat', chat_id: 8 } });
  assert.deepEqual([seen(chat_id), seen(8)], [['private'], ['own']]);
  await ok(call(server, 'setMyName', { name: 'Morpher' }));
  await ok(call(server, 'setMyName', { name: 'Морфер', language_code: 'ru' }));
  const menu_button = { type: 'commands' };
  await ok(call(server, 'setChatMenuButton', { chat_id: 8, menu_button }));
  assert.equal(server.profileFor(chat_id).name, 'Морфер');
  assert.deepEqual(server.profileFor(chat_id).menuButton, { type: 'default' });
  assert.equal(server.profileFor(8).name, 'Morpher');
  assert.deepEqual(server.profileFor(8).menuButton, menu_button);
  assert.equal((await ok(call(server, 'getMe'))).first_name, 'Morpher');
});
