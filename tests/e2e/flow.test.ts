import assert from 'node:assert/strict';
import { it } from 'node:test';
import sharp from 'sharp';
import type { Person } from '../support/chat.ts';
import { buttonLabels } from '../support/chat.ts';
import {
  accepted,
  beginMorph,
  makePhotos,
  meet,
  orderMorph,
  PATIENCE,
  prepareMorph,
  quoteMorph,
  receiveMorph,
  until,
  words,
} from '../support/morphs.ts';
import { makeZip } from '../support/pictures.ts';
import type { ReplicateServer, ServedPrediction } from '../support/replicate-server.ts';
import { prepareWhole } from '../support/whole.ts';

const COLOURS = {
  red: [220, 20, 20],
  green: [20, 160, 20],
  blue: [20, 20, 220],
  yellow: [230, 220, 20],
  white: [250, 250, 250],
  black: [5, 5, 5],
} as const;
type Colour = keyof typeof COLOURS;

let shades = 0;

/** A photo of one colour, so that it is known again in what the model gets. */
function paint(colour: Colour): Promise<Buffer> {
  const [r, g, b] = COLOURS[colour];
  shades += 1;
  return sharp({
    create: { width: 400 + shades, height: 400, channels: 3, background: { r, g, b } },
  })
    .jpeg()
    .toBuffer();
}

async function colourOf(bytes: Buffer | undefined): Promise<Colour> {
  const { channels } = await sharp(bytes).stats();
  const distance = (colour: Colour) =>
    COLOURS[colour].reduce(
      (sum, value, at) => sum + Math.abs(value - (channels[at]?.mean ?? 0)),
      0,
    );
  const all = Object.keys(COLOURS) as Colour[];
  return all.reduce((best, colour) => (distance(colour) < distance(best) ? colour : best));
}

/** `red→green`, for every transition that was asked for, sorted. */
async function transitions(
  replicate: ReplicateServer,
  predictions: readonly ServedPrediction[],
): Promise<string[]> {
  const named = predictions.map(async ({ input }) => {
    const end = (field: string) => colourOf(replicate.fileBytes(String(input[field])));
    return `${await end('start_image')}→${await end('end_image')}`;
  });
  return (await Promise.all(named)).toSorted();
}

