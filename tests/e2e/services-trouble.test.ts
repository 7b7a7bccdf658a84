import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { it } from 'node:test';
import { avatars } from '../../src/db/schema.ts';
import { buttonLabels } from '../support/chat.ts';
import { type Customer, countMedia, meetCustomer } from '../support/customers.ts';
import { makePhotos, until } from '../support/morphs.ts';
import { makeZip } from '../support/pictures.ts';
import { booksOf } from '../support/service-books.ts';
import { prepareWhole } from '../support/whole.ts';

/** So long may an attempt take, in milliseconds, where attempts hang; a training sixteen times as long. */
const SHORT_ATTEMPT_MS = 200;

it('services when something is missing or goes wrong', async (t) => {
  const whole = await prepareWhole(t, { quick: true, delayMs: 40 });
  const { replicate } = whole;
  const port = await freePort();
  const meet = async (stars: string) => {
    const customer = await meetCustomer(whole, { stars });
    t.after(() => t.diagnostic(customer.person.transcript()));
    return customer;
  };

  await whole.start({ REPLICATE_API_TOKEN: '' });
  const ann = await meet('300');

  await t.test('without a token at Replicate, the morph alone is on the menu', async () => {
    assert.deepEqual(await menuOf(ann), ['✨ Morph']);
    ann.since(ann.say('/price'));
    const { text = '' } = await ann.see(/What it costs/);
    assert.doesNotMatch(text, /Neuro|avatar|speech|prompt/i);
    ann.since(ann.say('/neuro_photo'));
    await ann.see(/cannot be ordered right now/);
    ann.since(whole.telegram.sendVoice(ann.id, Buffer.from('hm'), { durationSeconds: 1 }));
    await ann.see(/\/start/);
  });

  await whole.stop();
  // A version of the model that cannot be told how long to think.
  replicate.setSchemas('google/gemini-2.5-flash', {
    Input: { properties: { prompt: {}, images: {}, system_instruction: {}, temperature: {} } },
  });
  const public_ = { PORT: String(port), PUBLIC_URL: `http://127.0.0.1:${port}` };
  await whole.start({ ...public_, TEST_ATTEMPT_MS: String(SHORT_ATTEMPT_MS) });
  const boris = await meet('300');

  await t.test('a model that drifted away is not sold, and the admin is told', async () => {
    const alarm = await whole.admin.waitForMessage({ text: /google\/gemini-2\.5-flash/ });
    assert.match(alarm.text ?? '', /thinking_budget/);
    const menu = await menuOf(ann);
    assert.ok(!menu.includes('🔍 Image to prompt'), menu.join());
    assert.ok(menu.includes('🪄 Neuro-photo V2'), menu.join());
  });

  await t.test('what hangs meets its deadline, and all stars come back', async () => {
    // The training, which may take long, hangs once.
    replicate.script(({ kind }) => {
      const isRepeated = kind === 'training' && replicate.trainings.length > 0;
      return isRepeated ? { outcome: 'fail' } : { outcome: 'hang' };
    });
    await Promise.all([orderTraining(boris, 'Boris'), orderSpeech(ann)]);
    for (const customer of [ann, boris]) {
      await customer.see(/the service failed[\s\S]*came back/);
      assert.equal(await customer.balance(), '300.00');
    }
    assert.equal(replicate.predictions.length, 3);
    assert.equal(replicate.trainings.length, 3);
    await until(() => replicate.running.now === 0, 'all of them were stopped at the provider');
    replicate.script(() => undefined);
  });

  await t.test('killed while an avatar is trained, it waits for the same training', async () => {
    const restarted = Promise.withResolvers<void>();
    replicate.next({ until: restarted.promise });
    await orderTraining(boris, 'Boris', { zip: true });
    await until(() => replicate.trainings[3], 'the training has begun');
    boris.say('/forget_me');
    await boris.press(/^Yes, delete everything$/);
    await boris.see(/is being made right now/);
    await whole.crash();
    await whole.start(public_);
    restarted.resolve();
    await boris.receive('220.31', /^Boris · The avatar is trained/);
    assert.equal(replicate.trainings.length, 4);
    assert.deepEqual(
      replicate.models.map(({ versions }) => versions.length),
      [1],
    );
    assert.equal(await boris.balance(), '79.69');

    await boris.goOn(await boris.see(/^Boris · /), /Another number of steps/);
    await boris.press(/^1500 · 330\.46 ⭐$/);
    await boris.see(/You are 250\.77 ⭐ short: this order costs 330\.46 ⭐/);
    await boris.press(/^Cancel$/);
  });

  await t.test('a lost webhook costs seconds, not the order', async () => {
    replicate.next({ webhook: 'none', delayMs: 300 });
    await orderSpeech(ann);
    await ann.receive('11.25');
    assert.equal(await ann.balance(), '288.75');
    assert.ok(replicate.predictions.at(-1)?.webhook, 'one was asked for');
  });

  await t.test(
    'cancelled, the pictures that are ready are sent, and the rest comes back',
    async () => {
      await boris.choose('Neuro-photo');
      await boris.press(/^Boris$/);
      await boris.press(/^In a cafe$/);
      await boris.press(/^1:1$/);
      replicate.next({}, { outcome: 'hang' }, { outcome: 'hang' });
      await boris.press(/^3 · 22\.50 ⭐$/);
      await boris.confirm('22.50');
      await boris.see(/1 of 3 pictures/);
      await boris.press(/^Cancel$/);
      await boris.receive('7.50');
      assert.deepEqual(countMedia(boris.received()), { photo: 1, document: 1 });
      assert.equal(await boris.balance(), '72.19');
      await until(() => replicate.running.now === 0, 'the others were stopped at the provider');
      assert.equal(replicate.deliveries.at(-1)?.result, 200, 'their webhooks were taken');
    },
  );

  await t.test('without a key at BFL, pictures after a photo come from Replicate', async () => {
    await boris.choose('Neuro-photo V2');
    // He was never asked himself, but his newest avatar is a man.
    boris.person.sendPhotos(await makePhotos(1));
    boris.say('a knight');
    await boris.press(/^3:4$/);
    await boris.press(/^2 · 7\.30 ⭐$/);
    await boris.confirm('7.30');
    await boris.receive('7.30');
    assert.deepEqual(countMedia(boris.received()), { photo: 2, document: 2 });
    for (const { model, input } of replicate.predictions.slice(-2)) {
      assert.equal(model, 'google/nano-banana');
      assert.match(String(input['prompt']), /\(handsome man, masculine features\).*a knight/);
    }
  });

  await whole.stop();
  const [books, trained] = await whole.look(
    async (db) => [await booksOf(db), await db.select().from(avatars)] as const,
  );
  assert.deepEqual(books.wrong, []);
  assert.equal(trained.length, 1);
});

