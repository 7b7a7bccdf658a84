import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ADMIN_COMMANDS } from '../../src/bot/commands/admin/admin-command.ts';
import { stars } from '../../src/domain/stars.ts';
import { SERVICES } from '../../src/services/index.ts';
import { prepareOffice } from './office-rig.ts';
import { until } from './rig.ts';

const start = prepareOffice();

test('to a stranger every command of the operators is a word the bot does not know', async (t) => {
  const rig = await start(t);
  await rig.operator();
  const eve = await rig.somebody({ name: 'Eve' });
  const chargeId = await rig.paid(eve.id, 50);
  eve.say('/dance');
  const unknown = await eve.waitForMessage({ text: /don't know this command/ });
  const tries = [
    ...ADMIN_COMMANDS.map((name) => `/${name}`),
    `/user ${eve.id}`,
    `/grant ${eve.id} 1000`,
    `/ban ${rig.adminId}`,
    `/refund ${chargeId}`,
    '/answer 1 hello',
    '/promo_new FREE 1000 1 1',
    '/stats all',
    '/export ledger all',
    '/pause now',
  ];
  for (const command of tries) {
    const before = eve.lastMessage()?.message_id ?? 0;
    eve.say(command);
    const answer = await eve.waitForMessage({ text: /./ }, { after: before });
    assert.equal(answer.text, unknown.text, command);
    assert.equal(answer.reply_markup, undefined);
  }
  assert.equal(await rig.ledger.balance(eve.id), 5_000);
  assert.equal(await rig.office.sales.paused(), undefined);
  assert.equal((await rig.books.payments.find(chargeId))?.refund, null);
  assert.deepEqual(await rig.office.adminLog.list({ aboutId: eve.id, limit: 10 }), []);
});

test('a command that an operator forwards does nothing', async (t) => {
  const rig = await start(t);
  const root = await rig.operator();
  const eve = await rig.somebody({ name: 'Eve' });
  const before = root.lastMessage()?.message_id ?? 0;
  const text = `/grant ${eve.id} 1000 thanks`;
  const date = Math.floor(Date.now() / 1000);
  const sender_user = { id: eve.id, is_bot: false, first_name: 'Eve' };
  rig.server.pushUpdate({
    message: {
      ...{ message_id: 9_000_000, date, text },
      chat: { id: rig.adminId, type: 'private', first_name: 'Root' },
      from: { id: rig.adminId, is_bot: false, first_name: 'Root' },
      entities: [{ type: 'bot_command', offset: 0, length: 6 }],
      forward_origin: { type: 'user', sender_user, date },
    },
  });
  await root.waitForMessage({ text: /don't know this command/ }, { after: before });
  assert.equal(await rig.ledger.balance(eve.id), 0);
});

describe('/user', () => {
  test('shows everything about somebody, found by id or by name in any case', async (t) => {
    const rig = await start(t, { services: SERVICES });
    const root = await rig.operator();
    const ann = await rig.somebody({ welcome: stars(12_345) });
    await rig.known.meet({ id: ann.id, firstName: 'Ann <3', username: 'AnnLee' });
    const chargeId = await rig.paid(ann.id, 50);
    await rig.office.tickets.open({ personId: ann.id, text: 'where?', key: `user:${ann.id}` });
    await rig.office.bans.ban(ann.id, 'spam & co');
    const { id } = await rig.orders.open(ann.id, 'image_morphing');
    const order = rig.orders.all.find(({ view }) => view.id === id);
    assert.ok(order);
    Object.assign(order, { total: 3, finished: 3 });
    Object.assign(order.view, { state: 'delivered', price: stars(13_359) });
    await rig.orders.open(ann.id, 'text_to_speech');
    Object.assign(rig.orders.all.at(-1) ?? {}, { total: 2, finished: 0 });

    root.say('/user @annlee');
    const { text = '' } = await root.waitForMessage({ text: /Ann <3/ });
    assert.match(text, new RegExp(`^Ann <3 @AnnLee · ${ann.id}\n`));
    assert.match(text, /🚫 Banned since .*: spam & co\n/);
    assert.match(text, /Balance: 173\.45 ⭐/);
    assert.match(text, /\nLanguage: English\n/);
    assert.match(
      text,
      /2 orders\n.* · Text to speech · 0 of 2 recordings · not finished\n.* · Morph · 3 transitions · 133\.59 ⭐ · delivered/,
    );
    assert.match(text, new RegExp(`50\\.00 ⭐\n${chargeId}`));
    assert.match(text, /Questions\n#\d+ · .* · waits for an answer/);
    assert.match(text, /\/unban/);
    root.say(`/user ${ann.id}`);
    await until(() => root.messages().filter((said) => said.text?.includes('AnnLee')).length === 2);
  });

  test('does not invent anybody', async (t) => {
    const rig = await start(t);
    const root = await rig.operator();
    root.say('/user');
    await root.waitForMessage({ text: /Who\? Give a Telegram id or a name/ });
    root.say('/user @nobody_at_all');
    await root.waitForMessage({ text: /I know nobody by that id or name/ });
    root.say("/user '; drop table people; --");
    await until(
      () => root.messages().filter(({ text }) => /I know nobody/.test(text ?? '')).length === 2,
    );
  });
});

test('/grant takes names, too, and the log says who gave what and why', async (t) => {
  const rig = await start(t);
  const root = await rig.operator();
  const ann = await rig.somebody();
  await rig.known.meet({ id: ann.id, firstName: 'Ann', username: `ann${ann.id}` });
  root.say(`/grant @ann${ann.id} 7.50 for the wait`);
  await root.waitForMessage({ text: /Ann got 7\.50 ⭐/ });
  await ann.waitForMessage({ text: /You got 7\.50 ⭐/ });
  const [deed] = await rig.office.adminLog.list({ aboutId: ann.id, limit: 1 });
  assert.deepEqual(
    { ...deed, at: undefined },
    {
      adminId: rig.adminId,
      command: 'grant',
      aboutId: ann.id,
      why: 'for the wait',
      details: { outcome: 'topped_up', stars: 7.5 },
      at: undefined,
    },
  );
  root.say(`/user ${ann.id}`);
  await root.waitForMessage({ text: /What operators did\n.* · \/grant · 9\d\d · for the wait/ });
});

describe('/refund', () => {
  test('puts a payment on its way back once, and takes its stars from the balance', async (t) => {
    const rig = await start(t);
    const root = await rig.operator();
    const ann = await rig.somebody();
    const chargeId = await rig.paid(ann.id, 100);
    root.say(`/refund ${chargeId} they asked for it`);
    const answer = new RegExp(`100\\.00 ⭐ go back to ${ann.id}; their balance is 0\\.00 ⭐`);
    await root.waitForMessage({ text: answer });
    assert.equal((await rig.books.payments.find(chargeId))?.refund, 'requested');
    root.say(`/refund ${chargeId}`);
    await root.waitForMessage({ text: /This payment is being returned already/ });
    assert.equal(await rig.ledger.balance(ann.id), 0);
    const deeds = await rig.office.adminLog.list({ aboutId: ann.id, limit: 5 });
    assert.deepEqual(
      deeds.map(({ why, details }) => [why, details?.['outcome'], details?.['amountXtr']]),
      [
        [undefined, 'already', 100],
        ['they asked for it', 'requested', 100],
      ],
    );
  });

  test('never gives back what is spent, and says how to make up for it', async (t) => {
    const rig = await start(t);
    const root = await rig.operator();
    const ann = await rig.somebody();
    const chargeId = await rig.paid(ann.id, 100);
    await rig.db.transaction((tx) =>
      rig.ledger.charge(tx, {
        ...{ personId: ann.id, amount: stars(4_453), cost: stars(2_968) },
        ...{ serviceType: 'image_morphing', orderId: `o${ann.id}`, key: `charge:o${ann.id}` },
      }),
    );
    root.say(`/refund ${chargeId}`);
    await root.waitForMessage({
      text: /of 100\.00 ⭐ only 55\.47 ⭐ are left.*\/grant/,
    });
    assert.equal((await rig.books.payments.find(chargeId))?.refund, null);
    root.say(`/grant ${ann.id} 44.53`);
    await root.waitForMessage({ text: /has 100\.00 ⭐ now/ });
    // What was given is no part of what was paid.
    const { message_id: after } = root.say(`/refund ${chargeId}`);
    await root.waitForMessage({ text: /only 55\.47 ⭐ are left/ }, { after });
    assert.equal((await rig.books.payments.find(chargeId))?.refund, null);
  });

  test('of an unknown charge id changes nothing', async (t) => {
    const rig = await start(t);
    const root = await rig.operator();
    root.say('/refund');
    await root.waitForMessage({ text: /Like this: \/refund charge_id reason/ });
    root.say('/refund nothing_like_it');
    await root.waitForMessage({ text: /no payment with this charge id/ });
  });
});

test('/payments lists the newest of everybody, or of one', async (t) => {
  const rig = await start(t);
  const root = await rig.operator();
  const ann = await rig.somebody();
  const bob = await rig.somebody({ name: 'Bob' });
  const [first, second] = [await rig.paid(ann.id, 50), await rig.paid(bob.id, 60)];
  root.say('/payments');
  const all = await root.waitForMessage({ text: /Newest payments/ });
  assert.match(
    all.text ?? '',
    new RegExp(`60\\.00 ⭐ · ${bob.id}\n${second}\n.*50\\.00 ⭐ · ${ann.id}\n${first}`),
  );
  root.say(`/payments ${ann.id}`);
  const one = await root.waitForMessage({ text: /Payments of Ann/ });
  assert.match(one.text ?? '', new RegExp(String(first)));
  assert.doesNotMatch(one.text ?? '', new RegExp(String(second)));
});

test('/audit says whether the books agree, in both languages', async (t) => {
  const rig = await start(t);
  const root = await rig.operator();
  root.say('/audit');
  await root.waitForMessage({ text: /✅ The books agree\..*Accounts: \d+, together .* ⭐/s });
  await rig.known.setLanguage(rig.adminId, 'ru');
  t.after(() => rig.known.setLanguage(rig.adminId, 'en'));
  root.say('/audit');
  await root.waitForMessage({ text: /✅ Учёт сходится\..*Платежи: \d+/s });
});

describe('/stats', () => {
  test('is a picture with the numbers below it, for each period', async (t) => {
    const rig = await start(t);
    const root = await rig.operator();
    root.say('/stats');
    const week = await root.waitForMessage({ has: 'photo' });
    assert.match(week.caption ?? '', /^The last 7 days\nOrders: \d+\nRevenue: .* ⭐ · cost/);
    const size = week.photo?.at(-1);
    assert.deepEqual([size?.width, size?.height], [1080, 1280]);
    root.say('/stats TODAY');
    await root.waitForMessage({ text: /^Today\n/, has: 'photo' });
    root.say('/stats yesterday');
    await root.waitForMessage({ text: /Like this: \/stats week/ });
  });
});

describe('/export', () => {
  test('sends the books as CSV, in which names calculate nothing', async (t) => {
    const rig = await start(t);
    const root = await rig.operator();
    const ann = await rig.somebody();
    root.say(`/grant ${ann.id} 5 =HYPERLINK("http://evil","x")`);
    await root.waitForMessage({ text: /got 5\.00/ });
    root.say('/export ledger today');
    const sent = await root.waitForMessage({ has: 'document' });
    assert.match(sent.document?.file_name ?? '', /^ledger-today-\d{4}-\d\d-\d\d\.csv$/);
    assert.match(sent.caption ?? '', /^Ledger · Today · rows: \d+$/);
    const csv = Buffer.from(rig.server.fileBytes(sent.document?.file_id ?? '')).toString();
    assert.match(csv, /^\uFEFFentry_id,person_id,kind,amount,/);
    const line = csv.split('\n').find((each) => each.includes(`,${ann.id},`));
    assert.match(line ?? '', /,top_up,5\.00,0\.00,Admin,/);
    assert.match(line ?? '', /,"'=HYPERLINK\(""http:\/\/evil"",""x""\)",/);
  });

  test('says what it can export', async (t) => {
    const rig = await start(t);
    const root = await rig.operator();
    root.say('/export people');
    await root.waitForMessage({ text: /There are payments, orders and ledger/ });
    root.say('/export orders today');
    await root.waitForMessage({ text: /Nothing in this period/ });
  });
});

test('every command is in the log, with who gave it, and what was not understood is not', async (t) => {
  const rig = await start(t);
  const root = await rig.operator();
  const ann = await rig.somebody();
  const chargeId = await rig.paid(ann.id, 50);
  const { ticket } = await rig.office.tickets.open({
    personId: ann.id,
    text: 'hm?',
    key: `log:${ann.id}`,
  });
  const given: Record<(typeof ADMIN_COMMANDS)[number], string> = {
    user: `${ann.id}`,
    tickets: '',
    answer: `${ticket.id} hello`,
    payments: '',
    refund: chargeId,
    grant: `${ann.id} 1`,
    ban: `${ann.id} because`,
    unban: `${ann.id}`,
    promo_new: `LOG${ann.id} 5 1 1`,
    stats: 'today',
    export: 'ledger today',
    audit: '',
    pause: 'lunch',
    resume: '',
  };
  const before = (await rig.office.adminLog.list({ limit: 1_000 })).length;
  for (const [name, words] of Object.entries(given)) {
    const told = root.lastMessage()?.message_id ?? 0;
    root.say(`/${name} ${words}`.trim());
    await root.waitForMessage(() => true, { after: told });
  }
  for (const misused of ['/grant', '/ban', '/answer', '/refund', '/promo_new', '/stats ?']) {
    const told = root.lastMessage()?.message_id ?? 0;
    root.say(misused);
    await root.waitForMessage(() => true, { after: told });
  }
  const deeds = (await rig.office.adminLog.list({ limit: 1_000 })).slice(0, -before || undefined);
  assert.deepEqual(deeds.map(({ command }) => command).toReversed(), [...ADMIN_COMMANDS]);
  assert.ok(deeds.every(({ adminId, at }) => adminId === rig.adminId && at instanceof Date));
  const why = (command: string) => deeds.find((deed) => deed.command === command)?.why;
  assert.deepEqual([why('ban'), why('pause')], ['because', 'lunch']);
});

test('an operator sees the commands in the menu of their own chat, as soon as they have one', async (t) => {
  const rig = await start(t);
  const root = rig.person(rig.adminId, 'Root');
  root.say('/start');
  await root.waitForMessage({ button: /Morph/ });
  const names = () => rig.server.commandsFor(rig.adminId).map(({ command }) => command);
  await until(() => names().includes('refund'));
  assert.deepEqual(names().slice(-ADMIN_COMMANDS.length), [...ADMIN_COMMANDS]);
  const ann = await rig.somebody();
  assert.ok(!rig.server.commandsFor(ann.id).some(({ command }) => command === 'refund'));
});
