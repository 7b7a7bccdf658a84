import assert from 'node:assert/strict';
import { it } from 'node:test';
import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import type { BotApiServer } from '../../src/sandbox/bot-api-server.ts';
import type { Person } from '../support/chat.ts';
import {
  beginMorph,
  makePhotos,
  meet,
  PATIENCE,
  prepareMorph,
  receiveMorph,
  words,
} from '../support/morphs.ts';
import { makeJpeg, makeZip } from '../support/pictures.ts';
import { prepareWhole } from '../support/whole.ts';

type Say = Record<'en' | 'ru', RegExp>;

/** A file that cannot be taken, and how its sender is told. */
interface BadFile {
  readonly what: string;
  readonly send: (person: Person, telegram: BotApiServer) => unknown;
  readonly told: Say;
}

const zip = (entries: Parameters<typeof makeZip>[0], name: string) => (person: Person) =>
  person.sendFile(makeZip(entries), name, 'application/zip');

/** A PNG whose header claims other dimensions than it has. */
async function claimSize(width: number, height: number): Promise<Buffer> {
  const png = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
  png.writeUInt32BE(width, 16);
  png.writeUInt32BE(height, 20);
  png.writeUInt32BE(crc32(png.subarray(12, 29)), 29);
  return png;
}

async function badFiles(): Promise<BadFile[]> {
  const jpeg = await makeJpeg({ width: 400, height: 400, seed: 900 });
  const small = await makeJpeg({ width: 299, height: 500, seed: 901 });
  const wide = await claimSize(10_000, 9_000);
  return [
    {
      what: 'a file that is not a picture',
      send: (person) => person.sendFile(Buffer.from('%PDF-1.7 hello'), 'document.pdf'),
      told: {
        en: /0 photos · 1 skipped: document\.pdf is not a picture/,
        ru: /0 фото · 1 пропущен: document\.pdf — не изображение/,
      },
    },
    {
      what: 'a broken picture',
      send: (person) => person.sendFile(jpeg.subarray(0, 400), 'broken.jpg', 'image/jpeg'),
      told: { en: /broken\.jpg is damaged/, ru: /broken\.jpg — файл повреждён/ },
    },
    {
      what: 'a picture under 300 pixels',
      send: (person) => person.sendFile(small, 'small.jpg', 'image/jpeg'),
      told: { en: /small\.jpg is too small .*300 pixels/, ru: /small\.jpg — слишком маленькое/ },
    },
    {
      what: 'a picture over 80 megapixels',
      send: (person) => person.sendFile(wide, 'wide.png', 'image/png'),
      told: { en: /wide\.png is too large .*80 megapixels/, ru: /wide\.png — слишком большое/ },
    },
    {
      what: 'a file over the download limit',
      send: (person, telegram) =>
        telegram.sendDocument(person.id, { sizeBytes: 21 * 2 ** 20 }, { fileName: 'huge.jpg' }),
      told: { en: /huge\.jpg is over 20 MB: send it as a photo/, ru: /huge\.jpg — больше 20 МБ/ },
    },
    {
      what: 'an encrypted archive',
      send: zip([{ name: '1.jpg', data: jpeg, encrypted: true }], 'locked.zip'),
      told: { en: /locked\.zip is locked with a password/, ru: /locked\.zip — архив под паролем/ },
    },
    {
      what: 'a broken archive',
      send: (person) => person.sendFile(Buffer.from('PK\x03\x04 and nothing more'), 'torn.zip'),
      told: { en: /torn\.zip is damaged/, ru: /torn\.zip — архив повреждён/ },
    },
    {
      what: 'an archive in an archive',
      send: zip(
        [{ name: 'inner.zip', data: makeZip([{ name: '1.jpg', data: jpeg }]) }],
        'outer.zip',
      ),
      told: { en: /inner\.zip is an archive inside/, ru: /inner\.zip — архив внутри архива/ },
    },
    {
      what: 'an archive with a path out of it',
      send: zip([{ name: '../../evil.jpg', data: jpeg }], 'evil.zip'),
      told: { en: /unsafe path/, ru: /небезопасный путь/ },
    },
    {
      what: 'an archive that unpacks to far too much',
      send: zip([{ name: 'bomb.jpg', data: Buffer.alloc(39_000_000) }], 'bomb.zip'),
      told: {
        en: /bomb\.\w+ unpacks to far too much/,
        ru: /bomb\.\w+ — распаковывается в слишком/,
      },
    },
    {
      what: 'an archive without pictures',
      send: zip([{ name: 'notes.txt', data: Buffer.from('nothing to see') }], 'notes.zip'),
      told: { en: /notes\.zip has no pictures/, ru: /notes\.zip — в архиве нет изображений/ },
    },
  ];
}

