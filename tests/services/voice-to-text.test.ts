import assert from 'node:assert/strict';
import { test } from 'node:test';
import { voiceToText, voiceToTextInput } from '../../src/services/voice-to-text.ts';
import { CLOSED, materialOf, TERMS, termsWithout } from './terms.ts';

const GPT = 'openai/gpt-4o-transcribe';
const WHISPER = 'openai/whisper:8099696689d249cf8b122d833c36ac3f75505c666a395ca40ef26f68e7d3d16e';

test('what the quicker model would cut off is written down by the one without a limit', () => {
  assert.equal(voiceToText.model({ seconds: 300 }, TERMS), GPT);
  assert.equal(voiceToText.model({ seconds: 301 }, TERMS), WHISPER);
  assert.equal(voiceToText.model({ seconds: 10 }, termsWithout(GPT)), WHISPER);
  assert.equal(voiceToText.model({ seconds: 301 }, termsWithout(WHISPER)), undefined);
  assert.equal(voiceToText.model({ seconds: 10 }, CLOSED), undefined);
});

test('each model is given the recording in its own field, and no language: it hears that itself', () => {
  assert.deepEqual(voiceToText.request({ seconds: 10 }, materialOf(GPT)), {
    model: GPT,
    input: { temperature: 0 },
    files: { audio_file: '/files/voice.ogg' },
  });
  assert.deepEqual(voiceToText.request({ seconds: 10 }, materialOf(WHISPER)), {
    model: WHISPER,
    input: { transcription: 'plain text', language: 'auto', translate: false },
    files: { audio: '/files/voice.ogg' },
  });
});

test('a step without its recording is a bug', () => {
  const { recording: _, ...material } = materialOf(GPT);
  assert.throws(() => voiceToText.request({ seconds: 10 }, material), /no recording/);
});

test('a recording has a length, of an hour at the most', () => {
  for (const seconds of [0.5, 60.01, 3_600]) {
    assert.ok(voiceToTextInput.safeParse({ seconds }).success, String(seconds));
  }
  for (const seconds of [0, -1, 3_600.5, Number.NaN, '60']) {
    assert.ok(!voiceToTextInput.safeParse({ seconds }).success, String(seconds));
  }
});
