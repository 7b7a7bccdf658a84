import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { CANVASES } from '../../src/domain/canvas.ts';
import { formatStars, priceStars, sumStars } from '../../src/domain/stars.ts';
import { imageMorphing, type MorphInput, morphInput } from '../../src/services/image-morphing.ts';
import { SERVICES } from '../../src/services/index.ts';
import type { Terms } from '../../src/services/service.ts';
import { findVideoModel, VIDEO_MODELS, type VideoModel } from '../../src/services/video-models.ts';

const TARIFF = { starUsd: 0.016, markup: 1.5 };
const KLING = modelOf('kwaivgi/kling-v1.6-pro');
const TERMS: Terms = { tariff: TARIFF, model: KLING };
const FILES = { from: '/photos/a.jpg', to: '/photos/b.jpg', canvas: CANVASES.landscape };

describe('the price of a morph', () => {
  test('of 12 photos is 489.83 ⭐ seamless and 534.36 ⭐ as a loop, at 44.53 ⭐ a transition', () => {
    assert.equal(quote({ photoCount: 2, mode: 'seamless', gender: 'unset' }), '44.53');
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
            { tariff, model },
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

test('every model of the catalogue has the price that its page says', () => {
  const prices = VIDEO_MODELS.map((model) => {
    const [step] = imageMorphing.plan(
      { photoCount: 2, mode: 'seamless', gender: 'unset' },
      { ...TERMS, model },
    );
    return [model.id, model.seconds, formatStars(step?.price ?? sumStars([]))];
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

test('every model says when its price was checked, and is found by its id', () => {
  for (const model of VIDEO_MODELS) {
    assert.match(model.priceCheckedAt, /^20\d\d-\d\d-\d\d$/);
    assert.ok(!Number.isNaN(Date.parse(model.priceCheckedAt)));
    assert.ok(model.typicalSeconds > 0);
    assert.equal(findVideoModel(model.id), model);
  }
  assert.equal(findVideoModel('nobody/nothing'), undefined);
});

describe('the request of a step', () => {
  test('names both photos in the fields of the model, and the person in the prompt', () => {
    const input = { photoCount: 2, mode: 'seamless', gender: 'female' } as const;
    assert.deepEqual(imageMorphing.request(input, FILES, KLING), {
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
    const veo = modelOf('google/veo-3.1-lite');
    const ratios = [CANVASES.landscape, CANVASES.portrait].map((canvas) => {
      const input = { photoCount: 2, mode: 'seamless', gender: 'unset' } as const;
      return imageMorphing.request(input, { ...FILES, canvas }, veo).input['aspect_ratio'];
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

test('no two services share an id', () => {
  const ids = SERVICES.map((service) => service.id);
  assert.equal(new Set(ids).size, ids.length);
});

function quote(input: MorphInput): string {
  return formatStars(sumStars(imageMorphing.plan(input, TERMS).map((step) => step.price)));
}

function modelOf(id: string): VideoModel {
  const model = findVideoModel(id);
  assert.ok(model, id);
  return model;
}
