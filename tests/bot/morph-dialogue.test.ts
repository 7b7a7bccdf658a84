import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { stars } from '../../src/domain/stars.ts';
import type { PrivateMessage } from '../../src/sandbox/bot-api-server.ts';
import type { Person } from '../support/chat.ts';
import { buttonLabels } from '../support/chat.ts';
import { DatabaseDown, pictures, type Rig, type RigOptions, resultIn, startRig } from './rig.ts';

/** A person whose gender is known, at the counter with some photos. */
async function atCounter(t: TestContext, count: number, options: RigOptions = {}) {
  const rig = await startRig(t, options);
  const ann = rig.person(1, 'Ann');
  rig.balances.set(1, stars(60_000));
  ann.say('/start');
  await ann.waitForMessage({ button: /Morph/ });
  await ann.press(/Morph/);
  await ann.press(/Skip/);
  await ann.waitForMessage({ text: /send me your photos/ });
  if (count > 0) {
    ann.sendPhotos(await pictures(count), { album: true });
    await ann.waitForMessage({ text: new RegExp(`^${count} photo`) });
  }
  return { rig, ann };
}

async function atQuote(t: TestContext, count = 12, options: RigOptions = {}) {
  const there = await atCounter(t, count, options);
  await there.ann.press(/Done/);
  await there.ann.waitForMessage({ button: /Seamless/ });
  return there;
}

async function atConfirm(t: TestContext, count = 12, options: RigOptions = {}) {
  const there = await atQuote(t, count, options);
  await there.ann.press(/Loop/);
  await there.ann.waitForMessage({ button: /Confirm/ });
  return there;
}

const hasButtons = (message: PrivateMessage) => buttonLabels(message).length > 0;

const counters = (person: Person) =>
  person.messages().filter(({ text, from }) => from.is_bot && /^\d+ photos?\b/.test(text ?? ''));

const asking = (person: Person) =>
  person.messages().filter(({ text }) => /Who is in the photos/.test(text ?? ''));

const quotes = (rig: Rig) =>
  rig.server.messages(1).filter(({ text }) => /Seamless — /.test(text ?? '')).length;

test('the menu of an older message still begins a morph', async (t) => {
  const rig = await startRig(t);
  const ann = rig.person(1, 'Ann');
  ann.say('/start');
  const { message_id } = await ann.waitForMessage({ has: 'animation' });
  await rig.server.press(1, message_id, 'menu:morph');
  await ann.waitForMessage({ button: /^Skip$/ });
  assert.equal(rig.orders.of(1).view.serviceType, 'image_morphing');
});

test('a person gets from /start to a confirmed order with its progress', async (t) => {
  const rig = await startRig(t);
  const ann = rig.person(1, 'Ann');
  rig.balances.set(1, stars(60_000));
  ann.say('/start');
  const welcome = await ann.waitForMessage({ button: /Morph/ });
  assert.deepEqual(buttonLabels(welcome), [
    '✨ Morph · from 44.53 ⭐',
    'Balance',
    'Language',
    'Help',
  ]);
  await ann.press(/Morph/);
  await ann.press(/Female/);
  await ann.waitForMessage({ text: /from 2 to 20/ });
  assert.equal(rig.people.get(1)?.gender, 'female');
  ann.sendPhotos(await pictures(12), { album: true });
  const counter = await ann.waitForMessage({ text: /^12 photos/, button: /Done/ });
  assert.match(counter.text ?? '', /deleted 72 hours after delivery/);
  assert.deepEqual(buttonLabels(counter), ['✅ Done', 'Undo', 'Clear', 'Cancel']);
  await ann.press(/Done/);
  const quote = await ann.waitForMessage({ button: /Seamless/ });
  assert.ok(quote.text?.includes('Seamless — 11 transitions · 55 s · 489.83 ⭐'));
  assert.ok(quote.text?.includes('Loop — 12 transitions · 60 s · 534.36 ⭐'));
  assert.match(quote.text ?? '', /Balance: 600\.00 ⭐\nReady in about 5 min/);
  const sheet = await ann.waitForMessage({ has: 'photo' });
  assert.ok(sheet.message_id < quote.message_id, 'the sheet stands above the quote');
  await ann.press(/Loop/);
  await ann.waitForMessage({ text: /After this order: 65\.64 ⭐/, button: /Confirm/ });
  await ann.press(/Confirm/);
  await ann.waitForMessage({ text: /0 of 12 transitions/, button: /Cancel/ });
  Object.assign(rig.orders.of(1), { finished: 7, running: 5, etaSeconds: 200 });
  rig.orders.of(1).view.state = 'rendering';
  await ann.waitForMessage({ text: /▰▰▰▰▰▱▱▱▱▱\n7 of 12 transitions\nReady in about 4 min/ });
  assert.deepEqual(rig.orders.charges, [{ personId: 1, amount: 53_436 }]);
  // The counter's buttons would do nothing any more.
  await ann.waitUntilGone({ button: /Done/ });
});

