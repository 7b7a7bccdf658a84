import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import sharp from 'sharp';
import { BrokenPictureError, createPhotos } from '../../src/media/photos.ts';
import { useDirectory } from '../support/pictures.ts';

const CANVAS = { width: 1920, height: 1080 };
const RED = { r: 220, g: 30, b: 30 };

/** A grey picture with a red square where its face is, in pixels of it. */
async function writePicture(
  path: string,
  size: { width: number; height: number },
  face: { left: number; top: number; side: number },
): Promise<void> {
  const square = { width: face.side, height: face.side, channels: 3, background: RED } as const;
  const input = await sharp({ create: square }).png().toBuffer();
  await sharp({ create: { ...size, channels: 3, background: '#808080' } })
    .composite([{ input, left: face.left, top: face.top }])
    .jpeg({ quality: 95 })
    .toFile(path);
}

/** How many pixels of a picture are red. */
async function countRed(path: string): Promise<number> {
  const data = await sharp(path).raw().toBuffer();
  let count = 0;
  for (let at = 0; at < data.length; at += 3) {
    if ((data[at] ?? 0) > 180 && (data[at + 1] ?? 0) < 90) count += 1;
  }
  return count;
}

describe('a photo with a face, brought to its canvas', () => {
  test('shows it whole, where a cut through the middle would not', async () => {
    await using directory = await useDirectory();
    const input = join(directory.path, 'in.jpg');
    const output = join(directory.path, 'out.jpg');
    const face = { left: 600, top: 1100, side: 100 };
    await writePicture(input, { width: 1600, height: 1200 }, face);
    const scale = CANVAS.width / 1600;
    const whole = (face.side * scale) ** 2;

    await createPhotos().toCanvas({ input, output, canvas: CANVAS });
    assert.ok((await countRed(output)) < whole * 0.5, 'it lies where photos are usually cut');

    const found = createPhotos({
      findFaces: async ({ width }) => {
        const share = width / 1600;
        const { left, top, side } = face;
        return [{ x: left * share, y: top * share, width: side * share, height: side * share }];
      },
    });
    const look = await found.toCanvas({ input, output, canvas: CANVAS });
    assert.equal(look.faces?.length, 1);
    assert.ok(Math.abs((await countRed(output)) / whole - 1) < 0.05);
  });

  test('is shown whole over a blurred copy when its faces lie too far apart', async () => {
    await using directory = await useDirectory();
    const input = join(directory.path, 'in.jpg');
    const output = join(directory.path, 'out.jpg');
    await writePicture(input, { width: 1600, height: 1200 }, { left: 600, top: 0, side: 100 });
    const apart = createPhotos({
      findFaces: async ({ width, height }) => [
        { x: 0.4 * width, y: 0, width: 50, height: 50 },
        { x: 0.4 * width, y: 0.9 * height, width: 50, height: 50 },
      ],
    });
    await apart.toCanvas({ input, output, canvas: CANVAS });
    const scale = CANVAS.height / 1200;
    assert.ok((await countRed(output)) >= (100 * scale) ** 2 * 0.95);
    const { width, height } = await sharp(output).metadata();
    assert.deepEqual({ width, height }, CANVAS);
  });

  test('is shown whole when it is of a crowd: some of its faces may not have been found', async () => {
    await using directory = await useDirectory();
    const input = join(directory.path, 'in.jpg');
    const output = join(directory.path, 'out.jpg');
    await writePicture(input, { width: 1600, height: 1200 }, { left: 600, top: 1100, side: 100 });
    const crowd = createPhotos({
      findFaces: async ({ width, height }) =>
        Array.from({ length: 40 }, (_, face) => {
          return { x: (face * width) / 50, y: height / 2, width: 8, height: 8 };
        }),
    });
    await crowd.toCanvas({ input, output, canvas: CANVAS });
    assert.ok((await countRed(output)) >= ((100 * CANVAS.height) / 1200) ** 2 * 0.95);
  });

  test('is only called broken when it is: not when nobody could look for faces', async () => {
    await using directory = await useDirectory();
    const input = join(directory.path, 'in.jpg');
    const output = join(directory.path, 'out.jpg');
    await writePicture(input, { width: 800, height: 600 }, { left: 0, top: 0, side: 10 });
    const stopped = new Error('stopped');
    const photos = createPhotos({ findFaces: () => Promise.reject(stopped) });
    await assert.rejects(photos.toCanvas({ input, output, canvas: CANVAS }), stopped);
    const { toCanvas } = createPhotos();
    const missing = join(directory.path, 'missing.jpg');
    await assert.rejects(toCanvas({ input: missing, output, canvas: CANVAS }), BrokenPictureError);
    await assert.rejects(toCanvas({ input: directory.path, output, canvas: CANVAS }), {
      code: 'EISDIR',
    });
  });
});