it('what people do with the bot', { concurrency: 3 }, async (t) => {
  const whole = await prepareWhole(t, { quick: true });
  const { telegram, replicate } = whole;
  await whole.start();

  /** The predictions of one order, told from those of others by the prompt's photos. */
  const predictionsSince = (from: number) => replicate.predictions.slice(from);

  // Alone at first: they look at all predictions since their beginning.
  await t.test(
    'an album, a file and a ZIP become one order, in the order they were sent',
    async () => {
      const ann = await meet(whole, { stars: '500' });
      await beginMorph(ann);
      ann.sendPhotos([await paint('red'), await paint('green')], { album: true });
      ann.sendFile(await paint('blue'), 'IMG_1.jpg', 'image/jpeg');
      const entries = [
        { name: 'trip/10.jpg', data: await paint('black') },
        { name: 'trip/2.jpg', data: await paint('white') },
        { name: 'trip/1.jpg', data: await paint('yellow') },
        { name: '__MACOSX/trip/._1.jpg', data: Buffer.from('resource') },
        { name: 'trip/.hidden.jpg', data: await paint('red') },
        { name: 'trip/empty.jpg', data: Buffer.alloc(0) },
        { name: 'trip/readme.txt', data: Buffer.from('words') },
      ];
      ann.sendFile(makeZip(entries), 'trip.zip', 'application/zip');
      await ann.waitForMessage({ text: /^6 photos · 1 skipped: .*readme\.txt is not/ }, PATIENCE);
      await ann.press(words.en.done, PATIENCE);
      await ann.waitForMessage({ text: /Seamless — 5 transitions · 25 s · 222\.65 ⭐/ }, PATIENCE);
      await ann.waitForMessage({ text: /Loop — 6 transitions · 30 s · 267\.18 ⭐/ });
      await ann.press(words.en.loop);
      await ann.press(words.en.confirm, PATIENCE);
      await receiveMorph(ann);
      assert.deepEqual(await transitions(replicate, predictionsSince(0)), [
        'black→red',
        'blue→yellow',
        'green→blue',
        'red→green',
        'white→black',
        'yellow→white',
      ]);
      assert.equal(replicate.predictions[0]?.input['prompt'], PROMPTS.Skip);
      t.diagnostic(ann.transcript());
    },
  );

  await t.test(
    'Undo takes the last message back, Clear all; what is left is rendered, as the gender is',
    async () => {
      const from = replicate.predictions.length;
      const ann = await meet(whole, { stars: '100' });
      await answerGender(ann, 'Male');
      ann.sendPhotos([await paint('red'), await paint('black')]);
      await ann.waitForMessage({ text: words.en.counted(2) }, PATIENCE);
      await ann.press(/^Clear$/);
      await ann.waitForMessage({ text: words.en.counted(0) }, PATIENCE);
      ann.sendPhotos([await paint('green'), await paint('blue')]);
      await ann.waitForMessage({ text: words.en.counted(2) }, PATIENCE);
      const zip = makeZip([
        { name: '1.jpg', data: await paint('black') },
        { name: '2.jpg', data: await paint('white') },
      ]);
      ann.sendFile(zip, 'two.zip', 'application/zip');
      await ann.waitForMessage({ text: words.en.counted(4) }, PATIENCE);
      await ann.press(/^Undo$/);
      await ann.waitForMessage({ text: words.en.counted(2) }, PATIENCE);
      await ann.press(words.en.done);
      await ann.press(words.en.seamless, PATIENCE);
      await ann.press(words.en.confirm, PATIENCE);
      await receiveMorph(ann);
      assert.deepEqual(await transitions(replicate, predictionsSince(from)), ['green→blue']);
      assert.equal(replicate.predictions[from]?.input['prompt'], PROMPTS.Male);
      await skipGender(ann);
    },
  );

  await t.test('the answer to the gender question is what the model is told', async () => {
    const from = replicate.predictions.length;
    const boris = await meet(whole, { stars: '100', language: 'ru' });
    await answerGender(boris, 'Женщина', 'ru');
    await quoteMorph(boris, await makePhotos(2), 'ru');
    await boris.press(words.ru.seamless);
    await boris.press(words.ru.confirm, PATIENCE);
    await receiveMorph(boris, { language: 'ru' });
    assert.equal(replicate.predictions[from]?.input['prompt'], PROMPTS.Женщина);
    await skipGender(boris, 'ru');
  });

  await t.test(
    'Cancel while it renders: the ready part is offered, the rest comes back',
    async () => {
      const [ann, boris] = [
        await meet(whole, { stars: '200' }),
        await meet(whole, { stars: '200', language: 'ru' }),
      ];
      for (const [person, language] of [
        [ann, 'en'],
        [boris, 'ru'],
      ] as const) {
        replicate.next({ delayMs: 50 }, { outcome: 'hang' }, { outcome: 'hang' });
        await orderMorph(person, { photos: await makePhotos(4), language });
        await person.waitForMessage(
          { text: /^(.|\n)*1 (of 3 transitions|из 3 переходов)/ },
          PATIENCE,
        );
        await person.press(words[language].cancel, PATIENCE);
        await person.waitForMessage({ text: /Shall I send|короткое видео/ }, PATIENCE);
      }
      await until(() => replicate.running.now === 0, 'the others were cancelled at the provider');
      await ann.press(/Yes, send the shorter video/);
      const video = await ann.waitForMessage({ has: 'video' }, PATIENCE);
      assert.equal(video.video?.duration, 5);
      await receiveMorph(ann);
      const closing = await ann.waitForMessage({ text: words.en.enjoy }, PATIENCE);
      assert.match(closing.text ?? '', /Paid: 44\.53 ⭐$/);
      assert.doesNotMatch(closing.text ?? '', /came back/);
      await boris.press(/^Нет/);
      await boris.waitForMessage({ text: /не будет|Видео по этому/ }, PATIENCE);
      for (const person of [ann, boris]) {
        const { message_id: after } = person.say('/balance');
        const account = await person.waitForMessage({ text: /155\.47 ⭐/ }, { ...PATIENCE, after });
        assert.match(account.text ?? '', /\+89\.06 ⭐ · .*\((2 transitions|2 перехода)\)$/m);
        person.say('/history');
        await person.waitForMessage(
          { text: /1 (of 3 transitions|из 3 переходов) · 44\.53 ⭐/ },
          { ...PATIENCE, after: account },
        );
        t.diagnostic(person.transcript());
      }
      assert.equal(accepted(telegram, 'sendVideo', boris.id).length, 0);
    },
  );

  await Promise.all([
    t.test('/start, the menu and the language', async () => {
      const ann = await meet(whole);
      const boris = await meet(whole, { language: 'ru' });
      const labels = buttonLabels((await ann.waitForButton(/Morph/)).message);
      assert.equal(labels[0], '✨ Morph · from 44.53 ⭐');
      assert.deepEqual(labels.slice(-3), ['Balance', 'Language', 'Help']);
      assert.match(boris.transcript(), /Здравствуйте/);
      boris.say('/language');
      await boris.press(/English/, PATIENCE);
      await boris.waitForMessage({ text: /I speak English now/ }, PATIENCE);
      boris.say('/help');
      await boris.waitForMessage({ text: /How it works/ }, PATIENCE);
      await ann.press(/^Language$/);
      await ann.press(/Русский/, PATIENCE);
      await ann.press(/^Помощь$/, PATIENCE);
      await ann.waitForMessage({ text: /Как это работает/ }, PATIENCE);
    }),

    t.test('/help lists the commands that Telegram shows, in both languages', async () => {
      for (const language of ['en', 'ru'] as const) {
        const person = await meet(whole, { language });
        const { message_id: after } = person.say('/help');
        const help = await person.waitForMessage({ text: /\/paysupport/ }, { ...PATIENCE, after });
        const printed = [...(help.text ?? '').matchAll(/^\/(\w+) — (.+)$/gm)];
        const set = telegram.calls.find(
          ({ method, payload }) =>
            method === 'setMyCommands' &&
            payload['scope'] === undefined &&
            payload['language_code'] === (language === 'en' ? undefined : language),
        );
        assert.deepEqual(
          printed.map(([, command, description]) => ({ command, description })),
          set?.payload['commands'],
        );
        const commands = new Set(printed.map(([, command]) => command));
        const missing = [
          ...['avatars', 'balance', 'cancel', 'digital_avatar_body', 'forget_me', 'gender', 'help'],
          ...['history', 'image_to_prompt', 'image_to_video', 'invite', 'language', 'morph'],
          ...['neuro_photo', 'neuro_photo_v2', 'paysupport', 'price', 'privacy', 'promo', 'start'],
          ...['status', 'terms', 'text_to_speech', 'text_to_video', 'topup', 'voice_to_text'],
        ].filter((command) => !commands.has(command));
        assert.deepEqual(missing, []);
      }
    }),

    t.test('every command answers everybody in words of their language', async () => {
      for (const [language, own] of [
        ['en', /[a-z]{4}/],
        ['ru', /[а-яё]{4}/],
      ] as const) {
        const person = await meet(whole, { language });
        for (const command of [
          ...['balance', 'topup', 'history', 'status', 'cancel', 'language', 'gender', 'help'],
          ...['invite', 'promo', 'privacy', 'terms', 'paysupport', 'avatars', 'price', 'forget_me'],
        ]) {
          const { message_id: after } = person.say(`/${command}`);
          const { text = '' } = await person.waitForMessage(() => true, { ...PATIENCE, after });
          assert.match(text, own, command);
          assert.doesNotMatch(text, /\{\{|\}\}|undefined|NaN/);
          assert.doesNotMatch(text, /\b(common|order|morph|account|legal|services)\.\w/);
        }
        t.diagnostic(person.transcript());
      }
    }),

    t.test('short of stars: Top up, a grant, and Continue where it was', async () => {
      const ann = await meet(whole, { stars: '1' });
      await beginMorph(ann);
      await quoteMorph(ann, await makePhotos(2));
      await ann.press(words.en.seamless);
      await ann.waitForMessage({ text: /You are 43\.53 ⭐ short/ }, PATIENCE);
      await ann.press(/Top up/);
      await ann.waitForMessage({ text: /Pay exactly what is missing/ }, PATIENCE);
      const { message_id: after } = ann.say('thanks');
      await whole.grant(ann, '43.53');
      await ann.press(/^Continue$/, { ...PATIENCE, after });
      await ann.press(words.en.confirm, { ...PATIENCE, after });
      await receiveMorph(ann);
      const balance = ann.say('/balance');
      await ann.waitForMessage({ text: /balance: 0\.00 ⭐/ }, { ...PATIENCE, after: balance });
      t.diagnostic(ann.transcript());
    }),

    t.test('Confirm from two devices is one order; /history sends its video again', async () => {
      const ann = await meet(whole, { stars: '100' });
      await prepareMorph(ann, { photos: await makePhotos(2) });
      const { message, data } = await ann.waitForButton(words.en.confirm, PATIENCE);
      await Promise.all(
        [1, 2, 3].map(() => telegram.press(ann.id, message.message_id, data, PATIENCE)),
      );
      await receiveMorph(ann);
      const { message_id: after } = ann.say('/balance');
      await ann.waitForMessage({ text: /balance: 55\.47 ⭐/ }, { ...PATIENCE, after });
      assert.equal(accepted(telegram, 'sendVideo', ann.id).length, 1);
      ann.say('/history');
      const history = await ann.waitForMessage({ text: /^1 order/ }, PATIENCE);
      await ann.press(/↩️ 1/, PATIENCE);
      const again = await ann.waitForMessage({ has: 'video' }, { ...PATIENCE, after: history });
      await until(() => accepted(telegram, 'sendDocument', ann.id).length === 2, 'the document');
      const [video, document] = [
        accepted(telegram, 'sendVideo', ann.id),
        accepted(telegram, 'sendDocument', ann.id),
      ];
      assert.equal(video.length, 2);
      assert.equal(typeof video[1]?.payload['video'], 'string', 'by its file_id, not uploaded');
      assert.equal(typeof document[1]?.payload['document'], 'string');
      assert.match(again.caption ?? '', /✨ Created with @morphogram_bot ✨$/);
    }),

    t.test('Cancel before paying costs nothing, wherever it is pressed', async () => {
      const ann = await meet(whole, { stars: '100' });
      const stages: ((person: Person) => Promise<unknown>)[] = [
        (person) => beginMorph(person),
        async (person) => {
          await beginMorph(person);
          person.sendPhotos(await makePhotos(2));
          await person.waitForMessage({ text: words.en.counted(2) }, PATIENCE);
        },
        async (person) => {
          await beginMorph(person);
          await quoteMorph(person, await makePhotos(2));
        },
        async (person) => prepareMorph(person, { photos: await makePhotos(2) }),
        async (person) => {
          await beginMorph(person);
          await quoteMorph(person, await makePhotos(5));
          await person.press(words.en.seamless);
          await person.waitForMessage({ text: / short: / }, PATIENCE);
        },
      ];
      for (const [index, reach] of stages.entries()) {
        const { message_id: after } = ann.say(`stage ${index}`);
        await reach(ann);
        await ann.press(words.en.cancel, { ...PATIENCE, after });
        await ann.waitForMessage({ text: /cancelled/ }, { ...PATIENCE, after });
        const { message_id } = ann.say('/balance');
        await ann.waitForMessage(
          { text: /balance: 100\.00 ⭐/ },
          { ...PATIENCE, after: message_id },
        );
      }
      const { message_id: after } = ann.say('/cancel');
      await ann.waitForMessage({ text: /nothing to cancel/ }, { ...PATIENCE, after });
      t.diagnostic(ann.transcript());
    }),
  ]);

  // Last, as its photos would hold up those of others.
  await t.test('a slow photo holds up neither a cancel nor other people', async () => {
    const [ann, bob] = [await meet(whole), await meet(whole)];
    await beginMorph(ann);
    telegram.faults.add({ kind: 'delay', ms: 6_000, method: 'getFile', times: 10 });
    ann.sendPhotos(await makePhotos(10), { album: true });
    await until(() => telegram.faults.pending < 10, 'the first photo is waited for');
    const startedAt = Date.now();
    const { message_id: after } = ann.say('/cancel');
    await Promise.all([
      ann.waitForMessage({ text: /The order is cancelled/ }, { ...PATIENCE, after }),
      (async () => {
        bob.say('/balance');
        await bob.waitForMessage({ text: /Your balance/ }, PATIENCE);
      })(),
    ]);
    assert.ok(Date.now() - startedAt < 5_000, `${Date.now() - startedAt} ms`);
    telegram.faults.clear();
  });

  await whole.stop();
  await whole.audit();
});

