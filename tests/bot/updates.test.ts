import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createBot } from '../../src/bot/create-bot.ts';
import { DatabaseDown, pictures, startRig, until } from './rig.ts';

test('every update is stored before Telegram may forget it, and marked when handled', async (t) => {
  const rig = await startRig(t);
  const ann = rig.person(1, 'Ann');
  ann.say('/help');
  await ann.waitForMessage({ text: /How it works/ });
  await until(() => rig.updates.size === 1 && [...rig.updates.values()][0]?.handled);
});

test('only the updates the bot handles are asked for', async (t) => {
  const rig = await startRig(t);
  await until(() => rig.server.calls.some(({ method }) => method === 'getUpdates'));
  const { payload } = rig.server.calls.find(({ method }) => method === 'getUpdates') ?? {};
  assert.deepEqual(payload?.['allowed_updates'], [
    'message',
    'callback_query',
    'my_chat_member',
    'pre_checkout_query',
  ]);
});

test('what a killed process left unhandled comes first after a restart', async (t) => {
  const rig = await startRig(t, { start: false });
  const ann = rig.person(1, 'Ann');
  ann.say('/help');
  const [update] = rig.server.world.updates.waiting();
  assert.ok(update);
  rig.updates.set(update.update_id, { payload: update, handled: false });
  await rig.bot.start();
  await ann.waitForMessage({ text: /How it works/ });
  ann.say('/balance');
  await ann.waitForMessage({ text: /Your balance/ });
  const helps = ann.messages().filter(({ text }) => /How it works/.test(text ?? ''));
  assert.equal(helps.length, 1, 'Telegram delivered it again, it was handled once');
});

test('a repeated update_id is handled once', async (t) => {
  const rig = await startRig(t);
  const ann = rig.person(1, 'Ann');
  ann.say('/help');
  await ann.waitForMessage({ text: /How it works/ });
  const [id = 0] = rig.updates.keys();
  const from = { id: 1, is_bot: false, first_name: 'Ann' };
  const chat = { id: 1, type: 'private', first_name: 'Ann' } as const;
  const entities = [{ type: 'bot_command', offset: 0, length: 5 }] as const;
  const message = { message_id: 1, date: 1, chat, from, text: '/help', entities: [...entities] };
  rig.server.pushUpdate({ update_id: id, message });
  ann.say('/balance');
  await ann.waitForMessage({ text: /Your balance/ });
  assert.equal(ann.messages().filter(({ text }) => /How it works/.test(text ?? '')).length, 1);
});

test('a bot that is stopped while it looks into its inbox asks for nothing more', async (t) => {
  const looked = Promise.withResolvers<unknown[]>();
  const looking = Promise.withResolvers<void>();
  const rig = await startRig(t, { start: false });
  rig.deps.inbox.takeUnhandled = () => {
    looking.resolve();
    return looked.promise;
  };
  await rig.bot.start();
  await looking.promise;
  const stopped = rig.bot.stop(60_000);
  looked.resolve([]);
  await stopped;
  assert.ok(!rig.server.calls.some(({ method }) => method === 'getUpdates'));
});

describe('while the database is away', () => {
  test('nothing is confirmed to Telegram, and everything is handled afterwards', async (t) => {
    const rig = await startRig(t);
    const ann = rig.person(1, 'Ann');
    ann.say('/start');
    await ann.waitForMessage({ has: 'animation' });
    await until(() => [...rig.updates.values()].every(({ handled }) => handled));
    rig.database.down = true;
    ann.say('/help');
    ann.sendPhotos(await pictures(3), { album: true });
    await sleep(150);
    assert.equal(rig.server.world.updates.waiting().length, 4, 'Telegram still keeps them');
    rig.database.down = false;
    await ann.waitForMessage({ text: /How it works/ });
    await ann.waitForMessage({ text: /^3 photos/ });
    assert.ok(!ann.transcript().includes('Something went wrong'));
  });

  test('an update that was being handled is tried again', async (t) => {
    const rig = await startRig(t);
    const ann = rig.person(1, 'Ann');
    for (let times = 0; times < 3; times += 1) {
      rig.orders.failures.push({ method: 'active', error: new DatabaseDown('gone'), personId: 1 });
    }
    ann.say('/status');
    await ann.waitForMessage({ text: /Nothing is running/ });
    assert.ok(!ann.transcript().includes('Something went wrong'));
  });
});

