import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eq } from 'drizzle-orm';
import JSZip from 'jszip';
import sharp from 'sharp';
import { orders, photos } from '../../src/db/schema.ts';
import { type OrdersRig, startOrdersRig } from '../support/orders-rig.ts';
import { makeJpeg } from '../support/pictures.ts';
import type { ServedPrediction } from '../support/replicate-server.ts';

/** One picture of the reference model, in hundredths of a star. */
const PICTURE = 365;

const PROMPT = 'Reading in a garden';

const REFUSAL = {
  outcome: 'fail',
  error: 'The input or output was flagged as sensitive. (E005)',
} as const;

describe('an order of pictures', () => {
  let rig: OrdersRig;
  before(async () => {
    rig = await startOrdersRig();
  });
  after(() => rig.close());

  async function pictures(person: number, count: string): Promise<string> {
    const { id } = await rig.orders.open(person, 'neuro_photo_v2');
    await rig.sendFile(person, id, await makeJpeg({ width: 400, height: 500 }));
    await rig.orders.received(id, person);
    for (const [field, value] of Object.entries({ prompt: PROMPT, size: '3x4', count })) {
      await rig.answer(person, id, field, value);
    }
    return id;
  }

  /** Those of the model that were asked for since `from`. */
  const bought = (from: number) => rig.replicate.predictions.slice(from);

  it('sends each picture to look at, and each as the file that the model gave', async () => {
    const person = await rig.person(5_000);
    const id = await pictures(person, '2');
    assert.equal(await rig.buy(person, id), 2 * PICTURE);
    await rig.until(id, person, 'delivered');
    assert.equal(await rig.balance(person), 5_000 - 2 * PICTURE);
    assert.deepEqual(
      rig.chat.sent
        .filter(({ result }) => result.orderId === id)
        .map(({ what, part }) => `${what} ${part}`),
      ['preview 1', 'preview 2', 'document 1', 'document 2', 'closing 1'],
    );
    const [result] = rig.sent(id, 'closing');
    assert.ok(result?.kind === 'images');
    assert.deepEqual([result.missing, result.refunded, result.replaced], [0, 0, []]);
    for (const { shown, original, extension } of result.images) {
      assert.equal(extension, 'jpg');
      const info = await sharp(await readFile(original)).metadata();
      assert.equal(info.width && info.height && info.width / info.height, 0.75);
      assert.equal((await sharp(await readFile(shown)).metadata()).format, 'jpeg');
    }
    const { items } = await rig.orders.history(person, { limit: 5, offset: 0 });
    assert.equal(items[0]?.messageIds.length, 4);
  });

  it('of which two are refused sends the other two, and gives the price of two back', async () => {
    const person = await rig.person(5_000);
    const from = rig.replicate.predictions.length;
    let count = 0;
    rig.replicate.script(() => {
      count += 1;
      return count % 2 === 0 ? REFUSAL : undefined;
    });
    const id = await pictures(person, '4');
    await rig.buy(person, id);
    await rig.until(id, person, 'delivered');
    rig.replicate.script(() => undefined);
    assert.equal(bought(from).length, 4, 'what moderation refused is not asked for again');
    assert.equal(await rig.balance(person), 5_000 - 2 * PICTURE);
    const [result] = rig.sent(id, 'closing');
    assert.ok(result?.kind === 'images');
    assert.equal(result.images.length, 2);
    assert.deepEqual([result.transitions, result.missing], [2, 2]);
    assert.equal(result.refunded, 2 * PICTURE);
    assert.equal(rig.sent(id, 'preview').length, 2);
  });

  it('that is cancelled keeps and sends what is finished, and gives the rest back', async () => {
    const person = await rig.person(5_000);
    let first: ServedPrediction | undefined;
    rig.replicate.script((prediction) => {
      first ??= prediction;
      return prediction === first ? { delayMs: 10 } : { outcome: 'hang' };
    });
    const id = await pictures(person, '3');
    await rig.buy(person, id);
    await rig.eventually('one is finished', async () => {
      return (await rig.orders.progress(id))?.finished === 1;
    });
    const request = rig.request();
    const outcome = await rig.orders.cancel(id, person, request);
    rig.replicate.script(() => undefined);
    assert.deepEqual(outcome, { kind: 'partial_kept', refunded: 2 * PICTURE });
    await rig.until(id, person, 'delivered');
    assert.equal(await rig.balance(person), 5_000 - PICTURE);
    const [result] = rig.sent(id, 'closing');
    assert.ok(result?.kind === 'images' && result.partial);
    assert.equal(result.images.length, 1);
    // Handled again, the request finds what it did and looks for nothing else to cancel.
    const before = await rig.orders.cancelledBy(person, request);
    assert.deepEqual([before?.order.id, before?.outcome], [id, outcome]);
    assert.equal(await rig.orders.cancelledBy(person, rig.request()), undefined);
    assert.equal((await rig.orders.cancel(id, person, rig.request())).kind, 'closed');
    assert.equal(await rig.balance(person), 5_000 - PICTURE);
  });

  it('is made again with another answer, and other pictures of it cost the same', async () => {
    const person = await rig.person(5_000);
    const id = await pictures(person, '1');
    await rig.buy(person, id);
    await rig.until(id, person, 'delivered');

    const other = await rig.orders.again(id, person, 'size', rig.request());
    assert.ok(other && other.id !== id);
    await rig.orders.received(other.id, person);
    const next = await rig.orders.next(other.id, person);
    assert.equal(next.kind === 'ask' && next.question.field, 'size');
    assert.equal(next.kind === 'ask' && next.photos, 1);
    await rig.answer(person, other.id, 'size', '16x9');
    await rig.buy(person, other.id);
    await rig.until(other.id, person, 'delivered');
    const [before, after] = rig.replicate.predictions.slice(-2);
    assert.equal(before?.input['aspect_ratio'], '3:4');
    assert.equal(after?.input['aspect_ratio'], '16:9');
    assert.equal(before?.input['prompt'], after?.input['prompt']);

    const same = await rig.orders.again(id, person, undefined, rig.request());
    assert.ok(same);
    await rig.orders.received(same.id, person);
    assert.equal((await rig.orders.next(same.id, person)).kind, 'complete');
    assert.equal(await rig.buy(person, same.id), PICTURE);
    await rig.until(same.id, person, 'delivered');
    assert.equal(await rig.balance(person), 5_000 - 3 * PICTURE);
  });

  it('is repeated by its owner alone, and only once it is over', async () => {
    const person = await rig.person(5_000);
    const id = await pictures(person, '1');
    assert.equal(await rig.orders.again(id, person, undefined, rig.request()), undefined);
    await rig.buy(person, id);
    await rig.until(id, person, 'delivered');
    const stranger = await rig.person(0);
    assert.equal(await rig.orders.again(id, stranger, undefined, rig.request()), undefined);
  });

  it('is repeated once for each request, in place of the open one, which is deleted', async () => {
    const person = await rig.person(5_000);
    const id = await pictures(person, '1');
    await rig.buy(person, id);
    await rig.until(id, person, 'delivered');
    const open = await pictures(person, '2');
    const request = rig.request();
    const [one, two] = await Promise.all([
      rig.orders.again(id, person, undefined, request),
      rig.orders.again(id, person, undefined, request),
    ]);
    assert.ok(one);
    assert.equal(two?.id, one.id);
    assert.equal((await rig.orders.find(open, person))?.state, 'cancelled');
    await rig.eventually('the files of the open one are deleted', async () => {
      const [row] = await rig.database.db.select().from(orders).where(eq(orders.id, open));
      return row?.purgedAt != null && !existsSync(join(rig.storageRoot, 'orders', open));
    });
  });

  it('keeps the names of its files that fetch nothing when it is repeated, an archive as a whole', async () => {
    const person = await rig.person(50_000);
    const { id } = await rig.orders.open(person, 'image_morphing');
    const archive = new JSZip();
    for (const seed of [1, 2]) archive.file(`${seed}.jpg`, await makeJpeg({ seed }));
    const bytes = await archive.generateAsync({ type: 'nodebuffer' });
    await rig.sendFile(person, id, bytes, { name: 'all.zip', fileUniqueId: 'unique-zip' });
    await rig.sendFile(person, id, await makeJpeg({ seed: 3 }), { fileUniqueId: 'unique-photo' });
    await rig.eventually('all were looked at', async () => {
      return (await rig.orders.intake(id))?.pending === 0;
    });
    await rig.buy(person, id, 'seamless');
    await rig.until(id, person, 'delivered');
    for (let from = id, time = 1; time <= 2; time += 1) {
      const again = await rig.orders.again(from, person, undefined, rig.request());
      assert.ok(again);
      await rig.eventually('they were fetched again', async () => {
        const intake = await rig.orders.intake(again.id);
        return intake?.pending === 0 && intake.photos === 3;
      });
      const rows = await rig.database.db.select().from(photos).where(eq(photos.orderId, again.id));
      assert.deepEqual(rows.map(({ fileUniqueId }) => fileUniqueId).sort(), [
        ...['unique-photo', 'unique-zip', 'unique-zip/1', 'unique-zip/2'],
      ]);
      if (time === 2) break;
      await rig.buy(person, again.id, 'seamless');
      await rig.until(again.id, person, 'delivered');
      from = again.id;
    }
  });
});

