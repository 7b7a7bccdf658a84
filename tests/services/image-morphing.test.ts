import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { CANVASES } from '../../src/domain/canvas.ts';
import { formatStars, priceStars, sumStars } from '../../src/domain/stars.ts';
import { imageMorphing, type MorphInput, morphInput } from '../../src/services/image-morphing.ts';
import { findVideoModel, LOCAL_MODEL, VIDEO_MODELS } from '../../src/services/video-models.ts';
import { materialOf, TERMS, termsWithout } from './terms.ts';

const KLING = 'kwaivgi/kling-v1.6-pro';
const TWO_PHOTOS: MorphInput = { photoCount: 2, mode: 'seamless', gender: 'unset' };
const PHOTOS = ['/photos/a.jpg', '/photos/b.jpg'];

describe('the price of a morph', () => {
  test('of 12 photos is 489.83 ⭐ seamless and 534.36 ⭐ as a loop, at 44.53 ⭐ a transition', () => {
    assert.equal(quote(TWO_PHOTOS), '44.53');
    assert.equal(quote({ photoCount: 12, mode: 'seamless', gender: 'unset' }), '489.83');
    assert.equal(quote({ photoCount: 12, mode: 'loop', gender: 'unset' }), '534.36');
  });

  test('is the sum of its steps, each at the one formula, with any model and tariff', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 200 }),
        fc.constantFrom('seamless', 'loop'),
        fc.constantFrom(...VIDEO_MODELS),
        fc.record({
          starUsd: fc.integer({ min: 1, max: 999 }).map((n) => n / 1000),
          markup: fc.integer({ min: 100, max: 500 }).map((n) => n / 100),
        }),
        (photoCount, mode, model, tariff) => {
          const steps = imageMorphing.plan(
            { photoCount, mode, gender: 'unset' },
            { ...TERMS, tariff },
            model.id,
          );
          const each = priceStars(model.seconds * model.usdPerSecond, tariff);
          assert.equal(sumStars(steps.map((step) => step.price)), each * steps.length);
          assert.equal(steps.length, mode === 'loop' ? photoCount : photoCount - 1);
          for (const { cost, price } of steps) assert.ok(cost <= price);
        },
      ),
    );
  });
});

test('a step is made from two neighbours, and the last one of a loop leads back to the first', () => {
  const steps = imageMorphing.plan({ photoCount: 3, mode: 'loop', gender: 'unset' }, TERMS, KLING);
  assert.deepEqual(
    steps.map(({ photos }) => photos),
    [
      [0, 1],
      [1, 2],
      [2, 0],
    ],
  );
});

test('it is made with the model of the operator, or by nobody', () => {
  assert.equal(imageMorphing.model(TWO_PHOTOS, TERMS), KLING);
  assert.equal(imageMorphing.model(TWO_PHOTOS, termsWithout(KLING)), undefined);
});

test('every model of the catalogue has the price that its page says', () => {
  const prices = VIDEO_MODELS.map(({ id, seconds }) => {
    const [step] = imageMorphing.plan(TWO_PHOTOS, TERMS, id);
    return [id, seconds, formatStars(step?.price ?? sumStars([]))];
  });
  assert.deepEqual(prices, [
    ['kwaivgi/kling-v1.6-pro', 5, '44.53'],
    ['kwaivgi/kling-v2.5-turbo-pro', 5, '32.81'],
    ['kwaivgi/kling-v2.1', 5, '42.18'],
    ['bytedance/seedance-1.5-pro', 5, '12.18'],
    ['wan-video/wan-2.2-i2v-fast', 5, '10.31'],
    ['google/veo-3.1-lite', 8, '37.50'],
  ]);
});

test('a model is found by its id, the local engine too', () => {
  for (const model of VIDEO_MODELS) assert.equal(findVideoModel(model.id), model);
  assert.equal(findVideoModel(LOCAL_MODEL.id), LOCAL_MODEL);
  assert.equal(findVideoModel('nobody/nothing'), undefined);
});

describe('the request of a step', () => {
  test('names both photos in the fields of the model, and the person in the prompt', () => {
    const input: MorphInput = { photoCount: 2, mode: 'seamless', gender: 'female' };
    assert.deepEqual(imageMorphing.request(input, materialOf(KLING, { photos: PHOTOS })), {
      model: 'kwaivgi/kling-v1.6-pro',
      input: {
        duration: 5,
        cfg_scale: 0.5,
        negative_prompt: 'blur, distortion, low quality',
        prompt: 'Smooth morphing transition between two images, beautiful woman, feminine features',
      },
      files: { start_image: '/photos/a.jpg', end_image: '/photos/b.jpg' },
    });
  });

  test('tells the ratio to a model that does not follow its first frame', () => {
    const ratios = [CANVASES.landscape, CANVASES.portrait].map((canvas) => {
      const material = materialOf('google/veo-3.1-lite', { photos: PHOTOS, canvas });
      return imageMorphing.request(TWO_PHOTOS, material).input['aspect_ratio'];
    });
    assert.deepEqual(ratios, ['16:9', '9:16']);
  });
});

test('what a person chooses is validated', () => {
  const good = { photoCount: 2, mode: 'loop', gender: 'male' };
  assert.ok(morphInput.safeParse(good).success);
  for (const bad of [
    { photoCount: 1 },
    { photoCount: 2.5 },
    { mode: 'zigzag' },
    { gender: null },
  ]) {
    assert.ok(!morphInput.safeParse({ ...good, ...bad }).success, JSON.stringify(bad));
  }
});

function quote(input: MorphInput): string {
  return formatStars(sumStars(imageMorphing.plan(input, TERMS, KLING).map((step) => step.price)));
}
