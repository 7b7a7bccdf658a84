import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CLIP_MODELS, findClipModel } from '../../src/services/clip-models.ts';
import { imageToVideo, imageToVideoInput } from '../../src/services/image-to-video.ts';
import { textToVideo, textToVideoInput } from '../../src/services/text-to-video.ts';
import { findVideoModel } from '../../src/services/video-models.ts';
import { CLOSED, materialOf, optionsOf, TERMS, termsWithout } from './terms.ts';

const VEO = 'google/veo-3.1-fast';
const WORDS = { model: 'veo-31-fast', ratio: '9x16', prompt: 'a fox in the snow' } as const;
const PHOTO = { model: 'kling-25-turbo', photoCount: 1, prompt: 'she turns around' } as const;

describe('a video from words', () => {
  test('is made by the chosen model, without sound that is billed', () => {
    assert.equal(textToVideo.model(WORDS, TERMS), VEO);
    assert.deepEqual(textToVideo.request(WORDS, materialOf(VEO)), {
      model: VEO,
      input: {
        duration: 8,
        resolution: '1080p',
        generate_audio: false,
        prompt: 'a fox in the snow',
        aspect_ratio: '9:16',
      },
      files: {},
    });
    assert.deepEqual(
      textToVideo.plan(WORDS, TERMS, VEO).map(({ photos, seconds }) => ({ photos, seconds })),
      [{ photos: [], seconds: 8 }],
    );
  });

  test('is offered with the models that can be used now', () => {
    const values = (terms = TERMS) =>
      optionsOf(textToVideo, 'model', terms).map(({ value }) => value);
    assert.deepEqual(values(), ['p-video', 'kling-25-turbo', 'veo-31-lite', 'veo-31-fast']);
    assert.deepEqual(values(termsWithout(VEO)), ['p-video', 'kling-25-turbo', 'veo-31-lite']);
    assert.deepEqual(values(CLOSED), []);
    assert.equal(textToVideo.model(WORDS, termsWithout(VEO)), undefined);
  });

  test('has the shapes its model makes, and a model chosen anew makes the shape', () => {
    const labels = (model: string) =>
      optionsOf(textToVideo, 'ratio', TERMS, { model }).map(({ label }) => label);
    assert.deepEqual(labels('veo-31-fast'), ['16:9', '9:16']);
    assert.deepEqual(labels('p-video'), ['16:9', '9:16', '1:1']);
    assert.deepEqual(labels('nothing'), []);
    assert.deepEqual(
      optionsOf(textToVideo, 'model', TERMS, { ratio: '1x1' }).map(({ value }) => value),
      ['p-video', 'kling-25-turbo'],
    );
  });

  test('is validated', () => {
    assert.ok(textToVideoInput.safeParse(WORDS).success);
    for (const bad of [
      { ratio: '1x1' },
      { ratio: '4x3' },
      { model: 'kling-21' },
      { model: 'nothing' },
      { prompt: 'a' },
    ]) {
      assert.ok(!textToVideoInput.safeParse({ ...WORDS, ...bad }).success, JSON.stringify(bad));
    }
  });
});

describe('a video from a photo', () => {
  test('begins with it, and has its shape', () => {
    const kling = 'kwaivgi/kling-v2.5-turbo-pro';
    assert.equal(imageToVideo.model(PHOTO, TERMS), kling);
    assert.deepEqual(imageToVideo.request(PHOTO, materialOf(kling)), {
      model: kling,
      input: { duration: 5, prompt: 'she turns around' },
      files: { start_image: '/files/photo.jpg' },
    });
    assert.deepEqual(
      imageToVideo.plan(PHOTO, TERMS, kling).map(({ photos, seconds }) => ({ photos, seconds })),
      [{ photos: [0], seconds: 5 }],
    );
  });

  test('is offered with the models that can be used now', () => {
    const values = (terms = TERMS) =>
      optionsOf(imageToVideo, 'model', terms).map(({ value }) => value);
    assert.deepEqual(values(), ['p-video', 'wan-22-fast', 'kling-21', 'kling-25-turbo']);
    assert.deepEqual(values(CLOSED), []);
    assert.equal(imageToVideo.model(PHOTO, CLOSED), undefined);
  });

  test('is validated', () => {
    assert.ok(imageToVideoInput.safeParse(PHOTO).success);
    for (const bad of [{ model: 'veo-31-fast' }, { photoCount: 2 }, { prompt: '  ' }]) {
      assert.ok(!imageToVideoInput.safeParse({ ...PHOTO, ...bad }).success, JSON.stringify(bad));
    }
  });
});

test('every clip model is found by its name, and takes words, a photo or both', () => {
  for (const model of CLIP_MODELS) {
    assert.equal(findClipModel(model.key), model);
    assert.ok(model.ratios ?? model.imageField, model.key);
  }
  assert.equal(findClipModel('nothing'), undefined);
});

test('a model that also makes morphs takes the same time there', () => {
  for (const { id, typicalSeconds } of CLIP_MODELS) {
    const morphs = findVideoModel(id);
    if (morphs) assert.equal(morphs.typicalSeconds, typicalSeconds, id);
  }
});
