import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Update } from 'grammy/types';
import { ADMIN_COMMANDS } from '../../src/bot/commands/admin/admin-command.ts';
import { stars } from '../../src/domain/stars.ts';
import { imageMorphing } from '../../src/services/image-morphing.ts';
import { SERVICES } from '../../src/services/index.ts';
import { buttonLabels } from '../support/chat.ts';
import { ADMIN, pictures, resultIn, startRig, until } from './rig.ts';

/** In the order of the menu; what is added to it need not be named here. */
const COMMANDS = [
  'start',
  'morph',
  'price',
  'balance',
  'topup',
  'history',
  'status',
  'cancel',
  'invite',
  'promo',
  'language',
  'gender',
  'help',
  'privacy',
  'forget_me',
  'terms',
  'paysupport',
];

test('the menus of Telegram and /help show the same list, in both languages', async (t) => {
  const rig = await startRig(t);
  const ann = rig.person(1, 'Ann');
  ann.say('/help');
  const help = await ann.waitForMessage({ text: /How it works/ });
  const listed = [...(help.text ?? '').matchAll(/^\/(\w+) — (.+)$/gm)];
  const everyone = listed.map(([, name = '']) => name);
  assert.deepEqual(
    everyone.filter((name) => COMMANDS.includes(name)),
    COMMANDS,
  );
  const published = () => rig.server.calls.filter(({ method }) => method === 'setMyCommands');
  await until(() => published().length === 4);
  const menus = published();
  const names = menus.map(({ payload }) => {
    const commands = payload['commands'] as { command: string; description: string }[];
    return { names: commands.map(({ command }) => command), first: commands[1]?.description };
  });
  assert.deepEqual(names[0], { names: everyone, first: listed[1]?.[2] });
  assert.equal(menus.filter(({ payload }) => payload['language_code'] === 'ru').length, 2);
  const forAdmin = names.find(({ names: list }) => list.includes('grant'));
  assert.deepEqual(forAdmin?.names, [...everyone, ...ADMIN_COMMANDS]);
  const root = rig.person(ADMIN, 'Root');
  root.say('/help');
  const long = await root.waitForMessage({ text: /For operators/ });
  const theirs = [...(long.text ?? '').matchAll(/^\/(\w+) — .+$/gm)].map(([, name]) => name);
  assert.deepEqual(theirs, [...everyone, ...ADMIN_COMMANDS]);
});

test('/language changes the words at once', async (t) => {
  const rig = await startRig(t);
  const ann = rig.person(1, 'Ann');
  ann.say('/language');
  await ann.press(/Русский/);
  const said = await ann.waitForMessage({ text: /теперь говорю по-русски/ });
  assert.deepEqual(buttonLabels(said), ['✨ Морф · от 44.53 ⭐', 'Баланс', 'Язык', 'Помощь']);
  ann.say('/balance');
  await ann.waitForMessage({ text: /Ваш баланс: 0\.00 ⭐/ });
});

test('/gender keeps the answer', async (t) => {
  const rig = await startRig(t);
  const ann = rig.person(1, 'Ann');
  ann.say('/gender');
  await ann.press(/Female/);
  await ann.waitForMessage({ text: /Noted: female/ });
  assert.equal(rig.people.get(1)?.gender, 'female');
});