test('a Russian speaker reads Russian from the first word on', async (t) => {
  const rig = await startRig(t);
  const oleg = rig.person(2, 'Олег', 'ru-RU');
  rig.balances.set(2, stars(60_000));
  oleg.say('/morph');
  await oleg.press(/Мужчина/);
  await oleg.waitForMessage({ text: /Пришлите фото, от 2 до 20/ });
  oleg.sendPhotos(await pictures(2));
  await oleg.waitForMessage({ text: /^2 фото/ });
  await oleg.press(/Готово/);
  await oleg.waitForMessage({ text: /До последнего фото — 1 переход · 5 с · 44\.53 ⭐/ });
  await oleg.press(/По кругу/);
  await oleg.press(/Подтвердить/);
  await oleg.waitForMessage({ text: /0 из 2 переходов/, button: /Отменить/ });
});

describe('the free preview', () => {
  test('is promised under the quote, and the offer is shown again below it', async (t) => {
    const { rig, ann } = await atQuote(t);
    await ann.press(/Preview/);
    await ann.waitForMessage({ text: /Making a free preview: 1 transition, about 5 s/ });
    const rendered = await resultIn(rig.dir);
    const { id: orderId } = rig.orders.of(1).view;
    const preview = { ...rendered, orderId, personId: 1, transitions: 1 };
    assert.equal(await rig.bot.chatPort.freePreviewMark(1), 'PREVIEW');
    const sent = await rig.bot.chatPort.sendFreePreview(preview, new AbortController().signal);
    assert.ok(sent.kind === 'sent' && sent.message.fileId);
    const video = await ann.waitForMessage({ has: 'video', text: /Free preview: 1 transition/ });
    await ann.press(/Back to the offer/);
    await ann.waitForMessage({ button: /Seamless/ }, { after: video });
    await ann.waitUntilGone({ button: /Back to the offer/ });
    await ann.press(/Loop/);
    await ann.waitForMessage({ button: /Confirm/ });
  });

  test('that was made before comes at once, and without uploading', async (t) => {
    const { rig, ann } = await atQuote(t);
    const { video } = rig.server.sendVideo(1, new Uint8Array(1_000));
    rig.orders.previews.push({ kind: 'made', fileId: video?.file_id ?? '', transitions: 11 });
    await ann.press(/Preview/);
    await ann.waitForMessage({ has: 'video', text: /Free preview: 11 transitions/ });
  });

  test('is refused kindly while another one is made, and when there were enough today', async (t) => {
    const { rig, ann } = await atQuote(t);
    rig.orders.previews.push({ kind: 'running' }, { kind: 'limit', perDay: 10 });
    assert.match((await ann.press(/Preview/)).text ?? '', /is being made/);
    assert.match((await ann.press(/Preview/)).text ?? '', /10 free previews a day/);
    rig.orders.previews.push({ kind: 'closed' });
    assert.match((await ann.press(/Preview/)).text ?? '', /out of date/);
  });
});

