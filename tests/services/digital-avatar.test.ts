import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type DigitalAvatarInput,
  digitalAvatar,
  digitalAvatarInput,
} from '../../src/services/digital-avatar.ts';
import { CLOSED, materialOf, optionsOf, questionOf, TERMS } from './terms.ts';

const TRAINER =
  'ostris/flux-dev-lora-trainer:e440909d3512c31646ee2e0c7d6f6f4923224863a6a10c494606e79fb5844497';
const INPUT: DigitalAvatarInput = { gender: 'male', photoCount: 12, name: 'Ivan', steps: '1500' };

test('the trainer is given all photos in one archive, the trigger word and who it is', () => {
  assert.deepEqual(digitalAvatar.request(INPUT, materialOf(TRAINER)), {
    model: TRAINER,
    input: {
      trigger_word: 'TOK',
      steps: 1_500,
      lora_rank: 32,
      batch_size: 1,
      resolution: '512,768,1024',
      autocaption: true,
      autocaption_prefix: 'a photo of TOK, handsome man, masculine features, ',
    },
    files: { input_images: '/files/photos.zip' },
  });
  assert.equal(digitalAvatar.triggerWord, 'TOK');
});

test('it is one step, made from all the photos', () => {
  assert.equal(digitalAvatar.model(INPUT, TERMS), TRAINER);
  assert.equal(digitalAvatar.model(INPUT, CLOSED), undefined);
  const steps = digitalAvatar.plan(INPUT, TERMS, TRAINER);
  assert.deepEqual(
    steps.map(({ photos }) => photos),
    [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]],
  );
});

test('a training may take hours, and who it is is asked each time', () => {
  const [model] = digitalAvatar.models;
  assert.ok((model?.patience ?? 0) >= 16);
  const gender = questionOf(digitalAvatar, 'gender');
  assert.ok(gender.kind === 'gender' && gender.always);
});

test('a man is never learnt as a woman', () => {
  const prefix = (gender: DigitalAvatarInput['gender']) =>
    digitalAvatar.request({ ...INPUT, gender }, materialOf(TRAINER)).input['autocaption_prefix'];
  assert.equal(prefix('female'), 'a photo of TOK, beautiful woman, feminine features, ');
  assert.equal(prefix('unset'), 'a photo of TOK, person, ');
});

test('1000 to 4000 steps are on offer, by 500', () => {
  assert.deepEqual(
    optionsOf(digitalAvatar, 'steps').map(({ value }) => Number(value)),
    [1_000, 1_500, 2_000, 2_500, 3_000, 3_500, 4_000],
  );
});

test('a training without its archive is a bug', () => {
  const { archive: _, ...material } = materialOf(TRAINER);
  assert.throws(() => digitalAvatar.request(INPUT, material), /no archive/);
});

test('what a person chooses is validated', () => {
  assert.equal(
    digitalAvatarInput.parse({ ...INPUT, name: ' Anna\n Maria\u0000 ' }).name,
    'Anna Maria',
  );
  for (const bad of [
    { photoCount: 9 },
    { photoCount: 51 },
    { name: '   ' },
    { name: 'a'.repeat(33) },
    { steps: '1200' },
    { steps: 1_000 },
  ]) {
    assert.ok(!digitalAvatarInput.safeParse({ ...INPUT, ...bad }).success, JSON.stringify(bad));
  }
});
