import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GENDERS } from '../../src/domain/gender.ts';
import {
  type NeuroPhotoV2Input,
  neuroPhotoV2,
  neuroPhotoV2Input,
} from '../../src/services/neuro-photo-v2.ts';
import { pictureSize, shapeOf } from '../../src/services/picture-options.ts';
import { CLOSED, materialOf, optionsOf, TERMS, termsWithout } from './terms.ts';

const FLUX = 'bfl/flux-2-pro';
const NANO_BANANA = 'google/nano-banana';
const INPUT: NeuroPhotoV2Input = {
  gender: 'male',
  photoCount: 1,
  prompt: 'on a sailing boat',
  size: '2x3',
  count: '4',
};

test('it is made by BFL where there is a key, else on Replicate, else by nobody', () => {
  assert.equal(neuroPhotoV2.model(INPUT, TERMS), FLUX);
  assert.equal(neuroPhotoV2.model(INPUT, termsWithout(FLUX)), NANO_BANANA);
  assert.equal(neuroPhotoV2.model(INPUT, CLOSED), undefined);
  assert.deepEqual(optionsOf(neuroPhotoV2, 'count', CLOSED), []);
  assert.deepEqual(
    neuroPhotoV2.models.map(({ id, provider }) => [id, provider]),
    [
      [FLUX, 'bfl'],
      [NANO_BANANA, undefined],
    ],
  );
});

test('BFL is told the size in pixels', () => {
  assert.deepEqual(neuroPhotoV2.request(INPUT, materialOf(FLUX, { position: 2 })), {
    model: FLUX,
    input: {
      prompt:
        'A new picture of the person in the photo (handsome man, masculine features), with the same face. on a sailing boat',
      width: 832,
      height: 1248,
      seed: 3,
      output_format: 'jpeg',
      safety_tolerance: 2,
    },
    files: { input_image: '/files/photo.jpg' },
  });
});

test('Replicate is told the ratio', () => {
  assert.deepEqual(neuroPhotoV2.request(INPUT, materialOf(NANO_BANANA)), {
    model: NANO_BANANA,
    input: {
      prompt:
        'A new picture of the person in the photo (handsome man, masculine features), with the same face. on a sailing boat',
      aspect_ratio: '2:3',
      output_format: 'jpg',
    },
    files: { image_input: ['/files/photo.jpg'] },
  });
});

test('no two steps of an order send the same', () => {
  for (const model of [FLUX, NANO_BANANA]) {
    const sent = [0, 1, 2, 3].map((position) =>
      JSON.stringify(neuroPhotoV2.request(INPUT, materialOf(model, { position }))),
    );
    assert.equal(new Set(sent).size, 4, model);
  }
});

test('every shape is exactly its ratio, in sides that divide by 16 and at most one megapixel', () => {
  for (const size of pictureSize.options) {
    const { ratio, width, height } = shapeOf(size);
    const [across = 0, down = 0] = ratio.split(':').map(Number);
    assert.equal(width * down, height * across, ratio);
    assert.deepEqual([width % 16, height % 16], [0, 0], ratio);
    assert.ok(width * height <= 1_024 * 1_024, ratio);
  }
});

test('a man is never rendered as a woman, and nobody is told to look like anything', () => {
  for (const gender of GENDERS) {
    for (const model of [FLUX, NANO_BANANA]) {
      const { prompt } = neuroPhotoV2.request({ ...INPUT, gender }, materialOf(model)).input;
      const text = String(prompt);
      assert.equal(/handsome man/.test(text), gender === 'male');
      assert.equal(/beautiful woman/.test(text), gender === 'female');
      assert.doesNotMatch(text, /skin|young|old\b|age\b/);
    }
  }
});

test('a step that is given no photo is a bug', () => {
  const material = materialOf(FLUX, { photos: [] });
  assert.throws(() => neuroPhotoV2.request(INPUT, material), /no photo/);
});

test('what a person chooses is validated', () => {
  assert.ok(neuroPhotoV2Input.safeParse(INPUT).success);
  for (const bad of [{ photoCount: 2 }, { prompt: '' }, { size: '5x4' }, { gender: 'other' }]) {
    assert.ok(!neuroPhotoV2Input.safeParse({ ...INPUT, ...bad }).success, JSON.stringify(bad));
  }
});
