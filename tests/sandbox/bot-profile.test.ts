import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startSandbox, testToken } from '../support/sandbox.ts';
import { call, ok, refusal } from './call.ts';

test('the bot is who its token and its options say', async (t) => {
  const server = await startSandbox(t, { botUsername: 'other_bot' });
  const me = await ok(call(server, 'getMe'));
  assert.equal(me.id, Number(testToken.split(':')[0]));
  assert.equal(me.username, 'other_bot');
  assert.equal(me.is_bot, true);
});

test('commands are kept apart by scope and language', async (t) => {
  const server = await startSandbox(t);
  server.addUser({ id: 7, first_name: 'Ann' });
  const admin = { type: 'chat' as const, chat_id: 7 };
  const start = [{ command: 'start', description: 'Begin' }];
  const begin = [{ command: 'start', description: 'Начать' }];
  const stats = [{ command: 'stats', description: 'Numbers' }];
  await ok(call(server, 'setMyCommands', { commands: start }));
  await ok(call(server, 'setMyCommands', { commands: begin, language_code: 'ru' }));
  await ok(call(server, 'setMyCommands', { commands: stats, scope: admin }));
  const get = (payload = {}) => ok(call(server, 'getMyCommands', payload));
  assert.deepEqual(await get(), start);
  assert.deepEqual(await get({ language_code: 'ru' }), begin);
  assert.deepEqual(await get({ scope: admin }), stats);
  await ok(call(server, 'deleteMyCommands', { scope: admin }));
  assert.deepEqual(await get({ scope: admin }), []);
});

test('commands Telegram does not allow are refused', async (t) => {
  const server = await startSandbox(t, { allowViolations: true });
  const set = (commands: object[]) => refusal(call(server, 'setMyCommands', { commands }));
  assert.match(await set([{ command: 'Start', description: 'x' }]), /BOT_COMMAND_INVALID/);
  assert.match(await set([{ command: 'start', description: '' }]), /COMMAND_DESCRIPTION_INVALID/);
  const many = Array.from({ length: 101 }, (_, i) => ({ command: `c${i}`, description: 'x' }));
  assert.match(await set(many), /BOT_COMMANDS_TOO_MUCH/);
});

test('descriptions fall back to the one for all languages', async (t) => {
  const server = await startSandbox(t, { allowViolations: true });
  await ok(call(server, 'setMyDescription', { description: 'Morphs' }));
  await ok(call(server, 'setMyDescription', { description: 'Морфы', language_code: 'ru' }));
  const get = async (language_code: string) =>
    (await ok(call(server, 'getMyDescription', { language_code }))).description;
  assert.equal(await get('ru'), 'Морфы');
  assert.equal(await get('de'), 'Morphs');
  const tooLong = { short_description: 'x'.repeat(121) };
  assert.match(await refusal(call(server, 'setMyShortDescription', tooLong)), /TOO_LONG/);
});

test('a menu button is set for a chat or for all', async (t) => {
  const server = await startSandbox(t);
  server.addUser({ id: 7, first_name: 'Ann' });
  const get = (payload = {}) => ok(call(server, 'getChatMenuButton', payload));
  assert.deepEqual(await get({ chat_id: 7 }), { type: 'default' });
  await ok(call(server, 'setChatMenuButton', { menu_button: { type: 'commands' } }));
  assert.deepEqual(await get({ chat_id: 7 }), { type: 'commands' });
});
