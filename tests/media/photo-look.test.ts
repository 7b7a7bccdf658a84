import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import sharp, { type Sharp } from 'sharp';
import { warnAbout } from '../../src/domain/photo-look.ts';
import { lookAtPhoto } from '../../src/media/photo-look.ts';

const samples = join(
  dirname(createRequire(import.meta.url).resolve('@vladmandic/face-api/package.json')),
  'demo',
);

/** A real photograph, changed as a person might have spoiled it. */
async function photo(number: number, change: (image: Sharp) => Sharp = (image) => image) {
  const image = sharp(join(samples, `sample${number}.jpg`)).resize(1440, 1080, { fit: 'cover' });
  const { data, info } = await change(image).raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}
const lookAt = async (picture: Awaited<ReturnType<typeof photo>>) =>
  lookAtPhoto(picture, async () => [{ x: 100, y: 50, width: 64, height: 80 }]);

describe('a photo that is looked at', () => {
  test('is sharp and bright as it was taken, blurred and dark as it was spoiled', async () => {
    const looks = await Promise.all([
      photo(2).then(lookAt),
      photo(3, (image) => image.blur(8)).then(lookAt),
      photo(5, (image) => image.linear(0.2, 0)).then(lookAt),
    ]);
    assert.deepEqual(warnAbout(looks), [
      { kind: 'blurred', photos: [1] },
      { kind: 'dark', photos: [2] },
    ]);
  });

  test('is known again when it was stored anew, and not taken for another one', async () => {
    const again = await sharp((await photo(2)).data, {
      raw: { width: 1440, height: 1080, channels: 3 },
    })
      .jpeg({ quality: 40 })
      .toBuffer();
    const { data, info } = await sharp(again).raw().toBuffer({ resolveWithObject: true });
    const looks = await Promise.all([
      photo(2).then(lookAt),
      photo(3).then(lookAt),
      lookAt({ data, width: info.width, height: info.height }),
      photo(4).then(lookAt),
    ]);
    assert.deepEqual(warnAbout(looks), [{ kind: 'same', groups: [[0, 2]] }]);
  });

  test('has its faces in shares of its size, whatever size they were looked for in', async () => {
    let shown: { width: number; height: number } | undefined;
    const look = await lookAtPhoto(await photo(2), async (small) => {
      shown = { width: small.width, height: small.height };
      return [{ x: 160, y: 120, width: 320, height: 240 }];
    });
    assert.deepEqual(shown, { width: 640, height: 480 });
    assert.deepEqual(look.faces, [{ x: 0.25, y: 0.25, width: 0.5, height: 0.5 }]);
  });

  test('has no opinion about faces where nobody can look for them', async () => {
    const picture = await photo(2);
    assert.equal((await lookAtPhoto(picture, undefined)).faces, null);
    assert.equal((await lookAtPhoto(picture, async () => undefined)).faces, null);
  });
});
