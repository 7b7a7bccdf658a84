import assert from 'node:assert/strict';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import sharp from 'sharp';
import { createPhotos, sniffPicture } from '../../src/media/photos.ts';
import {
  drawPicture,
  makeEmptyPng,
  makeJpeg,
  makeOrientedJpeg,
  type PictureOptions,
  useDirectory,
} from '../support/pictures.ts';

const { inspectPhoto, toCanvas, contactSheet } = createPhotos();
const HEIC = join(import.meta.dirname, '../fixtures/quarters-display-p3.heic');
const LANDSCAPE = { width: 640, height: 360 };

async function inspectBytes(bytes: Buffer) {
  await using directory = await useDirectory();
  const path = join(directory.path, 'file');
  await writeFile(path, bytes);
  return await inspectPhoto(path);
}

async function bringToCanvas(bytes: Buffer, canvas = LANDSCAPE) {
  await using directory = await useDirectory();
  const input = join(directory.path, 'input');
  const output = join(directory.path, 'canvas/1.jpg');
  await writeFile(input, bytes);
  await toCanvas({ input, output, canvas });
  assert.deepEqual(await readdir(join(directory.path, 'canvas')), ['1.jpg']);
  return readPicture(await readFile(output));
}

async function readPicture(jpeg: Buffer) {
  const metadata = await sharp(jpeg).metadata();
  const { data, info } = await sharp(jpeg).raw().toBuffer({ resolveWithObject: true });
  /** Red, green and blue at a place given in shares of width and height. */
  const at = (x: number, y: number) => {
    const offset = (Math.floor(y * info.height) * info.width + Math.floor(x * info.width)) * 3;
    return [...data.subarray(offset, offset + 3)];
  };
  return { metadata, at };
}

function assertColour(actual: readonly number[], expected: readonly number[], tolerance = 8) {
  const distance = Math.max(...expected.map((value, i) => Math.abs(value - (actual[i] ?? 999))));
  assert.ok(distance <= tolerance, `${actual} is not ${expected}`);
}

const RED = [255, 0, 0];
const GREEN = [0, 255, 0];
const BLUE = [0, 0, 255];
const WHITE = [255, 255, 255];