/** From /morph to the question for photos, with an answer to the one before it. */
async function answerGender(
  person: Person,
  answer: string,
  language: 'en' | 'ru' = 'en',
): Promise<void> {
  const { message_id: after } = person.say('/morph');
  await person.press(new RegExp(`^${answer}$`), { ...PATIENCE, after });
  await person.waitForMessage({ text: words[language].askPhotos }, PATIENCE);
}

/** Answers otherwise with /gender; the next morph does not ask. */
async function skipGender(person: Person, language: 'en' | 'ru' = 'en'): Promise<void> {
  person.say('/gender');
  await person.press(words[language].skip, PATIENCE);
  const { message_id: after } = person.say('/morph');
  await person.waitForMessage({ text: words[language].askPhotos }, { ...PATIENCE, after });
}

const PROMPTS = {
  Male: 'Smooth morphing transition between two images, handsome man, masculine features',
  Женщина: 'Smooth morphing transition between two images, beautiful woman, feminine features',
  Skip: 'Smooth morphing transition between two images, person',
} as const;

const UPLOAD_LIMIT_BYTES = 130_000;

it('a busy bot with small uploads: everybody has a turn, long videos come in parts', async (t) => {
  const whole = await prepareWhole(t, { quick: true });
  const { telegram, replicate } = whole;
  await whole.start({
    RENDER_CONCURRENCY: '1',
    TEST_UPLOAD_LIMIT_BYTES: String(UPLOAD_LIMIT_BYTES),
  });
  const [ann, bob] = await Promise.all([
    meet(whole, { stars: '500' }),
    meet(whole, { stars: '500' }),
  ]);
  await prepareMorph(bob, { photos: await makePhotos(2) });
  replicate.script(() => ({ delayMs: 700 }));
  await orderMorph(ann, { photos: await makePhotos(5) });
  await ann.waitForMessage({ text: /0 of 4 transitions/ }, PATIENCE);
  await bob.press(words.en.confirm, PATIENCE);
  const { message_id } = await bob.waitForMessage(
    { text: /In the queue: \d transitions? ahead/ },
    PATIENCE,
  );
  await receiveMorph(bob);
  assert.ok(
    !ann.messages().some(({ video }) => video),
    'the small order did not wait for the large one',
  );
  await bob.waitForMessage(
    (message) => message.message_id === message_id && /video is ready/.test(message.text ?? ''),
    PATIENCE,
  );
  await receiveMorph(ann);
  assert.equal(replicate.running.peak, 1);
  const parts = accepted(telegram, 'sendDocument', ann.id).map(({ payload }) => payload);
  assert.ok(parts.length >= 3, `${parts.length} parts`);
  for (const [index, part] of parts.entries()) {
    assert.match(String(part['caption']), new RegExp(`part ${index + 1} of ${parts.length}`));
    assert.ok(sizeOf(part['document']) <= UPLOAD_LIMIT_BYTES);
  }
  const [preview] = accepted(telegram, 'sendVideo', ann.id);
  assert.ok(sizeOf(preview?.payload['video']) <= UPLOAD_LIMIT_BYTES);
  t.diagnostic(ann.transcript());
  await whole.stop();
  await whole.audit();
});

function sizeOf(file: unknown): number {
  assert.ok(typeof file === 'object' && file !== null && 'bytes' in file, 'it was uploaded');
  return Number(file.bytes);
}
