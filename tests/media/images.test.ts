import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import sharp, { type Sharp } from 'sharp';
import { BrokenImageError, createImages, imageInfoSchema } from '../../src/media/images.ts';
import {
  drawPicture,
  makeEmptyPng,
  makeJpeg,
  makeOrientedJpeg,
  useDirectory,
} from '../support/pictures.ts';

const { checkImage, toChatPhoto } = createImages();
const HEIC = join(import.meta.dirname, '../fixtures/quarters-display-p3.heic');

const FORMATS = {
  jpeg: (picture: Sharp) => picture.jpeg(),
  png: (picture: Sharp) => picture.png(),
  webp: (picture: Sharp) => picture.webp(),
} as const;

async function checkBytes(bytes: Buffer) {
  await using directory = await useDirectory();
  const path = join(directory.path, 'output.png');
  await writeFile(path, bytes);
  return await checkImage(path);
}

async function show(bytes: Buffer) {
  await using directory = await useDirectory();
  const input = join(directory.path, 'input');
  const output = join(directory.path, 'shown/1.jpg');
  await writeFile(input, bytes);
  const info = await toChatPhoto({ input, output });
  assert.deepEqual(await readdir(join(directory.path, 'shown')), ['1.jpg']);
  assert.deepEqual(info, await checkImage(output));
  return { info, jpeg: await readFile(output) };
}

async function assertBroken(bytes: Buffer, what: string): Promise<void> {
  await assert.rejects(
    checkBytes(bytes),
    (error: unknown) => error instanceof BrokenImageError && !error.retryable,
    what,
  );
  await assert.rejects(show(bytes), BrokenImageError, what);
}

describe('checkImage', () => {
  test('each format of a model is recognised by its bytes, measured and kept as JSON', async () => {
    for (const [format, to] of Object.entries(FORMATS)) {
      const bytes = await to(drawPicture({ width: 320, height: 200 })).toBuffer();
      const info = await checkBytes(bytes);
      assert.deepEqual(info, { width: 320, height: 200, format, sizeBytes: bytes.length });
      assert.deepEqual(imageInfoSchema.parse(JSON.parse(JSON.stringify(info))), info);
    }
  });

  test('the size is that of the picture as it is looked at', async () => {
    const { width, height } = await checkBytes(await makeOrientedJpeg(6, 640, 480));
    assert.deepEqual([width, height], [480, 640]);
  });

  test('what is cut short anywhere is broken', async () => {
    for (const [format, to] of Object.entries(FORMATS)) {
      const bytes = await to(drawPicture()).toBuffer();
      for (const share of [0.01, 0.3, 0.7, 0.97]) {
        const cut = bytes.subarray(0, Math.floor(bytes.length * share));
        await assertBroken(cut, `${share} of a ${format}`);
      }
    }
  });

  test('what is no such picture is broken, whatever its name', async () => {
    await assertBroken(Buffer.alloc(0), 'nothing');
    await assertBroken(Buffer.from('{"error":"busy"}'), 'JSON');
    await assertBroken(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), 'SVG');
    await assertBroken(Buffer.from('\xff\xd8\xff', 'latin1'), 'a head');
    await assertBroken(await drawPicture().gif().toBuffer(), 'GIF');
    await assertBroken(await readFile(HEIC), 'HEIC');
  });

  test('a picture of a billion pixels is refused before it is decoded', async () => {
    await assertBroken(makeEmptyPng(32_000), 'a bomb');
  });

  test('a file that is not there is not called broken', async () => {
    await assert.rejects(checkImage('/nowhere/1.png'), /ENOENT/);
  });
});

describe('toChatPhoto', () => {
  test('a picture keeps its size up to what a chat shows, and is shrunk to it from there', async () => {
    for (const [side, shown] of [
      [64, 64],
      [1024, 1024],
      [4096, 2560],
    ] as const) {
      const { info } = await show(await makeJpeg({ width: side, height: side / 2 }));
      assert.deepEqual([info.width, info.height], [shown, shown / 2]);
    }
  });

  test('it is upright, in sRGB, with nothing of its metadata', async () => {
    const { info, jpeg } = await show(await makeOrientedJpeg(6, 640, 480));
    assert.deepEqual([info.width, info.height], [480, 640]);
    const metadata = await sharp(jpeg).metadata();
    assert.deepEqual([metadata.space, metadata.channels], ['srgb', 3]);
    for (const kind of ['exif', 'icc', 'xmp', 'iptc', 'orientation'] as const) {
      assert.equal(metadata[kind], undefined, kind);
    }
  });

  test('what is transparent or grey becomes a plain picture', async () => {
    const clear = { width: 80, height: 60, channels: 4, background: '#0000' } as const;
    const { jpeg } = await show(await sharp({ create: clear }).png().toBuffer());
    assert.deepEqual([...(await sharp(jpeg).raw().toBuffer()).subarray(0, 3)], [255, 255, 255]);
    const grey = await show(await drawPicture().greyscale().png().toBuffer());
    assert.equal((await sharp(grey.jpeg).metadata()).channels, 3);
  });

  test('a strip is padded to a ratio that is allowed', async () => {
    for (const [width, height] of [
      [3000, 20],
      [21, 1000],
      [400, 1],
    ] as const) {
      const background = '#336699';
      const strip = sharp({ create: { width, height, channels: 3, background } });
      const { info } = await show(await strip.png().toBuffer());
      const ratio = Math.max(info.width / info.height, info.height / info.width);
      assert.ok(ratio <= 20, `${info.width} × ${info.height}`);
      assert.ok(Math.max(info.width, info.height) <= 2560);
    }
  });

  test('even noise stays below the limit of a photo', async () => {
    const [width, height] = [2560, 2560];
    const noise = randomFillSync(Buffer.alloc(width * height * 3));
    const picture = sharp(noise, { raw: { width, height, channels: 3 } });
    const { info } = await show(await picture.jpeg({ quality: 100 }).toBuffer());
    assert.deepEqual([info.width, info.height], [width, height]);
    assert.ok(info.sizeBytes <= 10_000_000, `${info.sizeBytes} bytes`);
  });

  test('an abort leaves nothing', async () => {
    await using directory = await useDirectory();
    const input = join(directory.path, 'input');
    await writeFile(input, await makeJpeg());
    const job = { input, output: join(directory.path, 'out/1.jpg') };
    const signal = AbortSignal.abort(new Error('enough'));
    await assert.rejects(toChatPhoto({ ...job, signal }), /enough/);
    await assert.rejects(stat(join(directory.path, 'out')), /ENOENT/);
  });
});
