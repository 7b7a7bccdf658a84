import { z } from 'zod';
import { GENDERS, genderPhrase } from '../domain/gender.ts';
import { priceStars } from '../domain/stars.ts';
import type { Model } from './model.ts';
import { personLine } from './person-text.ts';
import type { Service } from './service.ts';
import { soldStep } from './sold-step.ts';
import { requireFile } from './step-files.ts';

/** One for all: each avatar is a version of its own. */
const TRIGGER_WORD = 'TOK';

/** The trainer takes up to 6,000; more than 4,000 only repeats the photos. */
const trainingSteps = z.enum(['1000', '1500', '2000', '2500', '3000', '3500', '4000']);

const USD_PER_STEP = 0.00235;

const TRAINER: Model = {
  id: 'ostris/flux-dev-lora-trainer:e440909d3512c31646ee2e0c7d6f6f4923224863a6a10c494606e79fb5844497',
  typicalSeconds: 30 * 60,
  // Trainings wait for a free machine for hours at times.
  patience: 16,
  priceCheckedAt: '2026-11-22',
};

/** What a person chooses for an avatar. */
export const digitalAvatarInput = z.object({
  gender: z.enum(GENDERS),
  photoCount: z.number().int().min(10).max(50),
  name: personLine(1, 32),
  steps: trainingSteps,
});
export type DigitalAvatarInput = z.infer<typeof digitalAvatarInput>;

/** Photos of one person become a private model that paints them. */
export const digitalAvatar: Service<DigitalAvatarInput> = {
  id: 'digital_avatar_body',
  group: 'photo',
  input: digitalAvatarInput,
  questions: [
    // Often it is somebody else's avatar.
    { kind: 'gender', field: 'gender', always: true },
    { kind: 'photos', field: 'photoCount', min: 10, max: 50, form: 'archive', faces: 'one' },
    { kind: 'text', field: 'name', minLength: 1, maxLength: 32 },
    {
      kind: 'choice',
      field: 'steps',
      options: ({ tariff }) =>
        trainingSteps.options.map((value) => ({
          value,
          label: value,
          price: priceStars(Number(value) * USD_PER_STEP, tariff),
        })),
    },
  ],
  models: [TRAINER],
  finish: 'trained_model',
  triggerWord: TRIGGER_WORD,
  again: ['steps'],

  model: (_input, { isOffered }) => (isOffered(TRAINER.id) ? TRAINER.id : undefined),

  plan: ({ photoCount, steps }, { tariff }) => [
    soldStep(Number(steps) * USD_PER_STEP, tariff, {
      photos: Array.from({ length: photoCount }, (_, position) => position),
    }),
  ],

  request: ({ gender, steps }, { model, archive }) => ({
    model,
    input: {
      trigger_word: TRIGGER_WORD,
      steps: Number(steps),
      lora_rank: 32,
      batch_size: 1,
      resolution: '512,768,1024',
      autocaption: true,
      autocaption_prefix: `a photo of ${TRIGGER_WORD}, ${genderPhrase(gender)}, `,
    },
    files: { input_images: requireFile(archive, 'archive') },
  }),

  examples: () => [{ gender: 'unset', photoCount: 10, name: 'Alex', steps: '1000' }],

  figures: ({ photoCount }) => ({ count: photoCount }),
};
