import { z } from 'zod';
import type { Model } from './model.ts';
import type { Service, StepRequest, Terms } from './service.ts';
import { soldStep } from './sold-step.ts';
import { requireFile } from './step-files.ts';

const USD_PER_MINUTE = 0.006;
const MAX_SECONDS = 60 * 60;

/**
 * It refuses recordings above 1,400 seconds, and writes 2,000 tokens at the most: some seven minutes of Russian.
 * Up to five minutes nothing is lost.
 */
const GPT: Model = {
  id: 'openai/gpt-4o-transcribe',
  typicalSeconds: 15,
  priceCheckedAt: '2026-11-22',
};
const GPT_MAX_SECONDS = 5 * 60;

/** Reads any length, window by window. */
const WHISPER: Model = {
  id: 'openai/whisper:8099696689d249cf8b122d833c36ac3f75505c666a395ca40ef26f68e7d3d16e',
  typicalSeconds: 180,
  patience: 2,
  priceCheckedAt: '2026-11-22',
};

/** What a person sends to be written down. */
export const voiceToTextInput = z.object({
  seconds: z.number().positive().max(MAX_SECONDS),
});
export type VoiceToTextInput = z.infer<typeof voiceToTextInput>;

/** A recording becomes text, in its own language. */
export const voiceToText: Service<VoiceToTextInput> = {
  id: 'voice_to_text',
  group: 'voice',
  input: voiceToTextInput,
  questions: [{ kind: 'recording', field: 'seconds', maxSeconds: MAX_SECONDS }],
  models: [GPT, WHISPER],
  finish: 'text',
  again: [],

  model: (input, terms) => modelFor(input, terms)?.id,

  plan: (input, { tariff }) => [soldStep(minutesOf(input) * USD_PER_MINUTE, tariff)],

  request: (_input, { model, recording }) => ask(model, requireFile(recording, 'recording')),

  examples: () => [{ seconds: 60 }, { seconds: GPT_MAX_SECONDS + 1 }],

  figures: (input) => ({ minutes: minutesOf(input) }),
};

/** Started minutes. */
function minutesOf({ seconds }: VoiceToTextInput): number {
  return Math.ceil(seconds / 60);
}

function modelFor({ seconds }: VoiceToTextInput, { isOffered }: Terms): Model | undefined {
  const able = seconds <= GPT_MAX_SECONDS ? [GPT, WHISPER] : [WHISPER];
  return able.find(({ id }) => isOffered(id));
}

function ask(model: string, recording: string): StepRequest {
  return model === GPT.id
    ? { model, input: { temperature: 0 }, files: { audio_file: recording } }
    : {
        model,
        input: { transcription: 'plain text', language: 'auto', translate: false },
        files: { audio: recording },
      };
}
