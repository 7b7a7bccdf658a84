import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { formatStars, NO_STARS, priceStars, stars, sumStars } from '../../src/domain/stars.ts';
import { digitalAvatar } from '../../src/services/digital-avatar.ts';
import { imageMorphing } from '../../src/services/image-morphing.ts';
import { imageToPrompt } from '../../src/services/image-to-prompt.ts';
import { imageToVideo } from '../../src/services/image-to-video.ts';
import { SERVICES } from '../../src/services/index.ts';
import { neuroPhoto } from '../../src/services/neuro-photo.ts';
import { neuroPhotoV2 } from '../../src/services/neuro-photo-v2.ts';
import type { Service, Terms } from '../../src/services/service.ts';
import { textToSpeech } from '../../src/services/text-to-speech.ts';
import { textToVideo } from '../../src/services/text-to-video.ts';
import { voiceToText } from '../../src/services/voice-to-text.ts';
import { optionsOf, priceOf, TERMS, termsWithout } from './terms.ts';

const ALL: readonly Service[] = SERVICES;

const NO_BFL = termsWithout('bfl/flux-2-pro');

describe('the price list at 0.016 USD a star and 1.5 times the cost', () => {
  lists(imageMorphing, [
    [{ photoCount: 2, mode: 'seamless' }, '44.53'],
    [{ photoCount: 12, mode: 'loop' }, '534.36'],
  ]);
  lists(neuroPhoto, [
    [{ count: '1' }, '7.50'],
    [{ count: '2' }, '15.00'],
    [{ count: '3' }, '22.50'],
    [{ count: '4' }, '30.00'],
  ]);
  lists(neuroPhotoV2, [
    [{ count: '1' }, '13.12'],
    [{ count: '2' }, '26.24'],
    [{ count: '3' }, '39.36'],
    [{ count: '4' }, '52.48'],
    [{ count: '1' }, '3.65', NO_BFL],
    [{ count: '4' }, '14.60', NO_BFL],
  ]);
  lists(digitalAvatar, [
    [{ steps: '1000' }, '220.31'],
    [{ steps: '1500' }, '330.46'],
    [{ steps: '2000' }, '440.62'],
    [{ steps: '2500' }, '550.78'],
    [{ steps: '3000' }, '660.93'],
    [{ steps: '3500' }, '771.09'],
    [{ steps: '4000' }, '881.25'],
  ]);
  lists(imageToPrompt, [[{}, '2.81']]);
  lists(imageToVideo, [
    [{ model: 'p-video' }, '9.37'],
    [{ model: 'wan-22-fast' }, '10.31'],
    [{ model: 'kling-21' }, '23.43'],
    [{ model: 'kling-25-turbo' }, '32.81'],
  ]);
  lists(textToVideo, [
    [{ model: 'p-video' }, '9.37'],
    [{ model: 'kling-25-turbo' }, '32.81'],
    [{ model: 'veo-31-lite' }, '37.50'],
    [{ model: 'veo-31-fast' }, '75.00'],
  ]);
  lists(textToSpeech, [
    [{ text: 'a' }, '11.25'],
    [{ text: 'я'.repeat(1_000) }, '11.25'],
    [{ text: 'я'.repeat(1_001) }, '22.50'],
    [{ text: 'a'.repeat(10_000) }, '112.50'],
  ]);
  lists(voiceToText, [
    [{ seconds: 1 }, '0.56'],
    [{ seconds: 60 }, '0.56'],
    [{ seconds: 60.01 }, '1.12'],
    [{ seconds: 61 }, '1.12'],
    [{ seconds: 600 }, '5.62'],
    [{ seconds: 3_600 }, '33.75'],
  ]);
});

test('the menu may say "from" the price of the first example: it is the cheapest', () => {
  for (const service of ALL) {
    const prices = service.examples(TERMS).map((input) => priceOf(service, input) ?? NO_STARS);
    assert.equal(prices[0], Math.min(...prices), service.id);
  }
});

test('the price beside an option is what an order with it costs', () => {
  let shown = 0;
  for (const terms of [TERMS, NO_BFL]) {
    for (const service of ALL) {
      for (const { field, kind } of service.questions) {
        if (kind !== 'choice') continue;
        for (const { value, price } of optionsOf(service, field, terms)) {
          if (price === undefined) continue;
          shown += 1;
          const input = inputOf(service, { [field]: value }, terms);
          assert.equal(price, priceOf(service, input, terms), `${service.id} ${value}`);
        }
      }
    }
  }
  assert.ok(shown > 0);
});

test('speech costs per started thousand characters, writing down per started minute', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 1_000 }), (n, rest) => {
      const text = 'a'.repeat((n - 1) * 1_000 + rest);
      assert.equal(priceOf(textToSpeech, { text, voice: 'en_man' }), 1_125 * n);
    }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 60 }), (n, rest) => {
      const seconds = (n - 1) * 60 + rest;
      assert.equal(priceOf(voiceToText, { seconds }), priceStars(n * 0.006, TERMS.tariff));
    }),
  );
});

test('at any tariff, no step is free, none costs more than it is sold for, and the order is their sum', () => {
  fc.assert(
    fc.property(
      fc.record({
        starUsd: fc.integer({ min: 1, max: 999 }).map((n) => n / 1000),
        markup: fc.integer({ min: 100, max: 500 }).map((n) => n / 100),
      }),
      fc.constantFrom(...ALL),
      (tariff, service) => {
        const terms: Terms = { ...TERMS, tariff };
        for (const input of service.examples(terms)) {
          const model = service.model(input, terms);
          assert.ok(model);
          const steps = service.plan(input, terms, model);
          assert.ok(steps.length > 0);
          for (const { price, cost } of steps) assert.ok(price > 0 && cost >= 0 && cost <= price);
          assert.equal(priceOf(service, input, terms), sumStars(steps.map(({ price }) => price)));
        }
      },
    ),
  );
});

test('an emoji is one character', () => {
  assert.equal(priceOf(textToSpeech, { text: '🙂'.repeat(1_000), voice: 'en_man' }), stars(1_125));
});

function lists<Input extends object>(
  service: Service<Input>,
  rows: readonly (readonly [Partial<Input>, string, Terms?])[],
): void {
  test(service.id, () => {
    const found = rows.map(([choice, , terms = TERMS]) =>
      formatStars(priceOf(service, inputOf(service, choice, terms), terms) ?? NO_STARS),
    );
    assert.deepEqual(
      found,
      rows.map(([, price]) => price),
    );
  });
}

function inputOf<Input>(service: Service<Input>, choice: object, terms: Terms): Input {
  return service.input.parse({ ...service.examples(terms)[0], ...choice });
}
