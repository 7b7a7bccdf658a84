import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { GENDERS, type Gender } from '../../src/domain/gender.ts';
import {
  type NeuroPhotoInput,
  neuroPhoto,
  neuroPhotoInput,
} from '../../src/services/neuro-photo.ts';
import { CLOSED, materialOf, optionsOf, TERMS } from './terms.ts';

const VERSION = 'somebody/avatars:abc123';
const INPUT: NeuroPhotoInput = {
  avatar: { id: 7, name: 'Anna', model: VERSION, triggerWord: 'TOK', gender: 'female' },
  gender: 'female',
  prompt: 'reading in a garden',
  size: '9x16',
  count: '3',
};

test("it is rendered by the avatar's own version, one picture a step", () => {
  const model = neuroPhoto.model(INPUT, TERMS);
  assert.equal(model, 'morphogram/avatar');
  assert.ok(
    neuroPhoto.models.some(({ id }) => id === model),
    'prices and times have an entry',
  );
  assert.equal(neuroPhoto.plan(INPUT, TERMS, model).length, 3);
  assert.equal(neuroPhoto.model(INPUT, CLOSED), undefined);
  assert.deepEqual(neuroPhoto.request(INPUT, materialOf(model, { photos: [] })), {
    model: VERSION,
    input: {
      model: 'dev',
      prompt: 'TOK, beautiful woman, feminine features. reading in a garden',
      aspect_ratio: '9:16',
      num_outputs: 1,
      num_inference_steps: 28,
      guidance_scale: 3,
      lora_scale: 1,
      output_format: 'jpg',
      output_quality: 95,
      seed: 1,
    },
    files: {},
  });
});

test('no two steps of an order send the same, and a seed of their own is kept', () => {
  const seeds = [0, 1, 2].map((position) => inputOf(INPUT, { position })['seed']);
  assert.equal(new Set(seeds).size, 3);
  assert.equal(inputOf(INPUT, { position: 1, seed: 4_711 })['seed'], 4_711);
});

test("the prompt is the trigger word, the gender and the person's own words, and nothing else", () => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 3, maxLength: 50 }),
      fc.constantFrom(...GENDERS),
      (text, gender) => {
        const prompt = `abc${text}`;
        const sent = promptOf({ ...INPUT, gender, avatar: { ...INPUT.avatar, gender }, prompt });
        const [head = '', words] = [sent.slice(0, -prompt.length), sent.slice(-prompt.length)];
        assert.equal(words, prompt);
        assert.match(
          head,
          /^TOK, (handsome man, masculine features|beautiful woman, feminine features|person)\. $/,
        );
      },
    ),
  );
});

test('a man is never rendered as a woman: this order says who it is, else the avatar does', () => {
  const phrase = (gender: Gender, avatar: Gender) =>
    promptOf({ ...INPUT, gender, avatar: { ...INPUT.avatar, gender: avatar } });
  for (const avatar of GENDERS) {
    assert.match(phrase('male', avatar), /handsome man/);
    assert.doesNotMatch(phrase('male', avatar), /woman|feminine/);
    assert.match(phrase('female', avatar), /beautiful woman/);
  }
  assert.match(phrase('unset', 'male'), /handsome man, masculine features/);
  assert.doesNotMatch(phrase('unset', 'male'), /woman/);
  assert.match(phrase('unset', 'unset'), /TOK, person\./);
});

test('every shape and every number can be chosen', () => {
  assert.deepEqual(
    optionsOf(neuroPhoto, 'size').map(({ label }) => label),
    ['1:1', '3:4', '4:3', '9:16', '16:9', '2:3', '3:2'],
  );
  for (const { value, label } of optionsOf(neuroPhoto, 'size')) {
    const parsed = neuroPhotoInput.parse({ ...INPUT, size: value });
    assert.equal(inputOf(parsed)['aspect_ratio'], label);
  }
  assert.deepEqual(
    optionsOf(neuroPhoto, 'count').map(({ value }) => value),
    ['1', '2', '3', '4'],
  );
});

test('what a person chooses is validated', () => {
  const { gender: _, ...withoutGender } = INPUT;
  assert.equal(neuroPhotoInput.parse(withoutGender).gender, 'unset');
  for (const bad of [
    { prompt: ' ab ' },
    { prompt: 'a'.repeat(1_001) },
    { size: '21x9' },
    { count: '5' },
    { count: 2 },
    { avatar: { ...INPUT.avatar, model: 'somebody/avatars' } },
  ]) {
    assert.ok(!neuroPhotoInput.safeParse({ ...INPUT, ...bad }).success, JSON.stringify(bad));
  }
});

function inputOf(input: NeuroPhotoInput, given: { position?: number; seed?: number } = {}) {
  return neuroPhoto.request(input, materialOf('morphogram/avatar', given)).input;
}

function promptOf(input: NeuroPhotoInput): string {
  return String(inputOf(input)['prompt']);
}