async function menuOf(customer: Customer): Promise<string[]> {
  customer.since(customer.say('/start'));
  const menu = await customer.see({ button: / · from / });
  return buttonLabels(menu).flatMap((label) => label.split(' · from ').slice(0, -1));
}

/** An avatar from an album, or from the same photos in an archive. */
async function orderTraining(
  customer: Customer,
  name: string,
  { zip = false }: { readonly zip?: boolean } = {},
): Promise<void> {
  await customer.choose('Digital avatar');
  await customer.press(/^Male$/);
  await customer.see(/Send me 10 to 50 photos/);
  const photos = await makePhotos(10);
  if (zip) {
    const entries = photos.map((data, index) => ({ name: `me/${index}.jpg`, data }));
    customer.person.sendFile(makeZip(entries), 'me.zip', 'application/zip');
  } else {
    customer.person.sendPhotos(photos, { album: true });
  }
  await customer.see(/^10 photos(?!.*arriving)/);
  await customer.press(/Done/);
  await customer.see(/What shall I call this avatar/);
  customer.say(name);
  await customer.press(/^1000 · /);
  await customer.confirm('220.31');
}

async function orderSpeech(customer: Customer): Promise<void> {
  await customer.choose('Text to speech');
  customer.say('Good morning!');
  await customer.press(/English: storyteller/);
  await customer.confirm('11.25');
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