test('/balance tells movements in plain words, those of one order as one, and the id for /grant', async (t) => {
  const rig = await startRig(t);
  const ann = rig.person(1, 'Ann');
  rig.balances.set(1, stars(5_570));
  const at = new Date('2026-11-22T10:00:00Z');
  const morph = {
    ...{ serviceType: 'image_morphing', orderId: 'o1', reason: 'cancelled' },
    ...{ source: null, at },
  };
  rig.statement.push(
    ...Array.from({ length: 11 }, () => ({
      kind: 'refund' as const,
      amount: stars(4_453),
      ...morph,
      orderId: 'o2',
    })),
    { kind: 'refund', amount: stars(4_453), ...morph },
    { kind: 'charge', amount: stars(-8_906), ...morph },
    {
      kind: 'top_up',
      source: 'grant',
      amount: stars(10_000),
      serviceType: null,
      orderId: null,
      reason: 'for a friend',
      at,
    },
  );
  ann.say('/balance');
  const { text } = await ann.waitForMessage({ text: /Your balance: 55\.70 ⭐/ });
  assert.match(text ?? '', /22 Nov · \+489\.83 ⭐ · refund, Morph \(11 transitions\)$/m);
  assert.match(text ?? '', /22 Nov · \+44\.53 ⭐ · refund, Morph$/m);
  assert.match(text ?? '', /Your id: 1$/);
  assert.match(text ?? '', /22 Nov · −89\.06 ⭐ · Morph/);
  assert.match(text ?? '', /22 Nov · \+100\.00 ⭐ · added by the operator: for a friend/);
});

test('/privacy and /terms tell what is true, in both languages', async (t) => {
  const rig = await startRig(t);
  const ann = rig.person(1, 'Ann');
  ann.say('/privacy');
  const privacy = await ann.waitForMessage({ text: /Privacy/ });
  assert.match(privacy.text ?? '', /Replicate.*72 hours after delivery/s);
  ann.say('/terms');
  await ann.waitForMessage({ text: /Either the result arrives, or the stars come back/ });
  const oleg = rig.person(2, 'Олег', 'ru');
  oleg.say('/privacy');
  await oleg.waitForMessage({ text: /Replicate.*через 72 часа после отправки/s });
  oleg.say('/terms');
  await oleg.waitForMessage({ text: /Либо результат приходит, либо звёзды/ });
});

test('/privacy tells how long an order waits to be confirmed: never less than a day', async (t) => {
  for (const [retentionHours, draft] of [
    [72, 72],
    [12, 24],
  ] as const) {
    const rig = await startRig(t, {
      rooms: () => ({ limits: { maxPhotos: 20, retentionHours } }),
    });
    const ann = rig.person(1, 'Ann');
    ann.say('/privacy');
    const { text = '' } = await ann.waitForMessage({ text: /Privacy/ });
    assert.match(text, new RegExp(`${retentionHours} hours after delivery`));
    assert.match(text, new RegExp(`deleted ${draft} hours after you last chose it`));
  }
});

