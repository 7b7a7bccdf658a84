import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { isGif, probeMp4, readImageSize } from '../../src/sandbox/media/media-probe.ts';
import { createImage, createVideo } from './fixtures.ts';

for (const format of ['jpeg', 'png', 'webp', 'gif'] as const) {
  test(`the size of a ${format} is read from its header`, async () => {
    assert.deepEqual(readImageSize(await createImage(123, 45, format)), { width: 123, height: 45 });
  });
}

test('the size of lossless, transparent and progressive images is read too', async () => {
  const red = sharp({
    create: { width: 31, height: 17, channels: 4, background: { r: 9, g: 0, b: 0, alpha: 0.5 } },
  });
  const size = { width: 31, height: 17 };
  assert.deepEqual(readImageSize(await red.clone().webp({ lossless: true }).toBuffer()), size);
  assert.deepEqual(readImageSize(await red.clone().webp().toBuffer()), size);
  assert.deepEqual(readImageSize(await red.clone().jpeg({ progressive: true }).toBuffer()), size);
});

test('what is no image, or cut off, has no size', async () => {
  assert.equal(readImageSize(Buffer.from('hello, this is plain text')), undefined);
  assert.equal(readImageSize(new Uint8Array()), undefined);
  assert.equal(readImageSize((await createImage(50, 50)).subarray(0, 30)), undefined);
});

test('an mp4 tells its size, its length and whether it has sound', async () => {
  const facts = { width: 64, height: 48, durationSeconds: 2 };
  const silent = await createVideo({ sound: false });
  assert.deepEqual(probeMp4(silent), { ...facts, hasAudio: false });
  assert.deepEqual(probeMp4(await createVideo({ sound: true })), { ...facts, hasAudio: true });
  assert.equal(probeMp4(silent.subarray(0, 100)), undefined);
  assert.equal(probeMp4(await createImage(10, 10)), undefined);
});

test('a gif is told from other images', async () => {
  assert.equal(isGif(await createImage(9, 9, 'gif')), true);
  assert.equal(isGif(await createImage(9, 9, 'png')), false);
});
