import { z } from 'zod';
import { countCharacters } from '../domain/text-parts.ts';
import type { Model } from './model.ts';
import { personText } from './person-text.ts';
import type { Service } from './service.ts';
import { soldStep } from './sold-step.ts';

const USD_PER_THOUSAND = 0.12;
const MAX_LENGTH = 10_000;

const MINIMAX: Model = {
  id: 'minimax/speech-02-hd',
  typicalSeconds: 30,
  priceCheckedAt: '2026-11-22',
};

const voice = z.enum([
  'ru_man',
  'ru_woman',
  'ru_young_man',
  'ru_firm_woman',
  'en_man',
  'en_woman',
  'en_storyteller',
  'en_calm_woman',
]);

/** MiniMax's names of our voices: https://platform.minimax.io/docs/faq/system-voice-id */
const VOICE_IDS: Readonly<Record<z.infer<typeof voice>, string>> = {
  ru_man: 'Russian_ReliableMan',
  ru_woman: 'Russian_BrightHeroine',
  ru_young_man: 'Russian_AttractiveGuy',
  ru_firm_woman: 'Russian_AmbitiousWoman',
  en_man: 'English_Trustworth_Man',
  en_woman: 'English_Graceful_Lady',
  en_storyteller: 'English_CaptivatingStoryteller',
  en_calm_woman: 'English_CalmWoman',
};

/** What a person wants to hear, and in whose voice. */
export const textToSpeechInput = z.object({ text: personText(1, MAX_LENGTH), voice });
export type TextToSpeechInput = z.infer<typeof textToSpeechInput>;

/** A text is read aloud. */
export const textToSpeech: Service<TextToSpeechInput> = {
  id: 'text_to_speech',
  group: 'voice',
  input: textToSpeechInput,
  questions: [
    { kind: 'text', field: 'text', minLength: 1, maxLength: MAX_LENGTH, long: true },
    { kind: 'choice', field: 'voice', options: () => voice.options.map((value) => ({ value })) },
  ],
  models: [MINIMAX],
  finish: 'speech',
  again: ['text', 'voice'],

  model: (_input, { isOffered }) => (isOffered(MINIMAX.id) ? MINIMAX.id : undefined),

  plan: (input, { tariff }) => [
    soldStep(Math.ceil(countCharacters(input.text) / 1_000) * USD_PER_THOUSAND, tariff),
  ],

  request: (input, { model }) => ({
    model,
    input: {
      // As it is counted; and "<#2#>" would be read as a pause of two seconds.
      text: input.text.normalize('NFC').replaceAll('<#', '< #'),
      voice_id: VOICE_IDS[input.voice],
      language_boost: 'Automatic',
      audio_format: 'mp3',
    },
    files: {},
  }),

  examples: () => [{ text: 'Привет! Это голос, которым я читаю ваш текст.', voice: 'ru_man' }],

  figures: ({ text }) => ({ count: countCharacters(text) }),
};
