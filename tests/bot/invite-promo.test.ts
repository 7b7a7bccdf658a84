import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { invitePayload, inviterOf } from '../../src/bot/invite-link.ts';
import { prepareOffice } from './office-rig.ts';

const start = prepareOffice();
let newcomer = 90_000;

describe('/invite', () => {
  test('gives a link; who comes by it counts, and the first payment pays the bonus once', async (t) => {
    const rig = await start(t);
    const ann = await rig.somebody();
    ann.say('/invite');
    const empty = await ann.waitForMessage({
      text: /you get 5\.00 ⭐.*Nobody has come by it yet\./s,
    });
    const payload = /t\.me\/\w+\?start=(\w+)/.exec(empty.text ?? '')?.[1] ?? '';
    const share = empty.reply_markup?.inline_keyboard[0]?.[0];
    assert.ok(share && 'url' in share && share.url.includes(encodeURIComponent(payload)));

    newcomer += 1;
    const bob = rig.person(newcomer, 'Bob');
    bob.say(`/start ${payload}`);
    await bob.waitForMessage({ button: /Morph/ });
    assert.equal((await rig.known.find(bob.id))?.invitedBy, ann.id);
    await rig.paid(bob.id, 50);
    await rig.paid(bob.id, 50);
    assert.equal(await rig.ledger.balance(ann.id), 500);
    ann.say('/invite');
    await ann.waitForMessage({ text: /1 person came by it, which brought you 5\.00 ⭐\./ });
  });

  test("counts at the first meeting only, and never one's own link", async (t) => {
    const rig = await start(t);
    const ann = await rig.somebody();
    const bob = await rig.somebody({ name: 'Bob' });
    bob.say(`/start ${invitePayload(ann.id)}`);
    await bob.waitForMessage({ button: /Morph/ });
    assert.equal((await rig.known.find(bob.id))?.invitedBy, null);
    newcomer += 1;
    const eve = rig.person(newcomer, 'Eve');
    eve.say(`/start ${invitePayload(eve.id)}`);
    await eve.waitForMessage({ button: /Morph/ });
    assert.equal((await rig.known.find(eve.id))?.invitedBy, null);
  });

  test('by a link of nobody, or another payload, is an ordinary start', async (t) => {
    const rig = await start(t);
    for (const payload of [invitePayload(2 ** 45), 'ref', 'ref-1', 'hello', 'REF5']) {
      newcomer += 1;
      const person = rig.person(newcomer, 'Nia');
      person.say(`/start ${payload}`);
      await person.waitForMessage({ button: /Morph/ });
      assert.equal((await rig.known.find(newcomer))?.invitedBy, null);
    }
  });
});

test('the payload of a link is read as it was written', () => {
  for (const id of [1, 35, 36, 7_000_000_000, 2 ** 51]) {
    assert.match(invitePayload(id), /^[A-Za-z0-9_-]{1,64}$/);
    assert.equal(inviterOf(`/start ${invitePayload(id)}`), id);
    assert.equal(inviterOf(`/start@some_bot ${invitePayload(id)}`), id);
  }
  assert.equal(inviterOf('/start'), undefined);
  assert.equal(inviterOf(undefined), undefined);
});

describe('promo codes', () => {
  test('are made by an operator and give stars once to each person', async (t) => {
    const rig = await start(t);
    const root = await rig.operator();
    const [ann, bob, eve] = [await rig.somebody(), await rig.somebody(), await rig.somebody()];
    root.say('/promo_new spring 7.50 2 30');
    await root.waitForMessage({
      text: /SPRING · 7\.50 ⭐ each · people: 2 · until.*\/promo SPRING/s,
    });
    ann.say('/promo Spring');
    await ann.waitForMessage({ text: /You got 7\.50 ⭐.*now 7\.50 ⭐/ });
    ann.say('/promo SPRING');
    await ann.waitForMessage({ text: /used this code before/ });
    bob.say('/promo spring');
    await bob.waitForMessage({ text: /You got 7\.50 ⭐/ });
    eve.say('/promo spring');
    await eve.waitForMessage({ text: /used up/ });
    assert.equal(await rig.ledger.balance(ann.id), 750);
    root.say('/promo_new SPRING 1 1 1');
    await root.waitForMessage({ text: /a code SPRING already: 7\.50 ⭐, used 2 of 2/ });
    root.say('/promo_new');
    await root.waitForMessage({ text: /Like this.*SPRING · 7\.50 ⭐ · 2 of 2 used/s });
  });

  test('that make no sense are refused', async (t) => {
    const rig = await start(t);
    const root = await rig.operator();
    for (const words of ['X 5 1 1', 'ABC 0 1 1', 'ABC 5 0 1', 'ABC 5 1 99999', 'ABC 2000000 1 1']) {
      const before = root.lastMessage()?.message_id ?? 0;
      root.say(`/promo_new ${words}`);
      await root.waitForMessage({ text: /A code has 3 to 32 letters/ }, { after: before });
    }
    root.say('/promo_new ABC five 1 1');
    await root.waitForMessage({ text: /Like this/ });
  });

  test('are not to be guessed', async (t) => {
    const rig = await start(t);
    const eve = await rig.somebody({ name: 'Eve' });
    eve.say('/promo');
    await eve.waitForMessage({ text: /Write the code after the command/ });
    for (let guess = 0; guess < 10; guess += 1) {
      const before = eve.lastMessage()?.message_id ?? 0;
      eve.say(`/promo GUESS${guess}`);
      await eve.waitForMessage({ text: /don't know this code/ }, { after: before });
    }
    eve.say('/promo GUESS10');
    await eve.waitForMessage({ text: /many codes I don't know/ });
  });
});