describe('inspectPhoto', () => {
  test('each accepted format is recognised by its bytes and measured', async () => {
    const picture = drawPicture({ width: 400, height: 320 });
    const size = { kind: 'photo', width: 400, height: 320 };
    assert.deepEqual(await inspectBytes(await picture.clone().jpeg().toBuffer()), {
      ...size,
      format: 'jpeg',
    });
    assert.deepEqual(await inspectBytes(await picture.clone().png().toBuffer()), {
      ...size,
      format: 'png',
    });
    assert.deepEqual(await inspectBytes(await picture.clone().webp().toBuffer()), {
      ...size,
      format: 'webp',
    });
    assert.deepEqual(await inspectPhoto(HEIC), { ...size, format: 'heic' });
  });

  test('what is no photo is refused: text, GIF, AVIF, nothing', async () => {
    const picture = drawPicture({ width: 400, height: 320 });
    const refused = { kind: 'refused', reason: 'not_a_picture' };
    assert.deepEqual(await inspectBytes(Buffer.from('photo.jpg')), refused);
    assert.deepEqual(await inspectBytes(Buffer.alloc(0)), refused);
    assert.deepEqual(await inspectBytes(await picture.clone().gif().toBuffer()), refused);
    assert.deepEqual(await inspectBytes(await picture.clone().avif().toBuffer()), refused);
    assert.equal(sniffPicture(Buffer.from('RIFF1234WAVE')), undefined);
  });

  test('the size is the one a person sees, whatever way the camera was held', async () => {
    for (const orientation of [5, 6, 7, 8]) {
      const seen = await inspectBytes(await makeOrientedJpeg(orientation, 640, 480));
      assert.deepEqual(seen, { kind: 'photo', width: 480, height: 640, format: 'jpeg' });
    }
    const upsideDown = await inspectBytes(await makeOrientedJpeg(3, 640, 480));
    assert.deepEqual(upsideDown, { kind: 'photo', width: 640, height: 480, format: 'jpeg' });
  });

  test('a picture cut short or damaged is found, also when its header is whole', async () => {
    const noisy = drawPicture({ width: 600, height: 500 }).blur(0.5);
    const whole = [
      await noisy.clone().jpeg().toBuffer(),
      await noisy.clone().jpeg({ progressive: true }).toBuffer(),
      await noisy.clone().png().toBuffer(),
      await noisy.clone().webp().toBuffer(),
      await readFile(HEIC),
    ];
    for (const bytes of whole) {
      assert.equal((await inspectBytes(bytes)).kind, 'photo');
      for (const share of [0.1, 0.6, 0.9]) {
        const cut = bytes.subarray(0, Math.max(16, Math.floor(bytes.length * share)));
        const seen = await inspectBytes(cut);
        assert.deepEqual(
          seen,
          { kind: 'refused', reason: 'broken_picture' },
          `${sniffPicture(bytes)} ${share}`,
        );
      }
    }
  });

  test('a picture cut short is found wherever it was cut', async () => {
    const picture = drawPicture({ width: 320, height: 300 }).blur(0.5);
    const turned = await makeOrientedJpeg(6, 400, 320);
    /** What stands behind the last data of the picture and may be missing, in bytes. */
    const formats = [
      { bytes: await picture.clone().jpeg().toBuffer(), spare: 0 },
      { bytes: await picture.clone().jpeg({ progressive: true }).toBuffer(), spare: 0 },
      { bytes: turned, spare: 0 },
      { bytes: await picture.clone().png().toBuffer(), spare: 13 },
      { bytes: await picture.clone().webp().toBuffer(), spare: 0 },
    ];
    for (const { bytes, spare } of formats) {
      const format = sniffPicture(bytes);
      const cut = fc.integer({ min: 16, max: bytes.length - spare - 1 });
      await fc.assert(
        fc.asyncProperty(cut, async (length) => {
          const seen = await inspectBytes(bytes.subarray(0, length));
          const refused = { kind: 'refused', reason: 'broken_picture' };
          assert.deepEqual(seen, refused, `${format}, ${length} of ${bytes.length} bytes`);
        }),
        { numRuns: 25, examples: [[bytes.length - spare - 1]] },
      );
    }
  });

  test('what a camera or a program appended to a picture does not matter', async () => {
    const picture = drawPicture({ width: 400, height: 320 });
    const film = Buffer.concat([Buffer.from('\0\0\0\x18ftypmp42'), Buffer.alloc(300_000, 0xff)]);
    for (const bytes of [
      await picture.clone().jpeg().toBuffer(),
      await picture.clone().png().toBuffer(),
      await picture.clone().webp().toBuffer(),
    ]) {
      const { kind } = await inspectBytes(Buffer.concat([bytes, film]));
      assert.equal(kind, 'photo', sniffPicture(bytes));
    }
  });

  test('300 px on the shorter side is enough, 299 is not', async () => {
    assert.equal((await inspectBytes(await makeJpeg({ width: 300, height: 900 }))).kind, 'photo');
    assert.deepEqual(await inspectBytes(await makeJpeg({ width: 900, height: 299 })), {
      kind: 'refused',
      reason: 'too_small',
    });
  });

  test('81 megapixels are refused from the header alone', async () => {
    const refused = { kind: 'refused', reason: 'too_many_pixels' };
    assert.deepEqual(await inspectBytes(makeEmptyPng(9000)), refused);
  });
});

