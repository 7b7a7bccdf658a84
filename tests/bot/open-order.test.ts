import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { stars } from '../../src/domain/stars.ts';
import { digitalAvatar } from '../../src/services/digital-avatar.ts';
import { imageMorphing } from '../../src/services/image-morphing.ts';
import { voiceToText } from '../../src/services/voice-to-text.ts';
import { pictures, startRig } from './rig.ts';

/** A person who has sent the photos of an avatar, and is asked for its name. */
async function atName(t: TestContext, language: 'en' | 'ru' = 'en') {
  const rig = await startRig(t, { services: [digitalAvatar] });
  const ann = rig.person(1, 'Ann', language);
  ann.say('/digital_avatar_body');
  await ann.press(/Female|Женщина/);
  const photos = await pictures(13);
  ann.sendPhotos(photos.slice(0, 10), { album: true });
  const counter = await ann.waitForMessage({ text: /^10 (photos|фото)/ });
  await ann.press(/Done|Готово/);
  await ann.waitForMessage({ text: /call this avatar|назвать этот аватар/ });
  return { rig, ann, counter, late: photos.slice(10) };
}

/** A person with an offer of a morph of three photos. */
async function atQuote(t: TestContext) {
  const rig = await startRig(t);
  const ann = rig.person(1, 'Ann');
  rig.balances.set(1, stars(60_000));
  ann.say('/gender');
  await ann.press(/Skip/);
  ann.sendPhotos(await pictures(3), { album: true });
  await ann.waitForMessage({ text: /^3 photos/ });
  await ann.press(/Done/);
  await ann.waitForMessage({ button: /Seamless/ });
  return { rig, ann };
}

describe('photos that come when all were said to be there', () => {
  test('lead back to them in words, and to a counter in reach', async (t) => {
    const { ann, counter, late } = await atName(t);
    ann.sendPhotos(late, { album: true });
    const shown = await ann.waitForMessage({ text: /^13 photos/, button: /Done/ });
    assert.ok(shown.message_id > counter.message_id);
    const told = ann.messages().filter(({ text }) => /^One more photo, thank you/.test(text ?? ''));
    assert.equal(told.length, 1);
    await ann.press(/Done/);
    await ann.waitForMessage({ text: /call this avatar/ }, { after: shown });
  });

  test('do so in Russian', async (t) => {
    const { ann, late } = await atName(t, 'ru');
    ann.sendPhotos(late.slice(0, 1));
    await ann.waitForMessage({ text: /^Ещё одно фото, спасибо/ });
    await ann.waitForMessage({ text: /^11 фото/, button: /Готово/ });
  });

  test('are not told of twice when they were asked for', async (t) => {
    const { ann } = await atQuote(t);
    await ann.press(/Add photos/);
    await ann.waitForMessage({ text: /Send more photos/ });
    ann.sendPhotos((await pictures(5)).slice(3), { album: true });
    await ann.waitForMessage({ text: /^5 photos/ });
    assert.ok(!ann.transcript().includes('New photos came in'));
    await ann.press(/Done/);
    const quote = await ann.waitForMessage({ button: /Seamless — 4|Seamless/, text: /5 photos/ });
    ann.sendPhotos((await pictures(6)).slice(5));
    await ann.waitForMessage({ text: /New photos came in/ }, { after: quote });
  });
});

test('buttons are taken off a message once', async (t) => {
  const { rig, ann } = await atQuote(t);
  await ann.press(/Add photos/);
  await ann.waitForMessage({ text: /Send more photos/ });
  ann.sendPhotos((await pictures(4)).slice(3));
  await ann.waitForMessage({ text: /^4 photos/ });
  await ann.press(/Done/);
  await ann.press(/Loop/);
  await ann.press(/Confirm/);
  await ann.waitForMessage({ text: /0 of 4 transitions/ });
  ann.say('/help');
  await ann.waitForMessage({ text: /How it works/ });
  const calls = rig.server.calls.filter(({ method }) => method === 'editMessageReplyMarkup');
  assert.ok(calls.length > 0);
  assert.ok(calls.every(({ status }) => status === 200));
});

describe('with an order that was left unfinished', () => {
  async function atVoice(t: TestContext, language: 'en' | 'ru' = 'en') {
    const rig = await startRig(t, { services: [imageMorphing, voiceToText] });
    await rig.orders.open(1, 'voice_to_text');
    return { rig, ann: rig.person(1, 'Ann', language) };
  }

  test('words are answered with the order that runs, and the other one by its name', async (t) => {
    const { rig, ann } = await atVoice(t);
    const { id } = await rig.orders.open(1, 'image_morphing');
    const paid = rig.orders.all.find(({ view }) => view.id === id);
    assert.ok(paid);
    paid.view.state = 'rendering';
    Object.assign(paid, { total: 2, etaSeconds: 200 });
    ann.say('how long?');
    const hint = await ann.waitForMessage({ text: /voice message/ });
    assert.match(
      hint.text ?? '',
      /^Your order is being made and will be ready in about 4 min.*\n\n📝 Voice to text: I'm waiting/,
    );
  });

  for (const [language, question] of [
    ['en', 'You have not finished an order yet: 📝 Voice to text. Shall we go on?'],
    ['ru', 'У вас есть незаконченный заказ: 📝 Голос в текст. Продолжим?'],
  ] as const) {
    for (const command of ['/start', '/status']) {
      test(`${command} names it (${language})`, async (t) => {
        const { ann } = await atVoice(t, language);
        ann.say(command);
        const { text } = await ann.waitForMessage({ button: /Continue|Продолжить/ });
        assert.equal(text, question);
      });
    }
  }
});
