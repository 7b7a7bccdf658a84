import assert from 'node:assert/strict';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import sharp from 'sharp';
import { BrokenPictureError, createPhotos } from '../../src/media/photos.ts';
import { drawPicture, makeJpeg, makeOrientedJpeg, useDirectory } from '../support/pictures.ts';

const HEIC = join(import.meta.dirname, '../fixtures/quarters-display-p3.heic');

async function stand(bytes: Buffer, photos = createPhotos()) {
  await using directory = await useDirectory();
  const input = join(directory.path, 'input');
  const output = join(directory.path, 'upright/1.jpg');
  await writeFile(input, bytes);
  const look = await photos.toUpright({ input, output });
  assert.deepEqual(await readdir(join(directory.path, 'upright')), ['1.jpg']);
  const jpeg = await readFile(output);
  return { look, jpeg, metadata: await sharp(jpeg).metadata() };
}

describe('toUpright', () => {
  test('a photo keeps its shape, and its size up to what models look at', async () => {
    for (const [width, height, expected] of [
      [640, 480, [640, 480]],
      [333, 1777, [333, 1777]],
      [3000, 2001, [2048, 1366]],
      [2000, 4000, [1024, 2048]],
      [6000, 300, [2048, 102]],
    ] as const) {
      const { metadata } = await stand(await makeJpeg({ width, height }));
      assert.equal(metadata.format, 'jpeg');
      assert.deepEqual([metadata.width, metadata.height], expected);
    }
  });

  test('nothing of it is cut away, however it was held', async () => {
    for (let orientation = 1; orientation <= 8; orientation += 1) {
      const bytes = await makeOrientedJpeg(orientation, 640, 480);
      const { jpeg, metadata } = await stand(bytes);
      const expected = await sharp(bytes).autoOrient().raw().toBuffer();
      const actual = await sharp(jpeg).raw().toBuffer();
      assert.equal(actual.length, expected.length);
      let sum = 0;
      for (const [at, value] of actual.entries()) sum += Math.abs(value - (expected[at] ?? 0));
      assert.ok(sum / actual.length < 2, `orientation ${orientation}`);
      for (const kind of ['orientation', 'exif', 'icc'] as const) {
        assert.equal(metadata[kind], undefined, kind);
      }
    }
  });

  test('a transparent picture and one from a phone become plain ones in sRGB', async () => {
    const clear = { width: 400, height: 300, channels: 4, background: '#0000' } as const;
    const { jpeg } = await stand(await sharp({ create: clear }).png().toBuffer());
    assert.deepEqual([...(await sharp(jpeg).raw().toBuffer()).subarray(0, 3)], [255, 255, 255]);
    const { metadata } = await stand(await readFile(HEIC));
    const { width, height } = await sharp(HEIC).metadata();
    assert.deepEqual([metadata.width, metadata.height, metadata.space], [width, height, 'srgb']);
  });

  test('how it looks is told as for a canvas', async () => {
    const box = { x: 10, y: 20, width: 100, height: 120 };
    const photos = createPhotos({ findFaces: async () => [box] });
    await using directory = await useDirectory();
    const input = join(directory.path, 'input');
    const output = join(directory.path, 'output');
    const bytes = await drawPicture({ width: 640, height: 480 }).png().toBuffer();
    await writeFile(input, bytes);
    const canvas = { width: 640, height: 480 };
    const { look } = await stand(bytes, photos);
    assert.deepEqual(look, await photos.toCanvas({ input, output, canvas }));
    assert.equal(look.faces?.length, 1);
  });

  test('one with a crowd in it stays whole', async () => {
    const faces = Array.from({ length: 30 }, (_, i) => ({
      x: i * 20,
      y: 5,
      width: 18,
      height: 18,
    }));
    const photos = createPhotos({ findFaces: async () => faces });
    const { metadata } = await stand(await makeJpeg({ width: 1000, height: 700 }), photos);
    assert.deepEqual([metadata.width, metadata.height], [1000, 700]);
  });

  test('a damaged or missing photo is told apart from a trouble of this machine', async () => {
    await using directory = await useDirectory();
    const input = join(directory.path, 'input');
    const output = join(directory.path, 'out/1.jpg');
    const { toUpright } = createPhotos();
    await assert.rejects(toUpright({ input, output }), BrokenPictureError);
    const bytes = await makeJpeg();
    for (const cut of [0, 20, 5000]) {
      await writeFile(input, bytes.subarray(0, cut));
      await assert.rejects(toUpright({ input, output }), BrokenPictureError);
    }
    await writeFile(input, bytes);
    const signal = AbortSignal.abort(new Error('enough'));
    await assert.rejects(toUpright({ input, output, signal }), /enough/);
    await assert.rejects(stat(join(directory.path, 'out')), /ENOENT/);
  });
});