describe('a Telegram in trouble', () => {
  test('cut connections, 5xx and flood control are sat out', async (t) => {
    const rig = await startRig(t);
    const ann = rig.person(1, 'Ann');
    for (const kind of ['reset', '5xx', 'reset-after'] as const) {
      rig.server.faults.add({ kind, method: 'getUpdates' });
    }
    rig.server.faults.add({ kind: '429', retryAfter: 1, method: 'getUpdates' });
    ann.say('/help');
    await ann.waitForMessage({ text: /How it works/ });
    const helps = ann.messages().filter(({ text }) => /How it works/.test(text ?? ''));
    assert.equal(helps.length, 1);
  });

  test('another poller is named in the log, and the bot goes on', async (t) => {
    const rig = await startRig(t);
    const ann = rig.person(1, 'Ann');
    const url = `${rig.server.url}/bot4200:TEST-token/getUpdates?timeout=0&offset=-1`;
    await until(() => rig.server.calls.some(({ method }) => method === 'getUpdates'));
    await (await fetch(url)).arrayBuffer();
    await until(() => rig.logged.some((line) => line.includes('Another process')));
    ann.say('/help');
    await ann.waitForMessage({ text: /How it works/ });
  });

  test('that is away at the start is waited for', async (t) => {
    const rig = await startRig(t, { start: false });
    rig.server.faults.add({ kind: '5xx', method: 'getMe', times: 6 });
    rig.server.faults.add({ kind: 'reset', method: 'deleteWebhook', times: 6 });
    await rig.bot.start();
    const ann = rig.person(1, 'Ann');
    ann.say('/help');
    await ann.waitForMessage({ text: /How it works/ });
  });

  test('a stop ends the waiting for it', async (t) => {
    const rig = await startRig(t, { start: false });
    rig.server.faults.add({ kind: '5xx', method: 'getMe', times: 1_000 });
    const starting = rig.bot.start();
    await sleep(50);
    await rig.bot.stop(1_000);
    await starting;
  });
});

test('a token that is not accepted ends the start with one clear sentence', async (t) => {
  const rig = await startRig(t, { start: false, allowViolations: true });
  const bot = createBot({ ...rig.deps, token: '1:wrong' });
  t.after(() => bot.stop(100));
  await assert.rejects(bot.start(), {
    message: 'Telegram does not accept the bot token (BOT_TOKEN)',
  });
});

describe('a stop', () => {
  test('lets the running handler end and takes nothing more', async (t) => {
    const rig = await startRig(t);
    const ann = rig.person(1, 'Ann');
    const findOpen = rig.orders.findOpen;
    let reached = false;
    rig.orders.findOpen = async (personId) => {
      reached = true;
      await sleep(200);
      return findOpen(personId);
    };
    ann.say('/status');
    await until(() => reached);
    await rig.bot.stop(2_000);
    assert.match(ann.lastMessage()?.text ?? '', /Nothing is running/);
    assert.ok([...rig.updates.values()].every(({ handled }) => handled));
    ann.say('/help');
    await sleep(100);
    assert.ok(!ann.transcript().includes('How it works'));
  });

  test('does not wait longer than it may; the update is handled by the next process', async (t) => {
    const rig = await startRig(t);
    const ann = rig.person(1, 'Ann');
    const findOpen = rig.orders.findOpen;
    rig.orders.findOpen = () => new Promise(() => {});
    ann.say('/status');
    await until(() => rig.updates.size === 1);
    const began = Date.now();
    await rig.bot.stop(200);
    assert.ok(Date.now() - began < 1_000);
    rig.orders.findOpen = findOpen;
    await rig.restart();
    await ann.waitForMessage({ text: /Nothing is running/ });
  });
});

