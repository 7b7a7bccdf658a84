import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eq, sql } from 'drizzle-orm';
import sharp from 'sharp';
import { orders, people } from '../../src/db/schema.ts';
import { type OrdersRig, startOrdersRig } from '../support/orders-rig.ts';
import { makeJpeg } from '../support/pictures.ts';

let rig: OrdersRig;
before(async () => {
  rig = await startOrdersRig();
});
after(() => rig.close());

describe('the answers of an order', () => {
  /** The field that is asked for next, or why none is. */
  const asked = async (orderId: string, personId: number) => {
    const next = await rig.orders.next(orderId, personId);
    return next.kind === 'ask' ? next.question.field : next.kind;
  };

  it('are asked for in the order of the questions, until all are known', async () => {
    const person = await rig.person(0);
    const { id } = await rig.orders.open(person, 'text_to_video');
    assert.equal(await asked(id, person), 'model');
    assert.equal((await rig.orders.quote(id, person)).kind, 'incomplete');
    await rig.answer(person, id, 'model', 'p-video');
    assert.equal(await asked(id, person), 'ratio');
    await rig.answer(person, id, 'ratio', '9x16');
    await rig.answer(person, id, 'prompt', '  A lake\u0000 at dawn\ud83d  ');
    assert.equal(await asked(id, person), 'complete');
    assert.equal((await rig.orders.find(id, person))?.answers['prompt'], 'A lake at dawn\ufffd');
    assert.equal((await rig.orders.quote(id, person)).kind, 'quoted');
  });

  it('that are too short, too long or not on offer change nothing, and say why', async () => {
    const person = await rig.person(0);
    const { id } = await rig.orders.open(person, 'text_to_video');
    const answer = (field: string, value: string) => rig.answer(person, id, field, value);
    assert.deepEqual(await answer('model', 'no-such-model'), { kind: 'not_offered' });
    assert.deepEqual(await answer('colour', 'red'), { kind: 'not_offered' });
    assert.deepEqual(await answer('prompt', ' a '), { kind: 'too_short', min: 3 });
    const long = await answer('prompt', 'x'.repeat(1_001));
    assert.deepEqual(long, { kind: 'too_long', max: 1_000, length: 1_001 });
    assert.deepEqual((await rig.orders.find(id, person))?.answers, {});
  });

  it('may be a preset, which stands for its words', async () => {
    const person = await rig.person(0);
    const { id } = await rig.orders.open(person, 'neuro_photo_v2');
    const question = rig.catalogue
      .require('neuro_photo_v2')
      .questions.find(({ kind }) => kind === 'text');
    const preset = question?.kind === 'text' ? question.presets?.[0] : undefined;
    assert.ok(preset);
    await rig.answer(person, id, 'prompt', preset.value);
    assert.equal((await rig.orders.find(id, person))?.answers['prompt'], preset.text);
  });

  it('of a long text come in several messages, each once, and never beyond its length', async () => {
    const person = await rig.person(0);
    const { id } = await rig.orders.open(person, 'text_to_speech');
    const text = async () => (await rig.orders.find(id, person))?.answers['text'];
    const request = rig.request();
    for (let handled = 0; handled < 2; handled += 1) {
      const kept = await rig.orders.answer(id, person, 'text', 'x'.repeat(4_000), request);
      assert.deepEqual(kept, { kind: 'kept' });
    }
    await rig.answer(person, id, 'text', 'y'.repeat(4_000));
    assert.equal(String(await text()).length, 8_001);
    const tooLong = await rig.answer(person, id, 'text', 'z'.repeat(2_000));
    assert.deepEqual(tooLong, { kind: 'too_long', max: 10_000, length: 10_002 });
    assert.equal(String(await text()).length, 8_001);
    await rig.answer(person, id, 'voice', 'en_man');
    const quote = await rig.orders.quote(id, person);
    // Nine started thousands of characters.
    assert.equal(quote.kind === 'quoted' && quote.options[0]?.price, 9 * 1_125);
  });

  it('that change after the quote make it a draft again, and its price is not charged', async () => {
    const person = await rig.person(50_000);
    const id = await rig.draft(person, 'text_to_speech', { text: 'Hello', voice: 'en_man' });
    assert.equal((await rig.orders.quote(id, person)).kind, 'quoted');
    await rig.orders.choose(id, person, { mode: 'standard' });
    await rig.answer(person, id, 'voice', 'en_woman');
    const order = await rig.orders.find(id, person);
    assert.deepEqual([order?.state, order?.mode, order?.input], ['draft', null, {}]);
    assert.equal((await rig.confirm(id, person)).kind, 'closed');
    assert.equal(await rig.balance(person), 50_000);
  });

  it('are what a Confirm agrees to: another text at the same price is another quote', async () => {
    const person = await rig.person(50_000);
    const quoted = async (id: string) => {
      await rig.orders.quote(id, person);
      const chosen = await rig.orders.choose(id, person, { mode: 'standard' });
      assert.ok(chosen.kind === 'chosen');
      const { mode, price, quote } = chosen.option;
      assert.match(quote, /^[0-9a-f]{8}$/);
      return { mode, price, quote };
    };
    const id = await rig.draft(person, 'text_to_speech', { text: 'Hello', voice: 'en_man' });
    const old = await quoted(id);
    assert.deepEqual(await quoted(id), old, 'the same quoted again is the same');
    await rig.answer(person, id, 'voice', 'en_woman');
    const shown = await quoted(id);
    assert.equal(shown.price, old.price);
    for (const outdated of [old, { ...shown, quote: '' }]) {
      assert.deepEqual(await rig.orders.confirm(id, person, outdated), { kind: 'outdated' });
    }
    assert.equal(await rig.balance(person), 50_000);
    assert.equal((await rig.orders.confirm(id, person, shown)).kind, 'queued');
    await rig.until(id, person, 'delivered');
  });

  it('that are quoted with a model that is not offered any more are not charged', async () => {
    const person = await rig.person(50_000);
    const answers = { model: 'p-video', ratio: '9x16', prompt: 'A lake at dawn' };
    const id = await rig.draft(person, 'text_to_video', answers);
    await rig.orders.quote(id, person);
    await rig.orders.choose(id, person, { mode: 'standard' });
    // Of a provider that is not configured here.
    const quote = sql`jsonb_set(${orders.quote}, '{model}', '"bfl/flux-2-pro"')`;
    await rig.database.db.update(orders).set({ quote }).where(eq(orders.id, id));
    assert.deepEqual(await rig.confirm(id, person), { kind: 'outdated' });
    assert.deepEqual(await rig.orders.choose(id, person, { mode: 'standard' }), { kind: 'closed' });
    assert.equal(await rig.balance(person), 50_000);
    assert.equal((await rig.orders.next(id, person)).kind, 'complete');
    await rig.buy(person, id);
    await rig.until(id, person, 'delivered');
  });

  it('are taken back one by one, each request once, the last question first', async () => {
    const person = await rig.person(0);
    const id = await rig.draft(person, 'text_to_speech', { voice: 'en_man', text: 'Hello' });
    const request = rig.request();
    for (let handled = 0; handled < 2; handled += 1) {
      assert.equal(await rig.orders.back(id, person, request), true);
      assert.equal(await asked(id, person), 'voice');
    }
    assert.equal(await rig.orders.back(id, person, rig.request()), true);
    assert.equal(await asked(id, person), 'text');
    assert.equal(await rig.orders.back(id, person, rig.request()), false);
  });

  it('are given by the owner of an open order, and by nobody else', async () => {
    const [person, stranger] = [await rig.person(0), await rig.person(0)];
    const { id } = await rig.orders.open(person, 'text_to_speech');
    assert.deepEqual(await rig.answer(stranger, id, 'text', 'Mine'), { kind: 'closed' });
    assert.equal(await asked(id, stranger), 'closed');
    assert.equal(await rig.orders.back(id, stranger, rig.request()), false);
    await rig.orders.cancel(id, person, rig.request());
    assert.deepEqual(await rig.answer(person, id, 'text', 'Late'), { kind: 'closed' });
    assert.equal(await asked(id, person), 'closed');
  });

  it('tell the gender only where nothing told it before, and for an avatar always', async () => {
    const person = await rig.person(0);
    const tell = (gender: 'male' | 'female' | null) =>
      rig.database.db.update(people).set({ gender }).where(eq(people.id, person));
    await tell(null);
    const { id } = await rig.orders.open(person, 'neuro_photo_v2');
    assert.equal(await asked(id, person), 'gender');
    await tell('female');
    assert.equal(await asked(id, person), 'photoCount');
    const training = await rig.orders.open(person, 'digital_avatar_body');
    assert.equal(await asked(training.id, person), 'gender');
    await rig.answer(person, training.id, 'gender', 'male');
    assert.equal(await asked(training.id, person), 'photoCount');
  });

  it('belong to one open order of each service; the one gone on with last is the current one', async () => {
    const person = await rig.person(0);
    const speech = await rig.orders.open(person, 'text_to_speech');
    const video = await rig.orders.open(person, 'text_to_video');
    assert.equal((await rig.orders.findOpen(person))?.id, video.id);
    assert.equal((await rig.orders.open(person, 'text_to_speech')).id, speech.id);
    assert.equal((await rig.orders.findOpen(person))?.id, speech.id);
  });

  it('need an avatar where one is to be painted', async () => {
    const person = await rig.person(0);
    const { id } = await rig.orders.open(person, 'neuro_photo');
    assert.equal(await asked(id, person), 'no_avatars');
  });
});