describe('an order', () => {
  let rig: OrdersRig;
  before(async () => {
    rig = await startOrdersRig({ alsoOffered: ['bfl'] });
  });
  after(() => rig.close());

  it('of speech becomes a voice message and an MP3', async () => {
    const person = await rig.person(5_000);
    const id = await rig.draft(person, 'text_to_speech', { text: 'Hello', voice: 'en_man' });
    await rig.buy(person, id);
    await rig.until(id, person, 'delivered');
    const [result] = rig.sent(id, 'preview');
    assert.ok(result?.kind === 'speech');
    assert.ok(Math.abs(result.durationSeconds - 2) < 0.2, `${result.durationSeconds} s`);
    const voice = await readFile(result.voicePath);
    assert.equal(voice.subarray(0, 4).toString(), 'OggS');
    assert.equal(rig.sent(id, 'document').length, 1);
  });

  it('of a long text is a file', async () => {
    const person = await rig.person(5_000);
    const words = 'The quick brown fox jumps over the lazy dog, and nobody minds. '.repeat(300);
    rig.replicate.next({ value: [words] });
    const { id } = await rig.orders.open(person, 'image_to_prompt');
    await rig.sendFile(person, id, await makeJpeg());
    await rig.orders.received(id, person);
    await rig.buy(person, id);
    await rig.until(id, person, 'delivered');
    assert.equal(rig.sent(id, 'preview').length, 0);
    const [result] = rig.sent(id, 'document');
    assert.ok(result?.kind === 'text' && result.path);
    assert.equal(await readFile(result.path, 'utf8'), words.trim());
    assert.equal(result.language, 'eng');
  });

  it('of one video becomes that very video', async () => {
    const person = await rig.person(5_000);
    const answers = { model: 'p-video', ratio: '16x9', prompt: 'A lake at dawn' };
    const id = await rig.draft(person, 'text_to_video', answers);
    await rig.buy(person, id);
    await rig.until(id, person, 'delivered');
    const [result] = rig.sent(id, 'document');
    assert.ok(result?.kind === 'video');
    assert.equal(result.documents.length, 1);
    assert.equal(result.transitions, 1);
  });

  it('of words alone that comes to nothing gives everything back, and says why', async () => {
    const person = await rig.person(5_000);
    const surprise = { value: { surprise: true } };
    rig.replicate.next(surprise, surprise, surprise);
    const { id } = await rig.orders.open(person, 'image_to_prompt');
    await rig.sendFile(person, id, await makeJpeg());
    await rig.orders.received(id, person);
    await rig.buy(person, id);
    await rig.until(id, person, 'failed');
    await rig.eventually('the person is told', () => {
      return rig.chat.notices.some(({ orderId }) => orderId === id);
    });
    const notice = rig.chat.notices.find(({ orderId }) => orderId === id);
    assert.deepEqual([notice?.serviceType, notice?.failure], ['image_to_prompt', 'provider_error']);
    assert.equal(await rig.balance(person), 5_000);
  });

  it('of a recording in which nothing is said is asked for once, and gives everything back', async () => {
    for (const value of ['', ' \n', [], { text: '' }]) {
      const person = await rig.person(5_000);
      const bought = rig.replicate.predictions.length;
      rig.replicate.next({ value });
      const { id } = await rig.orders.open(person, 'image_to_prompt');
      await rig.sendFile(person, id, await makeJpeg());
      await rig.orders.received(id, person);
      await rig.buy(person, id);
      await rig.until(id, person, 'failed');
      await rig.eventually('the person is told', () => {
        return rig.chat.notices.some(({ orderId }) => orderId === id);
      });
      const notice = rig.chat.notices.find(({ orderId }) => orderId === id);
      assert.equal(notice?.failure, 'nothing_said');
      assert.equal(rig.replicate.predictions.length - bought, 1);
      assert.equal(await rig.balance(person), 5_000);
    }
  });

  it('whose provider is not configured any more is refunded in full', async () => {
    const person = await rig.person(5_000);
    const { id } = await rig.orders.open(person, 'neuro_photo_v2');
    await rig.sendFile(person, id, await makeJpeg());
    await rig.orders.received(id, person);
    const answers = { prompt: PROMPT, size: '1x1', count: '2' };
    for (const [field, value] of Object.entries(answers)) {
      await rig.answer(person, id, field, value);
    }
    assert.ok((await rig.buy(person, id)) > 0);
    await rig.until(id, person, 'failed');
    await rig.eventually('the person is told', () => {
      return rig.chat.notices.some(({ orderId }) => orderId === id);
    });
    assert.equal(await rig.balance(person), 5_000);
  });
});