test('a handler that a stop takes its tools from is not apologised for, but done by the next process', async (t) => {
  const rig = await startRig(t);
  const ann = rig.person(1, 'Ann');
  const { active } = rig.orders;
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<never>();
  rig.orders.active = () => {
    asked.resolve();
    return answer.promise;
  };
  ann.say('/status');
  await asked.promise;
  await rig.bot.stop(0);
  answer.reject(new Error('The morph engine was stopped'));
  await until(() => rig.logged.some((line) => line.includes('The morph engine was stopped')));
  rig.orders.active = active;
  await rig.restart();
  await ann.waitForMessage({ text: /Nothing is running/ });
  assert.ok(!/broke/.test(ann.transcript()));
});

test('people are served at the same time, one person in order', async (t) => {
  const rig = await startRig(t);
  const ann = rig.person(1, 'Ann');
  const bob = rig.person(2, 'Bob');
  let release = () => {};
  const slow = new Promise<void>((resolve) => {
    release = resolve;
  });
  const active = rig.orders.active;
  rig.orders.active = async (personId) => {
    if (personId === 1) await slow;
    return active(personId);
  };
  ann.say('/status');
  ann.say('/balance');
  bob.say('/balance');
  await bob.waitForMessage({ text: /Your balance/ });
  assert.ok(!ann.transcript().includes('Your balance'));
  release();
  await ann.waitForMessage({ text: /Your balance/ });
  const words = ann.messages().map(({ text }) => text ?? '');
  assert.ok(
    words.findIndex((text) => /Nothing is running/.test(text)) <
      words.findIndex((text) => /Your balance/.test(text)),
  );
});

test('what one person sends is answered in order, however long each message is looked up', async (t) => {
  const rig = await startRig(t);
  const { conversationStore } = rig.deps;
  const { read } = conversationStore;
  const pauses = [80, 40];
  Object.assign(conversationStore, {
    async read(key: string) {
      if (key.startsWith('support:')) await sleep(pauses.shift() ?? 0);
      return read(key);
    },
  } satisfies Partial<typeof conversationStore>);
  const ann = rig.person(1, 'Ann');
  ann.say('hello');
  ann.say('/wrong');
  ann.say('hello?');
  ann.say('/balance');
  await ann.waitForMessage({ text: /Your balance/ });
  const answers = ann.messages().filter(({ from }) => from?.is_bot);
  const order = [/what to make/, /don't know this command/, /what to make/, /Your balance/];
  for (const [index, text] of order.entries()) assert.match(answers[index]?.text ?? '', text);
  assert.deepEqual(pauses, []);
});

test('a handler that breaks is told kindly in the language of the person', async (t) => {
  const rig = await startRig(t);
  const oleg = rig.person(2, 'Олег', 'ru');
  const error = new Error('secret words of Oleg');
  rig.orders.failures.push({ method: 'active', error, personId: 2 });
  oleg.say('/status');
  await oleg.waitForMessage({ text: /У нас что-то сломалось/ });
  oleg.say('/status');
  await oleg.waitForMessage({ text: /ничего не выполняется/ });
});

test('somebody who blocked the bot is remembered as such, and greeted when back', async (t) => {
  const rig = await startRig(t);
  const ann = rig.person(1, 'Ann');
  ann.say('/start');
  await ann.waitForMessage({ has: 'animation' });
  ann.block();
  await until(() => rig.people.get(1)?.blockedAt);
  ann.unblock();
  ann.say('/start');
  await until(() => rig.orders.returned.length === 1);
  assert.equal(rig.people.get(1)?.blockedAt, null);
});