const undo: Say = { en: /^Undo$/, ru: /^Убрать последние$/ };
const empty: Say = { en: words.en.counted(0), ru: words.ru.counted(0) };
const hints = {
  photos: { en: /I'm waiting for photos/, ru: /Жду фотографии/ },
  onePhoto: { en: /One photo has nothing to turn into/, ru: /Одному фото не во что превращаться/ },
  tooMany: { en: /Up to 4 photos are possible, and 2 are too many/, ru: /до 4 фото, 2 лишних/ },
} satisfies Record<string, Say>;

it('bad input is answered kindly, and the way goes on', { concurrency: 3 }, async (t) => {
  const whole = await prepareWhole(t, { quick: true });
  const { telegram } = whole;
  await whole.start({ MAX_PHOTOS: '4' });
  const files = await badFiles();

  const inBothLanguages = (['en', 'ru'] as const).map((language) =>
    t.test(`what is sent while photos are expected, in ${language}`, async () => {
      const person = await meet(whole, { stars: '50', language });
      await beginMorph(person, language);
      for (const { what, send, told } of files) {
        send(person, telegram);
        await person.waitForMessage({ text: told[language] }, PATIENCE);
        await person.press(undo[language], PATIENCE);
        await person.waitForMessage({ text: empty[language] }, PATIENCE);
        assert.ok(what);
      }
      for (const send of [
        () => person.say('Hello?'),
        () => telegram.sendSticker(person.id),
        () => telegram.sendVoice(person.id, { sizeBytes: 9_000 }),
      ]) {
        const { message_id: sent } = send();
        await person.waitForMessage({ text: hints.photos[language] }, { ...PATIENCE, after: sent });
      }
      const photos = await makePhotos(6);
      const [one] = person.sendPhotos(photos.slice(0, 1));
      await person.waitForMessage({ text: words[language].counted(1) }, PATIENCE);
      await person.press(words[language].done, PATIENCE);
      await person.waitForMessage(
        { text: hints.onePhoto[language] },
        { ...PATIENCE, after: one ?? 0 },
      );
      person.sendPhotos(photos.slice(1));
      await person.waitForMessage({ text: words[language].counted(6) }, PATIENCE);
      await person.press(words[language].done, PATIENCE);
      await person.waitForMessage({ text: hints.tooMany[language] }, PATIENCE);
      for (const left of [5, 4, 3, 2]) {
        await person.press(undo[language], PATIENCE);
        await person.waitForMessage({ text: words[language].counted(left) }, PATIENCE);
      }
      await person.press(words[language].done, PATIENCE);
      await person.press(words[language].seamless, PATIENCE);
      await person.press(words[language].confirm, PATIENCE);
      await receiveMorph(person, { language });
      t.diagnostic(person.transcript());
    }),
  );

  const buttons = t.test('buttons of old messages, of other people and of nobody', async () => {
    const [ann, eve] = [await meet(whole, { stars: '50' }), await meet(whole, { stars: '50' })];
    await prepareMorph(ann, { photos: await makePhotos(2) });
    const confirm = await ann.waitForButton(words.en.confirm, PATIENCE);
    const mine = confirm.data.split(':')[2];
    const anything = eve.messages().at(-1)?.message_id ?? 0;
    for (const data of [
      confirm.data,
      `o:cancel:${mine}`,
      `o:clear:${mine}`,
      `o:undo:${mine}`,
      `o:mode:${mine}:loop`,
      `o:partial:${mine}:yes`,
      `o:continue:${mine}`,
      `again:${mine}`,
      `o:repeat:${mine}`,
      `o:repeat:${mine}:prompt`,
      `o:use:${mine}:neuro_photo`,
      `o:pick:${mine}:size:1x1`,
      `o:rethink:${mine}`,
      'o:confirm:0000000000000000',
      'o:mode:x:sideways',
      'o:constructor:x',
      'menu:__proto__',
      'language:xx',
      'history:-1',
      'rubbish',
      '\u0000\u0001',
      'я'.repeat(32),
      'x'.repeat(64),
    ]) {
      const answer = await telegram.press(eve.id, anything, data, PATIENCE);
      assert.match(answer.text ?? '', /closed|old message|already over/, JSON.stringify(data));
    }
    await ann.press(words.en.confirm, PATIENCE);
    await receiveMorph(ann);
    // The same button, long after: nothing is bought again.
    const late = await telegram.press(ann.id, confirm.message.message_id, confirm.data, PATIENCE);
    assert.match(late.text ?? '', /Already confirmed/);
    for (const person of [ann, eve]) {
      person.say('/balance');
      const left = person === ann ? /balance: 5\.47 ⭐/ : /balance: 50\.00 ⭐/;
      await person.waitForMessage({ text: left }, PATIENCE);
    }
  });

  const grants = t.test('/grant from a stranger, and amounts that are none', async () => {
    const eve = await meet(whole);
    const answerTo = async (person: Person, text: string) => {
      const { message_id: after } = person.say(text);
      const answer = await person.waitForMessage(() => true, { ...PATIENCE, after });
      return answer.text ?? '';
    };
    const unknown = await answerTo(eve, '/nonsense');
    assert.equal(await answerTo(eve, `/grant ${eve.id} 100`), unknown);
    assert.equal(await answerTo(eve, '/grant'), unknown);
    for (const amount of [
      '-5',
      '0',
      'NaN',
      '1e9',
      'Infinity',
      '99999999999999999999',
      '0.001',
      '5;',
    ]) {
      const answer = await answerTo(whole.admin, `/grant ${eve.id} ${amount}`);
      assert.match(answer, /Like this|must be above 0/, amount);
    }
    assert.match(await answerTo(whole.admin, '/grant 123 5'), /Nobody known as 123 has written/);
    assert.match(await answerTo(eve, '/balance'), /balance: 0\.00 ⭐/);
  });

  const repeated = t.test('an update that Telegram repeats is handled once', async () => {
    const ann = await meet(whole);
    const message = ann.say('/balance');
    await ann.waitForMessage({ text: /Your balance/ }, { ...PATIENCE, after: message });
    for (let time = 0; time < 3; time += 1) {
      telegram.pushUpdate({ update_id: 1_900_000_000, message });
    }
    const { message_id: after } = ann.say('/help');
    await ann.waitForMessage({ text: /How it works/ }, { ...PATIENCE, after });
    const answers = ann.messages().filter(({ text }) => text?.startsWith('Your balance'));
    assert.equal(answers.length, 2);
  });
  await Promise.all([...inBothLanguages, buttons, grants, repeated]);
  await whole.stop();
  await whole.audit();
});