describe('models whose live schemas lack a field that we send', () => {
  it('are withdrawn at the start, and the operator is told; those that do not tell stay', async () => {
    const rig = await startOrdersRig({ start: false });
    try {
      const properties = { prompt: {}, image_input: {}, aspect_ratio: {} };
      rig.replicate.setSchemas('google/nano-banana', { Input: { type: 'object', properties } });
      rig.replicate.setSchemas('minimax/speech-02-hd', 'none');
      const offered = () => rig.catalogue.offers().map(({ service: { id } }) => id);
      assert.ok(offered().includes('neuro_photo_v2'));
      await rig.orders.start();
      assert.ok(!offered().includes('neuro_photo_v2'));
      assert.ok(offered().includes('text_to_speech'));
      assert.ok(offered().includes('image_morphing'));
      assert.deepEqual(rig.chat.alarms, [
        { kind: 'model_drifted', model: 'google/nano-banana', fields: ['output_format'] },
      ]);
      const person = await rig.person(5_000);
      const { id } = await rig.orders.open(person, 'neuro_photo_v2');
      await rig.sendFile(person, id, await makeJpeg());
      await rig.orders.received(id, person);
      for (const [field, value] of Object.entries({ prompt: PROMPT, size: '1x1' })) {
        await rig.answer(person, id, field, value);
      }
      assert.deepEqual(await rig.answer(person, id, 'count', '1'), { kind: 'not_offered' });
    } finally {
      await rig.close();
    }
  });

  it('hold up nothing that is paid while they do not tell', async () => {
    const rig = await startOrdersRig({ start: false });
    try {
      const person = await rig.person(5_000);
      const id = await rig.draft(person, 'text_to_speech', { text: 'Hello', voice: 'en_man' });
      await rig.buy(person, id);
      rig.replicate.faultAlways('model', { kind: 'hang' });
      let isStarted = false;
      const start = rig.orders.start().then(() => {
        isStarted = true;
      });
      await rig.until(id, person, 'delivered');
      assert.equal(isStarted, false);
      await start;
    } finally {
      await rig.close();
    }
  });

  it('are withdrawn also when they tell later, and asked no more once they have', async () => {
    const rig = await startOrdersRig({ start: false, timing: { recheckMs: 20 } });
    try {
      const model = 'google/nano-banana';
      rig.replicate.setSchemas(model, 'none');
      await rig.orders.start();
      const isOffered = () =>
        rig.catalogue.offers().some(({ service: { id } }) => id === 'neuro_photo_v2');
      assert.ok(isOffered());
      const properties = { prompt: {}, image_input: {}, aspect_ratio: {} };
      rig.replicate.setSchemas(model, { Input: { type: 'object', properties } });
      await rig.eventually('it is withdrawn', () => !isOffered());
      const asked = () =>
        rig.replicate.requests.filter(({ path }) => path.endsWith(`/models/${model}`)).length;
      const before = asked();
      await sleep(100);
      assert.equal(asked(), before);
      assert.equal(rig.chat.alarms.length, 1);
    } finally {
      await rig.close();
    }
  });
});
