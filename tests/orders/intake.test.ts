import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { photos } from '../../src/db/schema.ts';
import { type OrdersRig, startOrdersRig } from '../support/orders-rig.ts';
import { drawPicture, makeJpeg, makeZip } from '../support/pictures.ts';

describe('photos of an order', () => {
  let rig: OrdersRig;
  before(async () => {
    rig = await startOrdersRig({ maxPhotos: 60 });
  });
  after(() => rig.close());

  const looked = (id: string) =>
    rig.eventually('everything was looked at', async () => {
      return (await rig.orders.intake(id))?.pending === 0;
    });

  it('are all there when a hundred arrive at once, in the order of their messages, none twice', async () => {
    const person = await rig.person(0);
    const { id } = await rig.orders.open(person, 'image_morphing');
    const bytes = await makeJpeg({ width: 320, height: 320 });
    const messages = Array.from({ length: 100 }, (_, index) => 5_000 - index);
    const add = (messageId: number) => {
      rig.chat.files.set(`many-${messageId}`, bytes);
      return rig.orders.addFile(id, person, {
        messageId,
        fileId: `many-${messageId}`,
        fileUniqueId: `unique-${messageId}`,
        name: null,
        sizeBytes: null,
        tooBig: false,
      });
    };
    const outcomes = await Promise.all([...messages, ...messages].map(add));
    assert.equal(outcomes.filter((outcome) => outcome === 'added').length, 100);
    assert.equal(outcomes.filter((outcome) => outcome === 'duplicate').length, 100);
    await looked(id);
    assert.equal((await rig.orders.intake(id))?.photos, 100);
    const quote = await rig.orders.quote(id, person);
    assert.deepEqual(quote, { kind: 'too_many', photos: 100, max: 60 });
    assert.equal((await rig.orders.undo(id, person, rig.request()))?.photos, 99);
    assert.equal((await rig.orders.clear(id, person, rig.request()))?.photos, 0);
    assert.deepEqual(await rig.orders.quote(id, person), { kind: 'too_few', photos: 0, min: 2 });
  });

  it('come out of an archive in natural order, with what is no picture named', async () => {
    const person = await rig.person(0);
    const { id } = await rig.orders.open(person, 'image_morphing');
    const picture = (seed: number) => makeJpeg({ width: 400, height: 320, seed });
    const zip = makeZip([
      { name: 'trip/10.jpg', data: await picture(10) },
      { name: 'trip/2.jpg', data: await picture(2) },
      { name: '__MACOSX/trip/._2.jpg', data: Buffer.from('x') },
      { name: 'trip/.hidden.jpg', data: await picture(3) },
      { name: 'trip/empty.jpg', data: Buffer.alloc(0) },
      { name: 'trip/notes.txt', data: Buffer.from('hello') },
      { name: 'trip/1.JPG', data: await picture(1) },
    ]);
    await rig.sendFile(person, id, zip, { name: 'trip.zip' });
    await looked(id);
    const intake = await rig.orders.intake(id);
    assert.equal(intake?.photos, 3);
    assert.deepEqual(intake?.skipped, [{ name: 'trip/notes.txt', reason: 'not_a_picture' }]);
    assert.equal((await rig.orders.undo(id, person, rig.request()))?.photos, 0);
    await rig.orders.clear(id, person, rig.request());
  });

  it('that cannot be used are each named with the reason', async () => {
    const person = await rig.person(0);
    const { id } = await rig.orders.open(person, 'image_morphing');
    const whole = await makeJpeg({ width: 640, height: 480 });
    const sent: [string, Buffer][] = [
      ['document.pdf', Buffer.from('%PDF-1.7 nothing to see')],
      ['broken.jpg', whole.subarray(0, whole.length / 2)],
      ['tiny.jpg', await makeJpeg({ width: 120, height: 400 })],
      ['broken.zip', Buffer.from('PK\x03\x04 and then nothing')],
      ['texts.zip', makeZip([{ name: 'a.txt', data: Buffer.from('a') }])],
      ['climb.zip', makeZip([{ name: '../../a.jpg', data: whole }])],
    ];
    for (const [name, bytes] of sent) await rig.sendFile(person, id, bytes, { name });
    await rig.sendFile(person, id, whole, { name: 'huge.zip', tooBig: true });
    await looked(id);
    rig.chat.nextFetches.push({ kind: 'later', retryAfterMs: 10 }, { kind: 'gone' });
    await rig.sendFile(person, id, whole, { name: 'lost.jpg' });
    await looked(id);
    const intake = await rig.orders.intake(id);
    assert.equal(intake?.photos, 0);
    assert.deepEqual(
      intake?.skipped.map(({ name, reason }) => `${name}: ${reason}`),
      [
        'document.pdf: not_a_picture',
        'broken.jpg: broken_picture',
        'tiny.jpg: too_small',
        'broken.zip: zip_broken',
        'texts.zip: zip_without_pictures',
        '../../a.jpg: zip_unsafe_path',
        'huge.zip: file_too_big',
        'lost.jpg: download_failed',
      ],
    );
  });

  it('that could not be used are looked at anew when they are sent again', async () => {
    const person = await rig.person(0);
    const { id } = await rig.orders.open(person, 'image_morphing');
    const whole = await makeJpeg();
    const file = { name: 'me.jpg', fileUniqueId: 'me' };
    await rig.sendFile(person, id, Buffer.from('<html>Try again later</html>'), file);
    await looked(id);
    const skipped = [{ name: 'me.jpg', reason: 'not_a_picture' }];
    assert.deepEqual((await rig.orders.intake(id))?.skipped, skipped);
    await rig.sendFile(person, id, whole, file);
    await looked(id);
    const intake = await rig.orders.intake(id);
    assert.deepEqual([intake?.photos, intake?.skipped], [1, []]);
    await rig.orders.clear(id, person, rig.request());
  });

  it('that turn out to be damaged while they are quoted are left out and named', async () => {
    const person = await rig.person(0);
    const { id } = await rig.orders.open(person, 'image_morphing');
    for (const seed of [1, 2]) {
      await rig.sendFile(person, id, await makeJpeg({ width: 400, height: 320, seed }));
    }
    const png = await drawPicture({ width: 400, height: 320 }).png().toBuffer();
    png.fill(0x5a, png.length / 2, png.length / 2 + 200);
    await rig.sendFile(person, id, png, { name: 'damaged.png' });
    await looked(id);
    assert.equal((await rig.orders.intake(id))?.photos, 3);
    const recounted: string[] = [];
    rig.chat.intakeChanged = (orderId) => recounted.push(orderId);
    const quote = await rig.orders.quote(id, person);
    assert.equal(quote.kind === 'quoted' && quote.photos, 2);
    assert.deepEqual(recounted, [id]);
    const intake = await rig.orders.intake(id);
    assert.deepEqual(intake?.skipped, [{ name: 'damaged.png', reason: 'broken_picture' }]);
    await rig.orders.cancel(id, person, rig.request());
  });

  it('that change after the quote make it a draft again, and its price is not charged', async () => {
    const person = await rig.person(50_000);
    const id = await rig.photos(person, 2);
    assert.equal((await rig.orders.quote(id, person)).kind, 'quoted');
    await rig.orders.choose(id, person, { mode: 'seamless' });
    await rig.photos(person, 1);
    assert.equal((await rig.orders.find(id, person))?.state, 'draft');
    assert.equal((await rig.confirm(id, person)).kind, 'closed');
    const again = await rig.orders.quote(id, person);
    assert.equal(again.kind === 'quoted' && again.photos, 3);
    assert.equal(await rig.balance(person), 50_000);
    assert.equal((await rig.orders.cancel(id, person, rig.request())).kind, 'dropped');
    assert.equal(
      await rig.orders.addFile(id, person, {
        messageId: 1,
        fileId: 'late',
        fileUniqueId: 'late',
        name: null,
        sizeBytes: null,
        tooBig: false,
      }),
      'closed',
    );
  });

  it('belong to one open order of a person, also when two updates open it at once', async () => {
    const person = await rig.person(0);
    const opened = await Promise.all(
      [1, 2, 3, 4].map(() => rig.orders.open(person, 'image_morphing')),
    );
    assert.equal(new Set(opened.map(({ id }) => id)).size, 1);
  });

  it('that were taken back make room for others, until far too many came and went', async () => {
    const person = await rig.person(0);
    const { id: orderId } = await rig.orders.open(person, 'image_morphing');
    let sent = 0;
    const write = async (files: number, state: 'skipped' | 'removed') => {
      const rows = Array.from({ length: files }, () => {
        sent += 1;
        return { orderId, messageId: sent, fileId: `f${sent}`, fileUniqueId: `u${sent}`, state };
      });
      for (; rows.length > 0; ) {
        await rig.database.db.insert(photos).values(rows.splice(0, 1_000));
      }
    };
    const add = () => {
      sent += 1;
      const file = { messageId: sent, fileId: `f${sent}`, fileUniqueId: `u${sent}` };
      return rig.orders.addFile(orderId, person, {
        ...file,
        ...{ name: 'big.zip', sizeBytes: null, tooBig: true },
      });
    };
    await write(2_999, 'skipped');
    assert.equal((await rig.orders.intake(orderId))?.full, false);
    assert.equal(await add(), 'added');
    assert.equal(await add(), 'full');
    assert.equal((await rig.orders.intake(orderId))?.full, true);
    assert.equal((await rig.orders.clear(orderId, person, rig.request()))?.full, false);
    assert.equal(await add(), 'added');
    await write(6_999, 'removed');
    assert.equal(await add(), 'full');
    assert.equal((await rig.orders.intake(orderId))?.full, true);
  });

  it('are taken back once by one request, however often it is handled', async () => {
    const person = await rig.person(0);
    const id = await rig.photos(person, 3);
    const request = rig.request();
    assert.equal((await rig.orders.undo(id, person, request))?.photos, 2);
    assert.equal((await rig.orders.undo(id, person, request))?.photos, 2);
    assert.equal((await rig.orders.undo(id, person, rig.request()))?.photos, 1);
    const clear = rig.request();
    await rig.orders.clear(id, person, clear);
    await rig.photos(person, 1);
    assert.equal((await rig.orders.clear(id, person, clear))?.photos, 1);
  });
});
