import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stars } from '../../src/domain/stars.ts';
import { buttonLabels } from '../support/chat.ts';
import { type OfficeRig, prepareOffice } from './office-rig.ts';
import { pictures, until } from './rig.ts';

const start = prepareOffice();

/** Brings somebody to the button that orders. */
async function toConfirm(rig: OfficeRig, person: Awaited<ReturnType<OfficeRig['somebody']>>) {
  rig.balances.set(person.id, stars(10_000));
  person.sendPhotos(await pictures(2));
  await person.press(/Done/);
  await person.press(/Seamless/);
  return person.waitForMessage({ button: /Confirm/ });
}

describe('a banned person', () => {
  test('is answered kindly whatever they do, and can neither order nor pay', async (t) => {
    const rig = await start(t);
    const root = await rig.operator();
    const ann = await rig.somebody();
    const confirm = await toConfirm(rig, ann);
    root.say(`/ban ${ann.id} spam`);
    await root.waitForMessage({ text: /Ann cannot order or pay any more/ });

    const press = await ann.press(/Confirm/, { after: confirm.message_id - 1 });
    assert.match(press.text ?? '', /Ordering and paying is closed for you.*\/paysupport/);
    assert.ok(press.showAlert);
    assert.equal(rig.orders.charges.length, 0);
    for (const words of ['/morph', '/topup', '/start', '/promo X1Y', '/dance', 'hello']) {
      const before = ann.lastMessage()?.message_id ?? 0;
      ann.say(words);
      await ann.waitForMessage({ text: /^Ordering and paying is closed/ }, { after: before });
    }
    const before = ann.lastMessage()?.message_id ?? 0;
    ann.sendPhotos(await pictures(4), { album: true });
    await ann.waitForMessage({ text: /^Ordering and paying is closed/ }, { after: before });
    ann.say('/balance');
    await ann.waitForMessage({ text: /Your balance/ });
    const kind = ann
      .messages()
      .filter(({ message_id, text }) => message_id > before && /closed/.test(text ?? ''));
    assert.equal(kind.length, 1, 'one answer to an album');
    assert.equal(rig.orders.of(ann.id).files.length, 2);
    assert.equal(rig.orders.of(ann.id).view.state, 'quoted');
    const invoices = rig.server.calls.filter(({ method }) => method === 'sendInvoice');
    assert.deepEqual(invoices, []);
  });

  test('keeps /balance, /language and /paysupport, with all that belongs to them', async (t) => {
    const rig = await start(t);
    const root = await rig.operator();
    const ann = await rig.somebody();
    const chargeId = await rig.paid(ann.id, 50);
    await rig.office.bans.ban(ann.id);
    ann.say('/balance');
    await ann.waitForMessage({ text: /Your balance: 50\.00 ⭐/ });
    ann.say('/language');
    await ann.press(/English/);
    await ann.waitForMessage({ text: /I speak English now/ });
    ann.say('/paysupport');
    await ann.waitForMessage({ text: new RegExp(chargeId) });
    await ann.press(/Write to us/);
    await ann.waitForMessage({ text: /in one message/ });
    ann.say('Why am I banned?');
    await root.waitForMessage({ text: /Why am I banned\?/ });
    ann.say('/paysupport');
    const help = await ann.waitForMessage({ button: /Return/ });
    await ann.press(/Return/, { after: help.message_id - 1 });
    await ann.waitForMessage({ text: /can go back to your Telegram Stars/ });
  });

  test('may cancel what they paid for, and read what was promised', async (t) => {
    const rig = await start(t);
    const ann = await rig.somebody();
    await toConfirm(rig, ann);
    await ann.press(/Confirm/);
    await until(() => rig.orders.of(ann.id).view.state === 'queued');
    await rig.office.bans.ban(ann.id);
    for (const [command, words] of [
      ['/terms', /Terms of use/],
      ['/privacy', /[Pp]hotos/],
      ['/history', /⭐/],
    ] as const) {
      const { message_id: after } = ann.say(command);
      const answer = await ann.waitForMessage({ text: /./ }, { after });
      assert.match(answer.text ?? '', words);
      assert.doesNotMatch(answer.text ?? '', /^Ordering and paying is closed/);
      if (command === '/terms') assert.deepEqual(buttonLabels(answer), []);
    }
    ann.say('/cancel');
    await until(() => rig.orders.of(ann.id).view.state === 'cancelled');
  });

  test('is free again after /unban', async (t) => {
    const rig = await start(t);
    const root = await rig.operator();
    const ann = await rig.somebody();
    root.say(`/ban ${ann.id}`);
    await root.waitForMessage({ text: /cannot order or pay any more/ });
    root.say(`/ban ${ann.id} again`);
    await root.waitForMessage({ text: /was banned before/ });
    root.say(`/unban ${ann.id} a mistake`);
    await root.waitForMessage({ text: /can order and pay again/ });
    root.say(`/unban ${ann.id}`);
    await root.waitForMessage({ text: /is not banned/ });
    ann.say('/morph');
    await ann.waitForMessage({ text: /send me your photos/ });
    root.say(`/ban ${rig.adminId}`);
    await root.waitForMessage({ text: /An operator cannot be banned/ });
    const deeds = await rig.office.adminLog.list({ aboutId: ann.id, limit: 10 });
    assert.deepEqual(
      deeds.map(({ command, details }) => `${command} ${details?.['outcome']}`),
      ['unban not_banned', 'unban unbanned', 'ban before', 'ban banned'],
    );
  });
});

describe('while sales are paused', () => {
  test('quotes still work, nothing is charged, and all goes on afterwards', async (t) => {
    const rig = await start(t);
    const root = await rig.operator();
    const ann = await rig.somebody();
    root.say('/pause the <provider> is down');
    await root.waitForMessage({ text: /Sales are paused\. Running orders go on/ });
    root.say('/pause');
    await root.waitForMessage({ text: /paused since .*, by 9\d\d: the <provider> is down/ });
    const confirm = await toConfirm(rig, ann);
    const press = await ann.press(/Confirm/, { after: confirm.message_id - 1 });
    const heard = `${press.text ?? ''}${ann.lastMessage()?.text ?? ''}`;
    assert.match(heard, /paused/i);
    assert.equal(rig.orders.charges.length, 0);
    ann.say('/topup');
    await ann.waitForMessage({ text: /Sales are paused/ });
    root.say('/resume');
    await root.waitForMessage({ text: /Sales go on/ });
    root.say('/resume');
    await root.waitForMessage({ text: /Sales are not paused/ });
    await ann.press(/Confirm/);
    await until(() => rig.orders.charges.length === 1);
  });
});