describe('toCanvas', () => {
  test('a photo is turned upright before anything else, for all eight orientations', async () => {
    // The corners of the stored picture, clockwise from the top left, as each orientation shows them.
    const shown: Record<number, number[][]> = {
      1: [RED, GREEN, WHITE, BLUE],
      2: [GREEN, RED, BLUE, WHITE],
      3: [WHITE, BLUE, RED, GREEN],
      4: [BLUE, WHITE, GREEN, RED],
      5: [RED, BLUE, WHITE, GREEN],
      6: [BLUE, RED, GREEN, WHITE],
      7: [WHITE, GREEN, RED, BLUE],
      8: [GREEN, WHITE, BLUE, RED],
    };
    for (const [
      orientation,
      [topLeft = [], topRight = [], bottomRight = [], bottomLeft = []],
    ] of Object.entries(shown)) {
      const sideways = Number(orientation) > 4;
      const canvas = sideways ? { width: 360, height: 480 } : { width: 480, height: 360 };
      const { at, metadata } = await bringToCanvas(
        await makeOrientedJpeg(Number(orientation)),
        canvas,
      );
      assert.deepEqual([metadata.width, metadata.height], [canvas.width, canvas.height]);
      assertColour(at(0.1, 0.1), topLeft, 12);
      assertColour(at(0.9, 0.1), topRight, 12);
      assertColour(at(0.9, 0.9), bottomRight, 12);
      assertColour(at(0.1, 0.9), bottomLeft, 12);
    }
  });

  test('nothing about the person is left in the file', async () => {
    const photo = await makeOrientedJpeg(6);
    assert.ok((await sharp(photo).metadata()).exif, 'the test photo says where it was taken');
    const { metadata } = await bringToCanvas(photo);
    for (const field of ['exif', 'icc', 'iptc', 'xmp', 'orientation', 'comments'] as const) {
      assert.equal(metadata[field], undefined, field);
    }
    assert.equal(metadata.format, 'jpeg');
    assert.equal(metadata.space, 'srgb');
  });

  test('a crop takes from both sides, and from the top less than from the bottom', async () => {
    const bands = (ratio: 'wide' | 'tall') => {
      const stripe = (i: number) => `hsl(0 0% ${i * 10 + 5}%)`;
      const rects = Array.from({ length: 10 }, (_, i) =>
        ratio === 'tall'
          ? `<rect y="${i * 48}" width="640" height="49" fill="${stripe(i)}"/>`
          : `<rect x="${i * 80}" width="81" height="360" fill="${stripe(i)}"/>`,
      );
      const size = ratio === 'tall' ? 'width="640" height="480"' : 'width="800" height="360"';
      return sharp(
        Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" ${size}>${rects.join('')}</svg>`),
      )
        .flatten()
        .png()
        .toBuffer();
    };
    // 480 rows are cut to 360: 40 off the top, 80 off the bottom.
    const tall = await bringToCanvas(await bands('tall'));
    assertColour(tall.at(0.5, 0.005), [13, 13, 13], 3);
    assertColour(tall.at(0.5, 0.99), [217, 217, 217], 3);
    const wide = await bringToCanvas(await bands('wide'));
    assertColour(wide.at(0.005, 0.5), [38, 38, 38], 26);
    assertColour(wide.at(0.995, 0.5), [217, 217, 217], 26);
  });

  test('a photo that a crop would mutilate is shown whole over a darker blur of itself', async () => {
    const { at } = await bringToCanvas(await makeOrientedJpeg(1, 400, 640));
    const left = (640 - 225) / 2 / 640;
    assertColour(at(left + 0.01, 0.01), RED, 16);
    assertColour(at(1 - left - 0.01, 0.99), WHITE, 16);
    const [red = 0, green = 255, blue = 255] = at(0.02, 0.02);
    assert.ok(red > 150 && red < 215, `the blur is darker than the photo: ${red}`);
    assert.ok(green < 40 && blue < 40);
  });

  test('transparency becomes white; grey and CMYK become sRGB', async () => {
    const clear = { width: 640, height: 360, channels: 4, background: '#00000000' } as const;
    const transparent = await bringToCanvas(await sharp({ create: clear }).png().toBuffer());
    assertColour(transparent.at(0.5, 0.5), WHITE, 1);
    const photo = drawPicture({ width: 640, height: 360 });
    for (const bytes of [
      await photo.clone().grayscale().toColourspace('b-w').jpeg().toBuffer(),
      await photo.clone().toColourspace('cmyk').jpeg().toBuffer(),
      await photo.clone().toColourspace('rgb16').png().toBuffer(),
    ]) {
      const { metadata } = await bringToCanvas(bytes);
      assert.deepEqual([metadata.space, metadata.channels], ['srgb', 3]);
    }
  });

  test('wide-gamut colours arrive as they look, from HEIC and from a profile alike', async () => {
    const { at } = await bringToCanvas(await readFile(HEIC), { width: 400, height: 320 });
    assertColour(at(0.25, 0.25), [0xc8, 0x30, 0x20]);
    assertColour(at(0.75, 0.25), [0x20, 0xa0, 0x40]);
    assertColour(at(0.25, 0.75), [0x20, 0x40, 0xc0]);
    assertColour(at(0.75, 0.75), [0xf0, 0xf0, 0xf0]);
    const create = { width: 640, height: 360, channels: 3, background: '#c83020' } as const;
    const p3 = await sharp({ create }).withIccProfile('p3').png().toBuffer();
    const shown = await bringToCanvas(p3);
    assertColour(shown.at(0.5, 0.5), [0xc8, 0x30, 0x20], 4);
  });

  test('many at once come out right, HEIC among them', async () => {
    await using directory = await useDirectory();
    const jpeg = join(directory.path, 'a.jpg');
    await writeFile(jpeg, await makeJpeg());
    const outputs = Array.from({ length: 8 }, (_, i) => join(directory.path, `out/${i}.jpg`));
    await Promise.all(
      outputs.map((output, i) =>
        toCanvas({ input: i % 4 === 0 ? HEIC : jpeg, output, canvas: LANDSCAPE }),
      ),
    );
    for (const output of outputs) assert.equal((await sharp(output).metadata()).width, 640);
  });

  test('a broken photo and an abort leave no file', async () => {
    await using directory = await useDirectory();
    const input = join(directory.path, 'a.jpg');
    const output = join(directory.path, 'out.jpg');
    await writeFile(input, (await makeJpeg()).subarray(0, 3000));
    await assert.rejects(toCanvas({ input, output, canvas: LANDSCAPE }));
    const signal = AbortSignal.abort(new Error('cancelled'));
    await assert.rejects(toCanvas({ input: HEIC, output, canvas: LANDSCAPE, signal }), /cancelled/);
    assert.deepEqual(await readdir(directory.path), ['a.jpg']);
  });
});