describe('a single photo', () => {
  it('is replaced by the next one, and the last one is what the model sees', async () => {
    const person = await rig.person(50_000);
    const { id } = await rig.orders.open(person, 'image_to_prompt');
    await rig.sendFile(person, id, await makeJpeg({ width: 400, height: 300, seed: 1 }));
    assert.deepEqual(await rig.orders.received(id, person), { kind: 'ready' });
    await rig.sendFile(person, id, await makeJpeg({ width: 300, height: 500, seed: 2 }));
    assert.deepEqual(await rig.orders.received(id, person), { kind: 'ready' });
    const intake = await rig.orders.intake(id);
    assert.deepEqual([intake?.photos, intake?.skipped.length], [1, 0]);

    assert.equal(await rig.buy(person, id), 281);
    await rig.until(id, person, 'delivered');
    const prediction = rig.replicate.predictions.at(-1);
    const [url] = prediction?.input['images'] as string[];
    const bytes = rig.replicate.fileBytes(String(url));
    assert.ok(bytes);
    const { width, height } = await sharp(bytes).metadata();
    assert.deepEqual([width, height], [300, 500]);
  });

  it('that is no picture is named with the reason, and the next one is taken', async () => {
    const person = await rig.person(0);
    const { id } = await rig.orders.open(person, 'image_to_prompt');
    await rig.sendFile(person, id, Buffer.from('%PDF-1.7'), { name: 'scan.pdf' });
    assert.deepEqual(await rig.orders.received(id, person), {
      kind: 'skipped',
      name: 'scan.pdf',
      reason: 'not_a_picture',
    });
    assert.deepEqual(await rig.orders.quote(id, person), { kind: 'too_few', photos: 0, min: 1 });
    await rig.sendFile(person, id, await makeJpeg({ width: 400, height: 300 }));
    assert.deepEqual(await rig.orders.received(id, person), { kind: 'ready' });
    assert.equal((await rig.orders.quote(id, person)).kind, 'quoted');
  });
});