describe('photos', () => {
  test('a hundred at once are all there, each once, and counted in one message', async (t) => {
    const { rig, ann } = await atCounter(t, 0, { maxPhotos: 200 });
    const [picture = new Uint8Array()] = await pictures(1);
    ann.sendPhotos(
      Array.from({ length: 100 }, () => picture),
      { album: true },
    );
    await ann.waitForMessage({ text: /^100 photos/ });
    const ids = rig.orders.of(1).files.map(({ messageId }) => messageId);
    assert.equal(new Set(ids).size, 100);
    assert.equal(counters(ann).length, 1);
  });

  test('the counter stays in reach: it moves below photos that came after it', async (t) => {
    const { ann } = await atCounter(t, 2, { maxPhotos: 200 });
    const [first] = counters(ann);
    const [picture = new Uint8Array()] = await pictures(1);
    const last = ann.sendPhotos(Array.from({ length: 30 }, () => picture)).at(-1);
    const moved = await ann.waitForMessage({ text: /^32 photos/ });
    assert.ok(moved.message_id > (last?.message_id ?? Number.POSITIVE_INFINITY));
    assert.notEqual(moved.message_id, first?.message_id);
    await ann.waitUntilGone((message) => message.message_id === first?.message_id);
    assert.equal(counters(ann).length, 1);
  });

  test('the counter is edited no more often than it may be, also while Telegram is slow', async (t) => {
    const editEveryMs = 400;
    const { rig, ann } = await atCounter(t, 0, {
      maxPhotos: 30,
      timings: { collector: { editEveryMs, firstMs: 140 } },
    });
    for (const method of ['sendMessage', 'editMessageText']) {
      rig.server.faults.add({ kind: 'delay', ms: 80, method, times: 50 });
    }
    for (const picture of await pictures(24)) {
      ann.sendPhotos([picture]);
      await sleep(50);
    }
    await ann.waitForMessage({ text: /^24 photos/ });
    assert.equal(counters(ann).length, 1);
    const shownAt = rig.server.calls
      .filter(({ payload: { text } }) => /^<b>\d+ photo/.test(String(text)))
      .map(({ at }) => at);
    const gaps = shownAt.slice(1).map((at, index) => at - (shownAt[index] ?? 0));
    assert.ok(gaps.length >= 2 && Math.min(...gaps) >= editEveryMs, `${gaps} ms apart`);
  });

  test('what is not a picture is named with its reason', async (t) => {
    const { rig, ann } = await atCounter(t, 2);
    rig.orders.verdicts.set('document.pdf', 'not_a_picture');
    ann.sendFile(Buffer.from('%PDF-1.4'), 'document.pdf', 'application/pdf');
    await ann.waitForMessage({ text: /^2 photos · 1 skipped: document\.pdf is not a picture/ });
  });

  test('a file over 20 MB is not fetched, and the person hears how to send it', async (t) => {
    const { rig, ann } = await atCounter(t, 2);
    rig.server.sendDocument(1, { sizeBytes: 21 * 1024 * 1024 }, { fileName: 'all.zip' });
    await ann.waitForMessage({ text: /all\.zip is over 20 MB: send it as a photo/ });
    rig.server.sendDocument(1, { sizeBytes: 20 * 1024 * 1024 }, { fileName: 'fits.zip' });
    await ann.waitForMessage({ text: /^3 photos · 1 skipped/ });
  });

  test('one without an order opens it, and asks what /morph would ask', async (t) => {
    const rig = await startRig(t);
    const ann = rig.person(1, 'Ann');
    ann.sendPhotos(await pictures(3), { album: true });
    await ann.waitForMessage({ text: /^3 photos/, button: /Done/ });
    const [asked] = asking(ann);
    const answer = await ann.press(/Done/);
    assert.equal(answer.text, 'One question first: who is in the photos?');
    await ann.waitUntilGone(({ message_id }) => message_id === asked?.message_id);
    assert.equal(asking(ann).length, 1);
    await ann.press(/Male/, { after: counters(ann)[0]?.message_id ?? 0 });
    await ann.waitForMessage({ button: /Seamless/ });
    assert.equal(rig.people.get(1)?.gender, 'male');
  });

  test('the question about them is asked once more after a restart, and one answer is enough', async (t) => {
    const rig = await startRig(t);
    const ann = rig.person(1, 'Ann');
    ann.sendPhotos(await pictures(2), { album: true });
    await ann.waitForMessage({ text: /^2 photos/, button: /Done/ });
    const [old] = asking(ann);
    await rig.restart();
    await ann.press(/Done/);
    await ann.waitForMessage({ button: /Skip/ }, { after: old?.message_id ?? 0 });
    await rig.server.press(1, old?.message_id ?? 0, 'o:gender:order1:male');
    await ann.waitUntilGone({ button: /Skip/ });
    await ann.press(/Done/);
    await ann.waitForMessage({ button: /Seamless/ });
  });

  test('a stray document without an order opens none', async (t) => {
    const rig = await startRig(t);
    const ann = rig.person(1, 'Ann');
    ann.sendFile(Buffer.from('%PDF-1.4'), 'cv.pdf', 'application/pdf');
    await ann.waitForMessage({ text: /\/start shows everything/ });
    assert.equal(rig.orders.all.length, 0);
  });

  test('that finish arriving after a restart are counted in the same message', async (t) => {
    const { rig, ann } = await atCounter(t, 2);
    const [counter] = counters(ann);
    rig.orders.verdicts.set('late.jpg', 'pending');
    ann.sendFile((await pictures(1))[0] ?? new Uint8Array(), 'late.jpg');
    await ann.waitForMessage({ text: /1 arriving/ });
    await rig.restart();
    for (const file of rig.orders.of(1).files) file.pending = false;
    rig.bot.chatPort.intakeChanged('order1');
    const shown = await ann.waitForMessage({ text: /^3 photos\n/ });
    assert.equal(shown.message_id, counter?.message_id);
  });

  test('that come while the order is being confirmed begin the next one', async (t) => {
    const { rig, ann } = await atConfirm(t, 2);
    const findOpen = rig.orders.findOpen;
    rig.orders.findOpen = async (personId) => {
      const open = await findOpen(personId);
      rig.orders.findOpen = findOpen;
      await rig.orders.confirm('order1', 1, { mode: 'loop', price: stars(8_906) });
      return open;
    };
    ann.sendPhotos(await pictures(1));
    await ann.waitForMessage({ text: /^1 photo\b/ });
    assert.equal(rig.orders.all.length, 2);
    assert.equal(rig.orders.all[1]?.files.length, 1);
  });

  test('words, stickers and voices get a hint; an album of videos one', async (t) => {
    const { rig, ann } = await atCounter(t, 0);
    ann.say('hello?');
    const first = await ann.waitForMessage({ text: /I'm waiting for photos/ });
    rig.server.sendSticker(1);
    const second = await ann.waitForMessage({ text: /I'm waiting for photos/ }, { after: first });
    for (let index = 0; index < 5; index += 1) {
      rig.server.sendVideo(1, { sizeBytes: 10 }, { mediaGroupId: 'v' });
    }
    await ann.waitForMessage({ text: /I'm waiting for photos/ }, { after: second });
    ann.say('/help');
    await ann.waitForMessage({ text: /How it works/ });
    const hints = ann.messages().filter(({ text }) => /I'm waiting for photos/.test(text ?? ''));
    assert.equal(hints.length, 3);
  });

  test('Undo takes back the last message, Clear everything', async (t) => {
    const { rig, ann } = await atCounter(t, 3);
    const undone = await ann.press(/Undo/);
    assert.match(undone.text ?? '', /Took back/);
    await ann.waitForMessage({ text: /^2 photos/ });
    await ann.press(/Clear/);
    await ann.waitForMessage({ text: /^0 photos/ });
    assert.equal(rig.orders.of(1).files.length, 0);
  });

  test('Undo whose update comes again after a kill takes back one message', async (t) => {
    const { rig, ann } = await atCounter(t, 3);
    await ann.press(/Undo/);
    await ann.waitForMessage({ text: /^2 photos/ });
    await rig.replayNewest();
    assert.equal(rig.orders.of(1).files.length, 2);
    await ann.press(/Undo/);
    await ann.waitForMessage({ text: /^1 photo/ });
  });

  test('a counter the person deleted is sent anew', async (t) => {
    const { rig, ann } = await atCounter(t, 2);
    const [counter] = counters(ann);
    await rig.deleteMessage(1, counter?.message_id ?? 0);
    ann.sendPhotos(await pictures(1));
    await ann.waitForMessage({ text: /^3 photos/ });
  });

  test('new ones after the quote make it void, and the person is told once', async (t) => {
    const { ann } = await atQuote(t, 2);
    ann.sendPhotos(await pictures(3), { album: true });
    await ann.waitForMessage({ text: /^5 photos/ });
    const told = ann.messages().filter(({ text }) => /make a new offer/.test(text ?? ''));
    assert.equal(told.length, 1);
    const answer = await ann.press(/Loop/);
    assert.match(answer.text ?? '', /out of date, and nothing was charged/);
    await ann.press(/Done/);
    await ann.waitForMessage({ text: /Seamless — 4 transitions/ });
  });
});

describe('Done', () => {
  test('pressed again while the quote is being made is answered at once, and counts once', async (t) => {
    const { rig, ann } = await atCounter(t, 3);
    const counter = await ann.waitForMessage({ button: /Done/ });
    let release = () => {};
    const slow = new Promise<void>((resolve) => {
      release = resolve;
    });
    const quote = rig.orders.quote;
    rig.orders.quote = async (...given) => {
      await slow;
      return quote(...given);
    };
    await ann.press(/Done/);
    await ann.waitUntilGone({ button: /Done/ });
    const answer = await rig.server.press(1, counter.message_id, 'o:done:order1');
    assert.equal(answer.text, "I'm already counting, one moment…");
    release();
    await ann.waitForMessage({ button: /Seamless/ });
    ann.say('/help');
    await ann.waitForMessage({ text: /How it works/ });
    assert.equal(quotes(rig), 1);
    assert.equal(ann.messages().filter(({ photo, from }) => photo && from.is_bot).length, 1);
  });

  test('leaves the older quote without buttons', async (t) => {
    const { rig, ann } = await atQuote(t, 3);
    const old = await ann.waitForMessage({ button: /Seamless/ });
    ann.sendPhotos(await pictures(1));
    await ann.waitForMessage({ text: /^4 photos/, button: /Done/ });
    await ann.press(/Done/);
    await ann.waitForMessage({ button: /Seamless/ }, { after: old });
    await ann.waitUntilGone(
      (message) => message.message_id === old.message_id && hasButtons(message),
    );
    assert.equal(quotes(rig), 2);
  });

  test('that fails gives the counter its buttons back', async (t) => {
    const { rig, ann } = await atCounter(t, 2);
    rig.orders.failures.push({ method: 'quote', error: new Error('broken') });
    await ann.press(/Done/);
    await ann.waitForMessage({ text: /Something went wrong/ });
    await ann.press(/Done/);
    await ann.waitForMessage({ button: /Seamless/ });
  });

  test('says what one photo lacks', async (t) => {
    const { ann } = await atCounter(t, 1);
    await ann.press(/Done/);
    await ann.waitForMessage({ text: /One photo has nothing to turn into/ });
    ann.sendPhotos(await pictures(1));
    await ann.waitForMessage({ text: /^2 photos/ });
    await ann.press(/Done/);
    await ann.waitForMessage({ button: /Seamless/ });
  });

  test('says by how many there are too many', async (t) => {
    const { ann } = await atCounter(t, 5, { maxPhotos: 3 });
    await ann.press(/Done/);
    await ann.waitForMessage({ text: /Up to 3 photos are possible, and 2 are too many/ });
  });

  test('asks for patience while files arrive', async (t) => {
    const { rig, ann } = await atCounter(t, 2);
    rig.orders.verdicts.set('late.jpg', 'pending');
    ann.sendFile((await pictures(1))[0] ?? new Uint8Array(), 'late.jpg');
    await ann.waitForMessage({ text: /^2 photos · 1 arriving…/ });
    await ann.press(/Done/);
    await ann.waitForMessage({ text: /1 file is still on its way/ });
  });

  test('tells of a full disk without blaming the person', async (t) => {
    const { rig, ann } = await atCounter(t, 2);
    rig.orders.diskFull = true;
    await ann.press(/Done/);
    await ann.waitForMessage({ text: /storage is full.*What you sent is kept/s });
    rig.orders.diskFull = false;
    await ann.press(/Done/);
    await ann.waitForMessage({ button: /Seamless/ });
  });

  test('sends many sheets as albums', async (t) => {
    const { rig, ann } = await atCounter(t, 2);
    rig.orders.sheets = Array.from({ length: 11 }, () => rig.orders.sheets[0] ?? '');
    await ann.press(/Done/);
    await ann.waitForMessage({ button: /Seamless/ });
    const photos = ann.messages().filter(({ photo, from }) => photo && from.is_bot);
    assert.equal(photos.length, 11);
    assert.equal(new Set(photos.map((message) => message.media_group_id)).size, 2);
  });
});

describe('before paying', () => {
  test('Back and Add photos lead back, and nothing is lost', async (t) => {
    const { rig, ann } = await atConfirm(t, 3);
    await ann.press(/Back/);
    await ann.waitForMessage({ button: /Seamless/ });
    assert.equal(quotes(rig), 1, 'the same message shows the quote again');
    await ann.press(/Add photos/);
    await ann.waitForMessage({ text: /Send more photos/ });
    ann.sendPhotos(await pictures(1));
    await ann.waitForMessage({ text: /^4 photos/ });
    await ann.press(/Done/);
    await ann.waitForMessage({ text: /Seamless — 3 transitions/ });
  });

  test('short of stars: by how much, how to top up, and the same order goes on', async (t) => {
    const { rig, ann } = await atQuote(t, 2);
    rig.balances.set(1, stars(1_000));
    await ann.press(/Seamless/);
    const short = await ann.waitForMessage({ text: /You are 34\.53 ⭐ short/, button: /Top up/ });
    await ann.press(/Top up/);
    await ann.waitForMessage({
      text: /Pay exactly what is missing/,
      button: /Pay 35 ⭐ and start/,
    });
    await ann.press(/Continue/);
    await ann.waitForMessage({ text: /34\.53 ⭐ short/ }, { after: short });
    rig.balances.set(1, stars(5_000));
    await ann.press(/Continue/);
    await ann.waitForMessage({ text: /After this order: 5\.47 ⭐/, button: /Confirm/ });
    await ann.press(/Confirm/);
    await ann.waitForMessage({ text: /0 of 1 transition/ });
    assert.equal(rig.orders.all.length, 1);
  });

  test('stars that went elsewhere meanwhile: Confirm says what is missing', async (t) => {
    const { rig, ann } = await atConfirm(t, 2);
    rig.balances.set(1, stars(0));
    await ann.press(/Confirm/);
    await ann.waitForMessage({ text: /This order costs 89\.06 ⭐ and your balance is empty/ });
    assert.equal(rig.orders.charges.length, 0);
  });

  test('/morph goes on where the order stands', async (t) => {
    const { rig, ann } = await atConfirm(t, 2);
    const before = ann.lastMessage();
    ann.say('/morph');
    await ann.waitForMessage({ button: /Confirm/ }, { after: before?.message_id ?? 0 });
    assert.equal(rig.orders.all.length, 1);
  });
});

test('what was asked before Continue and Confirm has no buttons afterwards', async (t) => {
  const { rig, ann } = await atCounter(t, 0);
  const prompt = await ann.waitForMessage({ text: /send me your photos/ });
  ann.sendPhotos(await pictures(2));
  await ann.waitForMessage({ text: /^2 photos/, button: /Done/ });
  await ann.press(/Done/);
  rig.balances.set(1, stars(0));
  await ann.press(/Seamless/);
  await ann.press(/Top up/);
  const topUp = await ann.waitForMessage({ text: /Pay exactly what is missing/ });
  rig.balances.set(1, stars(60_000));
  ann.say('/morph');
  await ann.waitForMessage({ button: /Confirm/ }, { after: topUp });
  await ann.press(/Confirm/);
  await ann.waitForMessage({ text: /0 of 1 transition/ });
  for (const { message_id } of [prompt, topUp]) {
    await ann.waitUntilGone((message) => message.message_id === message_id && hasButtons(message));
  }
});

describe('Confirm', () => {
  test('pressed twice, on two devices and on an old message charges once', async (t) => {
    const { rig, ann } = await atConfirm(t, 2);
    const old = await ann.waitForMessage({ button: /Confirm/ });
    ann.say('/morph');
    const fresh = await ann.waitForMessage({ button: /Confirm/ }, { after: old });
    const button = fresh.reply_markup?.inline_keyboard
      .flat()
      .find(({ text }) => /Confirm/.test(text));
    const data = button && 'callback_data' in button ? button.callback_data : '';
    assert.match(data, /^o:confirm:order1:l:8906:[0-9a-f]{8}$/);
    const answers = await Promise.all(
      [old, fresh, fresh, old].map(({ message_id }) => rig.server.press(1, message_id, data)),
    );
    assert.equal(answers.filter(({ text }) => /we've started/.test(text ?? '')).length, 1);
    assert.equal(answers.filter(({ text }) => /charged once/.test(text ?? '')).length, 3);
    assert.equal(rig.orders.charges.length, 1);
    assert.equal(rig.orders.all.length, 1);
    await ann.waitUntilGone({ button: /Confirm/ });
  });

  test('charges what its message shows: an older one of another mode or price charges nothing', async (t) => {
    const { rig, ann } = await atConfirm(t, 3);
    const loop = await ann.waitForMessage({ button: /Confirm/ });
    ann.say('/morph');
    const seamless = await ann.waitForMessage({ button: /Confirm/ }, { after: loop });
    await ann.press(/Back/);
    await ann.waitForMessage((message) => message.message_id === seamless.message_id);
    await ann.press(/Seamless/, { after: loop });
    await ann.waitForMessage({ text: /^Seamless — 2 transitions/, button: /Confirm/ });
    for (const data of [
      ...['o:confirm:order1:l:13359', 'o:confirm:order1:s:4453'],
      // Of another quote at the same price, and of none.
      ...['o:confirm:order1:s:8906:00000000', 'o:confirm:order1:s:8906'],
    ]) {
      const before = ann.lastMessage()?.message_id ?? 0;
      const answer = await rig.server.press(1, loop.message_id, data);
      assert.match(answer.text ?? '', /out of date, and nothing was charged/);
      const now = { text: /^Seamless — 2 transitions/, button: /Confirm/ };
      await ann.waitForMessage(now, { after: before });
      assert.deepEqual(rig.orders.charges, []);
    }
    await ann.press(/Confirm/);
    await ann.waitForMessage({ text: /0 of 2 transitions/ });
    assert.deepEqual(rig.orders.charges, [{ personId: 1, amount: 8_906 }]);
  });

  test('that is short of stars leaves a message whose Cancel works', async (t) => {
    const { rig, ann } = await atConfirm(t, 2);
    rig.balances.set(1, stars(0));
    await ann.press(/Confirm/);
    await ann.waitForMessage({ text: /This order costs 89\.06 ⭐ and your balance is empty/ });
    await ann.press(/^Cancel$/);
    await ann.waitForMessage({ text: /Nothing was charged/ });
    await ann.waitUntilGone({ button: /Top up/ });
  });

  test('works with no dialogue running, as after its state was lost', async (t) => {
    const { rig, ann } = await atConfirm(t, 2);
    rig.dialogues.clear();
    await ann.press(/Confirm/);
    await ann.waitForMessage({ text: /0 of 2 transitions/ });
    assert.equal(rig.orders.charges.length, 1);
  });
});

describe('a dialogue', () => {
  test('goes on after a restart', async (t) => {
    const { rig, ann } = await atQuote(t, 3);
    assert.equal(rig.dialogues.size, 1);
    await rig.restart();
    await ann.press(/Seamless/);
    await ann.press(/Confirm/);
    await ann.waitForMessage({ text: /0 of 2 transitions/ });
    await ann.waitForMessage({ text: /0 of 2/ });
    assert.equal(rig.orders.charges.length, 1);
  });

  test('of another version is picked up by its buttons', async (t) => {
    const { rig, ann } = await atQuote(t, 3);
    for (const [key, state] of rig.dialogues) {
      rig.dialogues.set(key, { ...(state as object), version: [0, 'older'] });
    }
    await ann.press(/Seamless/);
    await ann.waitForMessage({ button: /Confirm/ });
  });

  test('lets commands through and goes on', async (t) => {
    const { ann } = await atQuote(t, 3);
    ann.say('/balance');
    await ann.waitForMessage({ text: /Your balance: 600\.00 ⭐/ });
    ann.say('what now?');
    await ann.waitForMessage({ text: /use the buttons under the offer/ });
    await ann.press(/Seamless/);
    await ann.waitForMessage({ button: /Confirm/ });
  });

  test('an error in it is told kindly, without its words, and the next press works', async (t) => {
    const { rig, ann } = await atQuote(t, 3);
    rig.orders.failures.push({ method: 'choose', error: new Error('secret of Ann') });
    await ann.press(/Seamless/);
    await ann.waitForMessage({ text: /Something went wrong on our side/ });
    assert.ok(rig.logged.some((line) => line.includes('A handler failed')));
    await ann.press(/Seamless/);
    await ann.waitForMessage({ button: /Confirm/ });
  });

  test('waits for a database that is away for a moment, and does what was asked', async (t) => {
    const { rig, ann } = await atQuote(t, 3);
    const error = new DatabaseDown('gone');
    rig.orders.failures.push({ method: 'choose', error }, { method: 'find', error });
    await ann.press(/Seamless/);
    await ann.waitForMessage({ button: /Confirm/ });
    assert.ok(!ann.transcript().includes('Something went wrong'));
  });
});

describe('old and forged buttons', () => {
  test('of an order that is over say how it ended', async (t) => {
    const { rig, ann } = await atQuote(t, 3);
    const quote = await ann.waitForMessage({ button: /Seamless/ });
    const press = (data: string) => rig.server.press(1, quote.message_id, data);
    const words: [string, RegExp][] = [
      ['delivered', /is delivered/],
      ['cancelled', /was cancelled/],
      ['failed', /could not be made/],
    ];
    for (const [state, pattern] of words) {
      rig.orders.of(1).view.state = state as 'delivered';
      assert.match((await press('o:mode:order1:loop')).text ?? '', pattern);
    }
    rig.orders.of(1).view.state = 'rendering';
    assert.match((await press('o:done:order1')).text ?? '', /already paid and in work/);
  });

  test("of somebody else's order, unknown orders and nonsense do nothing", async (t) => {
    const { rig, ann } = await atConfirm(t, 2);
    const eve = rig.person(66, 'Eve');
    eve.say('/start');
    const welcome = await eve.waitForMessage({ button: /Morph/ });
    const press = (data: string) => rig.server.press(66, welcome.message_id, data);
    for (const action of ['confirm', 'cancel', 'done', 'mode', 'continue', 'status', 'partial']) {
      const choice = { mode: ':loop', partial: ':yes', confirm: ':l:8906' }[action] ?? '';
      const { text = '' } = await press(`o:${action}:order1${choice}`);
      assert.match(text, /order is closed|already over/, action);
    }
    for (const data of [
      'nonsense',
      'o:confirm',
      'o:confirm:order1',
      'o:confirm:none:s:1',
      'again:order1',
      'history:x',
    ]) {
      assert.notEqual((await press(data)).text ?? '', '', data);
    }
    assert.equal(rig.orders.of(1).view.state, 'quoted');
    assert.equal(rig.orders.charges.length, 0);
    await ann.press(/Confirm/);
    await ann.waitForMessage({ text: /0 of 2/ });
  });
});