describe('contactSheet', () => {
  const ALIKE = [{ width: 480, height: 320 }];
  const MIXED = [...ALIKE, { width: 320, height: 480 }, { width: 640, height: 320 }];

  async function drawSheets(count: number, shapes: readonly PictureOptions[]) {
    await using directory = await useDirectory();
    const files = await Promise.all(
      shapes.map(async (shape, i) => {
        const path = join(directory.path, `photo-${i}.jpg`);
        await writeFile(path, await makeJpeg({ ...shape, seed: i + 1 }));
        return path;
      }),
    );
    const photos = Array.from({ length: count }, (_, i) => ({
      path: files[i % files.length] ?? '',
      label: `${i + 1}`,
    }));
    const paths = await contactSheet({ photos, output: join(directory.path, 'sheet.jpg') });
    const names = paths.map((path) => path.slice(directory.path.length + 1));
    const sheets = await Promise.all(
      paths.map(async (path) => {
        const { width, height, format } = await sharp(path).metadata();
        return { width, height, format, size: (await stat(path)).size };
      }),
    );
    return { names, sheets };
  }

  test('up to 29 photos share one sheet, 30 need two', async () => {
    assert.deepEqual((await drawSheets(29, ALIKE)).names, ['sheet.jpg']);
    const { names, sheets } = await drawSheets(30, ALIKE);
    assert.deepEqual(names, ['sheet-1.jpg', 'sheet-2.jpg']);
    assert.equal(sheets[0]?.height, sheets[1]?.height);
  });

  test('51 photos make three sheets', async () => {
    const { names } = await drawSheets(51, ALIKE);
    assert.deepEqual(names, ['sheet-1.jpg', 'sheet-2.jpg', 'sheet-3.jpg']);
  });

  test('every sheet is a JPEG that Telegram shows as it is', async () => {
    for (const count of [1, 2, 5, 11]) {
      const { sheets } = await drawSheets(count, MIXED);
      assert.equal(sheets.length, 1);
      for (const { width, height, format, size } of sheets) {
        assert.equal(format, 'jpeg');
        assert.ok(Math.max(width, height) <= 2560 && Math.min(width, height) >= 300);
        assert.ok(width / height < 3 && height / width < 3, `${count}: ${width}×${height}`);
        assert.ok(size < 5_000_000);
      }
    }
  });

  test('each photo carries its own number', async () => {
    await using directory = await useDirectory();
    const path = join(directory.path, 'photo.jpg');
    await writeFile(path, await makeJpeg());
    const badges = new Set<string>();
    for (let number = 0; number <= 10; number += 1) {
      const output = join(directory.path, `${number}.jpg`);
      await contactSheet({ photos: [{ path, label: `${number}` }], output });
      const badge = await sharp(output).extract({ left: 40, top: 40, width: 240, height: 150 });
      badges.add((await badge.grayscale().threshold(235).raw().toBuffer()).toString('base64'));
    }
    assert.equal(badges.size, 11);
  });

  test('no photo is a mistake of the caller', async () => {
    await assert.rejects(contactSheet({ photos: [], output: '/tmp/never.jpg' }), RangeError);
  });
});
