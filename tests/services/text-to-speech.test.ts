import assert from 'node:assert/strict';
import { test } from 'node:test';
import { textToSpeech, textToSpeechInput } from '../../src/services/text-to-speech.ts';
import { CLOSED, materialOf, optionsOf, priceOf, TERMS } from './terms.ts';

const MINIMAX = 'minimax/speech-02-hd';

test('the text is read in the chosen voice, as an MP3', () => {
  const input = textToSpeechInput.parse({ text: '  Добрый вечер! ', voice: 'ru_woman' });
  assert.equal(textToSpeech.model(input, TERMS), MINIMAX);
  assert.equal(textToSpeech.model(input, CLOSED), undefined);
  assert.deepEqual(textToSpeech.request(input, materialOf(MINIMAX)), {
    model: MINIMAX,
    input: {
      text: 'Добрый вечер!',
      voice_id: 'Russian_BrightHeroine',
      language_boost: 'Automatic',
      audio_format: 'mp3',
    },
    files: {},
  });
});

test('there are Russian and English voices, each of its own', () => {
  const voices = optionsOf(textToSpeech, 'voice').map(({ value }) => {
    const input = textToSpeechInput.parse({ text: 'a', voice: value });
    return [value, String(textToSpeech.request(input, materialOf(MINIMAX)).input['voice_id'])];
  });
  assert.equal(new Set(voices.map(([, id]) => id)).size, voices.length);
  for (const [value = '', id = ''] of voices) {
    assert.match(id, value.startsWith('ru_') ? /^Russian_/ : /^English_/);
  }
  for (const language of ['ru_', 'en_']) {
    assert.equal(voices.filter(([value]) => value?.startsWith(language)).length, 4);
  }
});

test('what looks like a mark of the model is read as it is written', () => {
  const input = textToSpeechInput.parse({ text: 'one <#99.99#> two', voice: 'en_man' });
  const { text } = textToSpeech.request(input, materialOf(MINIMAX)).input;
  assert.equal(text, 'one < #99.99#> two');
});

test('an accented letter is one character, counted and sent, however it was typed', () => {
  const text = 'и\u0306'.repeat(1_000);
  const input = textToSpeechInput.parse({ text, voice: 'ru_man' });
  assert.equal(priceOf(textToSpeech, input), 1_125);
  assert.deepEqual(textToSpeech.figures?.(input), { count: 1_000 });
  const sent = textToSpeech.request(input, materialOf(MINIMAX)).input['text'];
  assert.equal(sent, 'й'.repeat(1_000));
});

test('what a person writes is validated', () => {
  assert.ok(textToSpeechInput.safeParse({ text: 'a'.repeat(10_000), voice: 'en_man' }).success);
  for (const bad of [
    { text: '', voice: 'en_man' },
    { text: ' \n ', voice: 'en_man' },
    { text: 'a'.repeat(10_001), voice: 'en_man' },
    { text: 'a', voice: 'Wise_Woman' },
  ]) {
    assert.ok(!textToSpeechInput.safeParse(bad).success);
  }
});
