import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import JSZip from 'jszip';
import sharp from 'sharp';
import { orders } from '../../src/db/schema.ts';
import type { PrivateMessage } from '../../src/sandbox/bot-api-server.ts';
import { SERVICES } from '../../src/services/index.ts';
import { startBflServer } from '../support/bfl-server.ts';
import { buttonLabels } from '../support/chat.ts';
import { countMedia, documentBytes, meetCustomer, wordsOf } from '../support/customers.ts';
import { accepted, makePhotos, until } from '../support/morphs.ts';
import { makeJpeg, useDirectory } from '../support/pictures.ts';
import { quickTools } from '../support/quick-tools.ts';
import { booksOf } from '../support/service-books.ts';
import { makeSound } from '../support/sound-files.ts';
import { prepareWhole } from '../support/whole.ts';

/** What the menu shows, in this order; what is added to it need not be named here. */
const MENU = [
  '✨ Morph · from 44.53 ⭐',
  '🎥 Image to video · from 9.37 ⭐',
  '🎬 Text to video · from 9.37 ⭐',
  '📸 Neuro-photo · from 7.50 ⭐',
  '🪄 Neuro-photo V2 · from 13.12 ⭐',
  '🤖 Digital avatar · from 220.31 ⭐',
  '🔍 Image to prompt · from 2.81 ⭐',
  '🎙️ Text to speech · from 11.25 ⭐',
  '📝 Voice to text · from 0.56 ⭐',
];

/** Of an MP3 that may be repeated: a sound of any length is as quick to make as one of a second. */
const LOOSE_FRAMES = [
  ...['-b:a', '16k', '-ar', '16000', '-reservoir', '0'],
  ...['-write_xing', '0', '-id3v2_version', '0'],
];