for (const [what, services, others] of [
  ['a bot that makes nothing but morphs', [imageMorphing], false],
  ['a bot that makes everything', SERVICES, true],
] as const) {
  test(`/help and /terms of ${what} tell of just that, in both languages`, async (t) => {
    const rig = await startRig(t, { services });
    const says = others ? assert.match : assert.doesNotMatch;
    const ann = rig.person(1, 'Ann');
    ann.say('/help');
    const help = await ann.waitForMessage({ text: /How it works/ });
    says(help.text ?? '', /recording|What else/);
    ann.say('/terms');
    const { text = '' } = await ann.waitForMessage({ text: /^Terms of use\n/ });
    says(text, /speech|[Aa]vatar|recording|pictures,/);
    assert.match(text, /morph video.*your result waits 72 hours for you/s);
    assert.doesNotMatch(text, /\n{3}|\{\{/);
    const oleg = rig.person(2, 'Олег', 'ru');
    oleg.say('/help');
    says((await oleg.waitForMessage({ text: /Как это работает/ })).text ?? '', /запись|Что ещё/);
    oleg.say('/terms');
    const ru = await oleg.waitForMessage({ text: /^Условия использования\n/ });
    says(ru.text ?? '', /озвучк|аватар|запис|снимк/);
    assert.match(ru.text ?? '', /[Мм]орф-видео.*результат ждёт вас 72 часа/s);
  });
}

test('an unknown command, an old button and a stray word are answered kindly', async (t) => {
  const rig = await startRig(t);
  const ann = rig.person(1, 'Ann');
  ann.say('/dance');
  const message = await ann.waitForMessage({ text: /I don't know this command/ });
  const answer = await rig.server.press(1, message.message_id, 'old:button');
  assert.match(answer.text ?? '', /old message.*\/start/);
  ann.say('hello');
  await ann.waitForMessage({ text: /\/start shows everything/ });
});

describe('/grant', () => {
  test('gives stars and tells both; an open order can be continued', async (t) => {
    const rig = await startRig(t);
    const ann = rig.person(1, 'Ann <3');
    const root = rig.person(ADMIN, 'Root');
    ann.say('/gender');
    await ann.press(/Skip/);
    ann.sendPhotos(await pictures(2));
    await ann.waitForMessage({ text: /^2 photos/ });
    await ann.press(/Done/);
    await ann.press(/Seamless/);
    await ann.waitForMessage({ text: /costs 44\.53 ⭐ and your balance is empty/ });
    root.say('/grant 1 100,5 for being nice');
    await root.waitForMessage({ text: /Ann <3 got 100\.50 ⭐ and has 100\.50 ⭐ now/ });
    const told = await ann.waitForMessage({ text: /You got 100\.50 ⭐/, button: /Continue/ });
    await ann.press(/Continue/, { after: told.message_id - 1 });
    await ann.waitForMessage({ text: /After this order: 55\.97 ⭐/ });
  });

  test('refuses what is not a person or not an amount', async (t) => {
    const rig = await startRig(t);
    const root = rig.person(ADMIN, 'Root');
    const refusals: [string, RegExp][] = [
      ['/grant', /Like this/],
      ['/grant 1', /Like this/],
      ['/grant ann 5', /Nobody known as ann has written/],
      ['/grant 1 7.505', /Like this/],
      ['/grant 1 -5', /above 0/],
      ['/grant 1 0', /above 0/],
      ['/grant 1 999999999', /above 0/],
      ['/grant 77 5', /Nobody known as 77 has written to the bot yet/],
    ];
    let after = 0;
    for (const [command, pattern] of refusals) {
      root.say(command);
      after = (await root.waitForMessage({ text: pattern }, { after })).message_id;
    }
    assert.deepEqual([...rig.balances], []);
  });

  test('of one update grants once, however often it is handled', async (t) => {
    const rig = await startRig(t);
    const root = rig.person(ADMIN, 'Root');
    root.say('/start');
    await root.waitForMessage({ button: /Morph/ });
    root.say(`/grant ${ADMIN} 5`);
    await root.waitForMessage({ text: /got 5\.00 ⭐ and has 5\.00/ });
    await rig.replayNewest();
    assert.equal(rig.balances.get(ADMIN), 500);
  });

  test('of one message grants once, whatever the number of its update', async (t) => {
    const rig = await startRig(t);
    const root = rig.person(ADMIN, 'Root');
    root.say('/start');
    await root.waitForMessage({ button: /Morph/ });
    const first = root.say(`/grant ${ADMIN} 5`);
    await root.waitForMessage({ text: /got 5\.00 ⭐ and has 5\.00/ });
    const newest = Math.max(...rig.updates.keys());
    const told = root.lastMessage()?.message_id ?? 0;
    const again = grantUpdate(newest + 1_000, first.message_id);
    rig.server.pushUpdate(again);
    await root.waitForMessage({ text: /and has 5\.00/ }, { after: told });
    assert.equal(rig.balances.get(ADMIN), 500);
    rig.server.pushUpdate(grantUpdate(newest + 1_001, first.message_id + 500));
    await root.waitForMessage({ text: /and has 10\.00/ });
  });

  test('does not exist for others: the answer is that of any unknown command', async (t) => {
    const rig = await startRig(t);
    const ann = rig.person(1, 'Ann');
    ann.say('/dance');
    const unknown = await ann.waitForMessage({ text: /./ });
    ann.say('/grant 1 100');
    const answer = await ann.waitForMessage({ text: /./ }, { after: unknown });
    assert.equal(answer.text, unknown.text);
    assert.deepEqual([...rig.balances], []);
  });
});

describe('/history', () => {
  test('turns pages and sends a video again without uploading', async (t) => {
    const rig = await startRig(t);
    const ann = rig.person(1, 'Ann');
    ann.say('/history');
    await ann.waitForMessage({ text: /no orders yet/ });
    const sent = await rig.bot.chatPort.sendDocument(await resultIn(rig.dir), 1, signal());
    assert.ok(sent.kind === 'sent' && sent.message.fileId);
    for (let index = 0; index < 7; index += 1) {
      const { id } = await rig.orders.open(1, 'image_morphing');
      const order = rig.orders.all.find(({ view }) => view.id === id);
      assert.ok(order);
      Object.assign(order, {
        total: 3,
        finished: 3,
        documentFileIds: [sent.message.fileId],
        messageIds: [sent.message.messageId],
      });
      Object.assign(order.view, { state: 'delivered', price: stars(13_359) });
    }
    ann.say('/history');
    const first = await ann.waitForMessage({ text: /7 orders.*1\. .*5\. /s });
    assert.deepEqual(buttonLabels(first).at(-1), '▶');
    await ann.press(/▶/);
    await ann.waitForMessage({ text: /6\. .*7\. .* · delivered/s, button: /◀/ });
    await ann.press(/↩️ 7/);
    const again = await ann.waitForMessage({ has: 'document' }, { after: first });
    assert.match(again.caption ?? '', /Your morph of 22 Nov\n\n✨ Created with @\w+ ✨$/);
    const uploads = rig.server.calls.filter(
      ({ method, payload }) => method === 'sendDocument' && typeof payload['document'] === 'object',
    );
    assert.equal(uploads.length, 1);
    const answer = await rig.server.press(1, first.message_id, 'again:order99');
    assert.match(answer.text ?? '', /old message/);
  });
});

describe('outside of private chats', () => {
  const group = { id: -5, type: 'group', title: 'Friends' } as const;
  const from = { id: 1, is_bot: false, first_name: 'Ann', language_code: 'en' };
  const message = (text: string, entities: object[] = []) => ({
    message: { message_id: 1, date: 1, chat: group, from, text, entities },
  });

  test('the bot says where it works when it is called, and is silent else', async (t) => {
    const rig = await startRig(t, { allowViolations: true });
    const ann = rig.person(1, 'Ann');
    const replies = () =>
      rig.server.calls.filter(({ payload }) => Number(payload['chat_id']) === -5);
    const bot = rig.server.world.state.bot.username ?? '';
    const command = (length: number) => [{ type: 'bot_command', offset: 0, length }];
    const push = (update: object) => rig.server.pushUpdate(update as never);
    push(message('just talking'));
    push(message('/start@other_bot', command(16)));
    push(message('/morph', command(6)));
    push(message(`hi @${bot}`, [{ type: 'mention', offset: 3, length: bot.length + 1 }]));
    ann.say('/help');
    await ann.waitForMessage({ text: /How it works/ });
    await until(() => replies().length >= 2);
    assert.equal(replies().length, 2);
    assert.match(String(replies()[0]?.payload['text']), /private chats only.*t\.me\//);
  });
});

function grantUpdate(updateId: number, messageId: number): Update {
  const admin = { id: ADMIN, first_name: 'Root' };
  const text = `/grant ${ADMIN} 5`;
  return {
    update_id: updateId,
    message: {
      message_id: messageId,
      date: 1,
      chat: { ...admin, type: 'private' },
      from: { ...admin, is_bot: false },
      text,
      entities: [{ type: 'bot_command', offset: 0, length: 6 }],
    },
  };
}

function signal(): AbortSignal {
  return new AbortController().signal;
}