it('the eight other services, each the whole way', async (t: TestContext) => {
  const whole = await prepareWhole(t, { quick: true, delayMs: 40 });
  const { telegram, replicate } = whole;
  const bfl = await startBflServer();
  t.after(() => bfl.close());
  const tools = await quickTools();
  await using folder = await useDirectory();
  const sound = async (name: string, options: Parameters<typeof makeSound>[3]) =>
    readFile(await makeSound(tools, folder.path, name, options));

  await whole.start({ BFL_API_KEY: bfl.key, BFL_BASE_URL: bfl.baseUrl });
  const ann = await meetCustomer(whole, { stars: '1000' });
  t.after(() => t.diagnostic(ann.person.transcript()));
  let trained: PrivateMessage | undefined;
  let left = 100_000;
  /** What she has left, to the hundredth. */
  const spend = async (price: string) => {
    const before = left;
    left = Math.round(Number(await ann.balance()) * 100);
    assert.equal(((before - left) / 100).toFixed(2), price);
  };
  /** The texts of all calls of a method for her that Telegram took. */
  const calls = (method: string) =>
    accepted(telegram, method, ann.id).map(({ payload }) => String(payload['text']));
  const newest = () => replicate.predictions.at(-1);

  await t.test('the menu and /price name all of them with the least they cost', async () => {
    ann.since(ann.person.say('/start'));
    const menu = await ann.see({ button: /Voice to text/ });
    const labels = buttonLabels(menu).filter((label) => label.includes('from'));
    assert.equal(labels.length, SERVICES.length);
    assert.deepEqual(
      labels.filter((label) => MENU.includes(label)),
      MENU,
    );
    ann.since(ann.person.say('/price'));
    const { text = '' } = await ann.see(/What it costs/);
    for (const label of labels) assert.ok(text.includes(label.replace(' · ', ' — ')), label);
    ann.since(ann.person.say('/gender'));
    await ann.press(/^Female$/);
    await ann.see(/Noted: female/);
  });

  await t.test('digital_avatar_body: ten photos become a private model of a man', async () => {
    await ann.choose('Digital avatar');
    await ann.press(/^Male$/);
    await ann.see(/Send me 10 to 50 photos/);
    ann.person.sendPhotos(await makePhotos(9), { album: true });
    await ann.see(/^9 photos(?!.*arriving)/);
    await ann.press(/Done/);
    await ann.see(/At least 10 photos are needed: 1 more/);
    ann.person.sendPhotos(await makePhotos(1));
    await ann.see(/^10 photos(?!.*arriving)/);
    await ann.press(/Done/);
    await ann.see(/What shall I call this avatar/);
    ann.say('Max <b>');
    await ann.press(/^1500 · 330\.46 ⭐$/);
    await ann.see(/10 photos · Max <b> · 1500 training steps · 330\.46 ⭐/);
    await ann.press(/^Back$/);
    await ann.press(/^1000 · 220\.31 ⭐$/);
    await ann.confirm('220.31');
    assert.deepEqual(countMedia(ann.received()), { photo: 1 }, 'one sheet of all photos');
    await ann.see(/🤖 Digital avatar\n(Starting|At work|Almost|Sending|✅)/);
    trained = await ann.receive('220.31', /^Max <b> · The avatar is trained/);
    assert.deepEqual(buttonLabels(trained), ['📸 Neuro-photo', '🎚️ Another number of steps']);
    await spend('220.31');

    const [model, ...others] = replicate.models;
    assert.equal(others.length, 0);
    assert.equal(model?.visibility, 'private');
    assert.equal(model?.hardware, 'gpu-l40s');
    assert.equal(model?.versions.length, 1);
    const [training] = replicate.trainings;
    assert.equal(training?.input['trigger_word'], 'TOK');
    assert.equal(training?.input['steps'], 1000);
    assert.match(
      String(training?.input['autocaption_prefix']),
      /TOK, handsome man, masculine features/,
    );
    const zip = replicate.fileBytes(String(training?.input['input_images']));
    assert.equal(Object.keys((await JSZip.loadAsync(zip ?? '')).files).length, 10);
  });

  await t.test('neuro_photo: pictures of the avatar, then others like them', async () => {
    const version = `${replicate.models[0]?.owner}/${replicate.models[0]?.name}`;
    const original = await makeJpeg({ width: 300, height: 400, seed: 77 });
    assert.ok(trained);
    await ann.goOn(trained, /^📸 Neuro-photo$/);
    await ann.press(/^Max <b>$/);
    await ann.see(/What shall be in the picture/);
    ann.say('x');
    await ann.see(/too short: it takes 3/);
    ann.say('on a bridge & in the rain');
    await ann.press(/^3:4$/);
    replicate.next({ output: original });
    await ann.press(/^2 · 15\.00 ⭐$/);
    await ann.see(/Neuro-photo — 2 pictures · 3:4 · Max <b> · 15\.00 ⭐/);
    await ann.confirm('15.00');
    let closing = await ann.receive('15.00');
    assert.deepEqual(countMedia(ann.received()), { photo: 2, document: 2 });
    const documents = documentBytes(whole, ann.received());
    assert.ok(
      documents.some((bytes) => bytes.equals(original)),
      'untouched',
    );
    await spend('15.00');
    const two = replicate.predictions.slice(-2);
    for (const { model, input } of two) {
      assert.equal(model, version);
      assert.equal(
        input['prompt'],
        'TOK, handsome man, masculine features. on a bridge & in the rain',
      );
      assert.equal(input['aspect_ratio'], '3:4');
    }
    assert.deepEqual(buttonLabels(closing), [
      '🔁 Repeat',
      '✏️ New prompt',
      '📐 Change size',
      '🔢 Another number',
    ]);

    await ann.goOn(closing, /Repeat/);
    await ann.confirm('15.00');
    closing = await ann.receive('15.00');
    await spend('15.00');
    const seeds = new Set(replicate.predictions.map(({ input }) => input['seed']));
    assert.equal(seeds.size, replicate.predictions.length, 'no picture is made twice');

    await ann.goOn(closing, /Another number/);
    await ann.press(/^4 · 30\.00 ⭐$/);
    replicate.next({}, { outcome: 'fail', error: 'The input or output was flagged (E005)' });
    await ann.confirm('30.00');
    closing = await ann.receive('22.50', /Could not be made: 1 picture\.\n\n7\.50 ⭐ came back/);
    assert.deepEqual(countMedia(ann.received()), { photo: 3, document: 3 });
    await spend('22.50');
  });

  await t.test('a model that refuses: kind words, and all stars come back', async () => {
    await ann.choose('Neuro-photo');
    await ann.press(/^Max <b>$/);
    await ann.press(/^In a cafe$/);
    await ann.press(/^1:1$/);
    replicate.next({ outcome: 'fail', error: 'The input or output was flagged (E005)' });
    await ann.press(/^1 · 7\.50 ⭐$/);
    await ann.confirm('7.50');
    const notice = await ann.see(/the model refused this request/);
    assert.match(notice.text ?? '', /7\.50 ⭐ came back/);
    assert.deepEqual(buttonLabels(notice), ['📸 Neuro-photo']);
    assert.match(String(newest()?.input['prompt']), /^TOK, handsome man.*cosy cafe/);
    await spend('0.00');
  });

  await t.test('neuro_photo_v2: pictures after one photo, painted at BFL', async () => {
    const photo = await makeJpeg({ width: 500, height: 700, seed: 5 });
    await ann.choose('Neuro-photo V2');
    await ann.see(/Send me one photo/);
    ann.say('a text where a photo is asked for');
    await ann.see(/I'm waiting for one photo/);
    ann.person.sendFile(Buffer.from('no picture'), 'notes.jpg', 'image/jpeg');
    await ann.see(/I can't use that: notes\.jpg is not a picture/);
    ann.person.sendFile(photo, 'me.jpg', 'image/jpeg');
    await ann.see(/What shall be in the new picture/);
    ann.say('as an astronaut');
    await ann.press(/^9:16$/);
    await ann.press(/^2 · 26\.24 ⭐$/);
    await ann.confirm('26.24');
    const closing = await ann.receive('26.24');
    assert.deepEqual(countMedia(ann.received()), { photo: 2, document: 2 });
    await spend('26.24');
    assert.equal(bfl.tasks.length, 2);
    for (const { input, images } of bfl.tasks) {
      assert.match(String(input['prompt']), /\(beautiful woman, feminine features\).*astronaut/);
      assert.equal(input['height'], 1280);
      assert.ok(images['input_image']);
    }

    await ann.goOn(closing, /Change size/);
    await ann.press(/^1:1$/);
    bfl.next({ status: 'Request Moderated' }, { status: 'Request Moderated' });
    await ann.confirm('26.24');
    await ann.see(/the model refused this request[\s\S]*26\.24 ⭐ came back/);
    await spend('0.00');
  });

  await t.test(
    'image_to_prompt: a prompt to copy, and to use, of the first of an album',
    async () => {
      await ann.choose('Image to prompt');
      await ann.see(/Send me the picture/);
      replicate.next({ value: ['A <man> ', 'on a bridge.'] });
      const photos = await makePhotos(3);
      ann.person.sendPhotos(photos, { album: true });
      await ann.see(/I take the first of this album/);
      await ann.confirm('2.81');
      const closing = await ann.receive('2.81');
      await spend('2.81');
      const [sent] = [newest()?.input['images']].flat();
      const { width } = await sharp(replicate.fileBytes(String(sent))).metadata();
      assert.equal(width, (await sharp(photos[0]).metadata()).width);
      const prompt = ann.received().find(({ text }) => text === 'A <man> on a bridge.');
      assert.equal(prompt?.entities?.[0]?.type, 'code');
      assert.deepEqual(buttonLabels(closing), [
        'Use it: Neuro-photo',
        'Use it: Neuro-photo V2',
        'Use it: Text to video',
        '🔁 Another wording',
      ]);

      await ann.goOn(closing, /Use it: Neuro-photo$/);
      await ann.press(/^Max <b>$/);
      await ann.press(/^1:1$/);
      await ann.press(/^1 · /);
      await ann.confirm('7.50');
      const pictures = await ann.receive('7.50');
      await spend('7.50');
      assert.match(String(newest()?.input['prompt']), /features\. A <man> on a bridge\.$/);

      await ann.goOn(closing, /Another wording/);
      await ann.confirm('2.81');
      ann.since(pictures);
      await ann.receive('2.81');
      await spend('2.81');
    },
  );

  await t.test('image_to_video: a clip that begins with the photo, twice', async () => {
    await ann.choose('Image to video');
    await ann.press(/^P-Video · 5 s · 9\.37 ⭐$/);
    ann.person.sendPhotos([await makeJpeg({ width: 640, height: 480, seed: 9 })]);
    await ann.see(/What shall happen in the video/);
    ann.say('the wind blows');
    await ann.confirm('9.37');
    let closing = await ann.receive('9.37');
    assert.deepEqual(countMedia(ann.received()), { video: 1, document: 1 });
    await spend('9.37');
    assert.equal(newest()?.model, 'prunaai/p-video');
    assert.equal(newest()?.input['prompt'], 'the wind blows');
    assert.ok(replicate.fileBytes(String(newest()?.input['image'])));
    assert.deepEqual(buttonLabels(closing), ['🔁 Repeat', '✏️ New prompt', '🎛️ Another model']);

    await ann.goOn(closing, /Another model/);
    await ann.press(/^Kling 2\.1 · 5 s · 23\.43 ⭐$/);
    await ann.confirm('23.43');
    closing = await ann.receive('23.43');
    await spend('23.43');
    assert.equal(newest()?.model, 'kwaivgi/kling-v2.1');
    assert.equal(newest()?.input['prompt'], 'the wind blows');
  });

  await t.test('text_to_video: a clip from words, twice', async () => {
    await ann.choose('Text to video');
    await ann.press(/^Veo 3\.1 Fast · 8 s · 75\.00 ⭐$/);
    await ann.press(/^9:16$/);
    await ann.see(/What shall we see/);
    ann.person.sendPhotos(await makePhotos(1));
    await ann.see(/I'm waiting for your text/);
    ann.say('x'.repeat(1_001));
    await ann.see(/too long: 1001 characters, and up to 1000 fit/);
    ann.say('a boat');
    await ann.confirm('75.00');
    const closing = await ann.receive('75.00');
    const video = await ann.see({ has: 'video' });
    assert.equal(video.video?.duration, 8);
    await spend('75.00');
    assert.equal(newest()?.input['aspect_ratio'], '9:16');

    await ann.goOn(closing, /New prompt/);
    ann.say('a train');
    await ann.confirm('75.00');
    await ann.receive('75.00');
    await spend('75.00');
    assert.equal(newest()?.input['prompt'], 'a train');
  });

  await t.test('text_to_speech: 9,000 characters in three messages', async () => {
    const parts = ['a', 'b', 'c'].map((letter) => `${letter.repeat(9)} `.repeat(300).trim());
    await ann.choose('Text to speech');
    await ann.see(/Send me the text/);
    for (const part of parts) ann.say(part);
    await until(
      () => calls('sendMessage').filter((text) => /Whose voice/.test(text)).length >= 3,
      'all three were taken',
    );
    const asked = () => ann.received().filter(({ text }) => /Whose voice/.test(text ?? ''));
    await until(() => asked().length === 1, 'the voice is asked for once');
    ann.say('d'.repeat(1_100));
    await ann.see(/too long: 10\d\d\d characters, and up to 10000 fit/);
    await ann.press(/English: storyteller/);
    await ann.see(/8999 characters · English: storyteller · 101\.25 ⭐/);
    await ann.confirm('101.25');
    const closing = await ann.receive('101.25');
    assert.deepEqual(countMedia(ann.received()), { voice: 1, audio: 1 });
    assert.match(ann.received().find(({ audio }) => audio)?.audio?.file_name ?? '', /mp3$/);
    await spend('101.25');
    assert.equal(newest()?.input['text'], parts.join('\n'));
    assert.equal(newest()?.input['voice_id'], 'English_CaptivatingStoryteller');

    await ann.goOn(closing, /New text/);
    await ann.see(/Send me the text/);
    ann.say('short');
    await ann.confirm('11.25');
    await ann.receive('11.25');
    await spend('11.25');
    assert.equal(newest()?.input['text'], 'short');
  });

  await t.test('voice_to_text: voice, audio, video, video note', async () => {
    await ann.choose('Voice to text');
    await ann.see(/Send me the recording/);
    ann.person.sendPhotos(await makePhotos(1));
    await ann.see(/I'm waiting for a voice message/);
    const mute = await sound('mute.mp4', { seconds: 1, picture: true, mute: true });
    telegram.sendVideo(ann.id, mute, { fileName: 'mute.mp4', mimeType: 'video/mp4' });
    await ann.see(/This video has no sound/);
    const voice = await sound('voice.ogg', { options: ['-c:a', 'libopus'] });
    telegram.sendVoice(ann.id, voice, { durationSeconds: 2 });
    await ann.see(/1 min · 0\.56 ⭐/);
    await ann.confirm('0.56');
    let closing = await ann.receive('0.56', /Language: English/);
    assert.ok(ann.received().some(({ text }) => text === 'Hello, this is what was said.'));
    await spend('0.56');
    assert.equal(newest()?.model, 'openai/gpt-4o-transcribe');

    // Longer than the quick model listens; without an order, it begins one.
    const second = await sound('second.mp3', { seconds: 1, options: LOOSE_FRAMES });
    const audio = Buffer.concat(Array.from({ length: 302 }, () => second));
    const long = 'Это очень длинный рассказ о том, как мы ездили летом на море.\n'
      .repeat(300)
      .trim();
    replicate.next({ value: { transcription: long, detected_language: 'russian', segments: [] } });
    ann.since(telegram.sendAudio(ann.id, audio, { fileName: 'long.mp3', mimeType: 'audio/mpeg' }));
    await ann.see(/6 min · 3\.37 ⭐/);
    await ann.confirm('3.37');
    closing = await ann.receive('3.37', /Language: Russian/);
    assert.deepEqual(countMedia(ann.received()), { document: 1 });
    assert.equal(documentBytes(whole, ann.received())[0]?.toString(), long);
    await spend('3.37');
    assert.equal(newest()?.model, 'openai/whisper');

    const video = await sound('talk.mp4', { seconds: 1, picture: true });
    for (const send of [
      () => telegram.sendVideo(ann.id, video, { fileName: 'talk.mp4', mimeType: 'video/mp4' }),
      () => telegram.sendVideoNote(ann.id, video),
    ]) {
      ann.since(send());
      await ann.see(/1 min · 0\.56 ⭐/);
      await ann.press(/^Cancel$/);
      await ann.see(/The order is cancelled/);
    }
    ann.since(
      telegram.sendDocument(ann.id, video, { fileName: 'talk.mp4', mimeType: 'video/mp4' }),
    );
    await ann.confirm('0.56');
    closing = await ann.receive('0.56');
    await spend('0.56');
    await ann.goOn(closing, /Write it down again/);
    await ann.confirm('0.56');
    await ann.receive('0.56');
    await spend('0.56');
  });

  await t.test('/history sends results of every kind again', async () => {
    ann.since(ann.person.say('/history'));
    const kinds = new Set<string>();
    for (;;) {
      const page = await ann.see({ button: /↩️|◀|▶/ });
      const labels = buttonLabels(page);
      for (const label of labels.filter((one) => one.startsWith('↩️'))) {
        const line =
          new RegExp(`^${label.slice(3)}\\. (.*)$`, 'm').exec(page.text ?? '')?.[1] ?? '';
        const name = line.split(' · ')[1] ?? '';
        if (kinds.has(name)) continue;
        kinds.add(name);
        const before = ann.received().length;
        await ann.press(new RegExp(`^${label}$`));
        const messages = name === 'Neuro-photo V2' ? 4 : /Neuro|spee|video/.test(name) ? 2 : 1;
        await until(() => ann.received().length === before + messages, `${name} was sent again`);
        const again = ann.received().slice(before);
        if (name === 'Text to speech') assert.ok(again[0]?.voice && again[1]?.audio);
      }
      if (!labels.includes('▶')) break;
      await ann.press(/^▶$/);
      const shown = page.text;
      await ann.see((message) => message.message_id === page.message_id && message.text !== shown);
    }
    assert.deepEqual([...kinds].toSorted(), [
      'Image to prompt',
      'Image to video',
      'Neuro-photo',
      'Neuro-photo V2',
      'Text to speech',
      'Text to video',
      'Voice to text',
    ]);
  });

  await t.test('avatars are renamed and deleted, with their weights', async () => {
    ann.since(ann.person.say('/avatars'));
    await ann.press(/^✏️ 1$/);
    await ann.see(/What shall Max <b> be called/);
    ann.say('Maxim');
    await ann.see(/1\. Maxim ·/);
    await ann.press(/^🗑 1$/);
    await ann.press(/^🗑 Delete$/);
    await ann.see(/You have no avatar yet/);
    await until(() => replicate.models[0]?.versions.length === 0, 'the weights were deleted');
    await ann.choose('Neuro-photo');
    await ann.see(/You have no avatar yet/);
  });

  await t.test('in Russian, with no English word left', async () => {
    const boris = await meetCustomer(whole, { stars: '100', language: 'ru' });
    t.after(() => t.diagnostic(boris.person.transcript()));
    await boris.choose('Текст в голос');
    boris.say('Привет!');
    await boris.press(/спокойный мужской/i);
    await boris.confirm('11.25');
    await boris.receive('11.25');
    assert.deepEqual(countMedia(boris.received()), { voice: 1, audio: 1 });

    await boris.choose('Нейрофото V2');
    await boris.press(/^Мужчина$/);
    boris.person.sendPhotos(await makePhotos(1));
    await boris.press(/^Ночной город$/);
    await boris.press(/^16:9$/);
    await boris.press(/^2 · 26\.24 ⭐$/);
    bfl.next({ status: 'Request Moderated' });
    await boris.confirm('26.24');
    await boris.receive('13.12', /13\.12 ⭐ верн/);
    assert.match(String(bfl.tasks.at(-1)?.input['prompt']), /handsome man, masculine features/);
    assert.equal(await boris.balance(), '75.63');
    boris.say('/history');
    boris.say('/price');
    boris.say('/avatars');
    await boris.see(/Видео из фото — от 9\.37 ⭐/);
    await boris.see(/аватар/);

    const english = wordsOf(boris.person.messages().filter(({ from }) => from.is_bot))
      .join('\n')
      .replaceAll(/\/\w+|@\w+|\b(?:Morphogram|Telegram|ZIP|MP3)\b/g, '')
      .match(/\b[a-z]{3,}\b/gi);
    assert.equal(english, null);
  });

  await t.test('/forget_me leaves nothing but the books', async () => {
    ann.since(ann.person.say('/forget_me'));
    await ann.press(/^Yes, delete everything$/);
    await ann.see(/I have forgotten you/);
    ann.since(ann.person.say('/history'));
    const page = await ann.see(/order/);
    assert.ok(!buttonLabels(page).some((label) => label.startsWith('↩️')), 'nothing to send again');
    assert.equal(await ann.balance(), (left / 100).toFixed(2));
  });

  assert.deepEqual(bfl.violations, []);
  await whole.stop();
  const [books, rows] = await whole.look(
    async (db) => [await booksOf(db), await db.select().from(orders)] as const,
  );
  assert.deepEqual(books.wrong, []);
  const mine = books.orders.filter(({ personId }) => personId === ann.id);
  assert.equal(
    mine.reduce((sum, { paid }) => sum + paid, 0),
    100_000 - left,
  );
  const kept = await readdir(join(whole.place.options.dataDir, 'files/orders'));
  for (const order of rows) {
    if (order.personId !== ann.id) continue;
    assert.ok(!kept.includes(order.id), 'its files are deleted');
    assert.deepEqual([order.answers, order.input], [{}, {}], order.serviceType);
  }
});
