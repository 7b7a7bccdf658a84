import { z } from 'zod';
import { GENDERS, genderPhrase, resolveGender } from '../domain/gender.ts';
import type { Model } from './model.ts';
import { personText } from './person-text.ts';
import {
  countOptions,
  pictureCount,
  pictureSize,
  shapeOf,
  sizeOptions,
} from './picture-options.ts';
import { PORTRAIT_PRESETS } from './portrait-presets.ts';
import type { Service } from './service.ts';
import { soldStep } from './sold-step.ts';

const USD_PER_PICTURE = 0.08;

/** Stands for every avatar in prices and times; what is sent names the avatar's own version. */
const AVATAR_MODEL: Model = {
  id: 'morphogram/avatar',
  typicalSeconds: 60,
  priceCheckedAt: '2026-11-22',
};

/** What a person chooses for pictures of an avatar. */
export const neuroPhotoInput = z.object({
  avatar: z.object({
    id: z.number().int(),
    name: z.string(),
    model: z.string().regex(/^[\w.-]+\/[\w.-]+:\w+$/),
    triggerWord: z.string().min(1),
    gender: z.enum(GENDERS),
  }),
  gender: z.enum(GENDERS).default('unset'),
  prompt: personText(3, 1_000),
  size: pictureSize,
  count: pictureCount,
});
export type NeuroPhotoInput = z.infer<typeof neuroPhotoInput>;

/** Pictures of a trained avatar, as a prompt describes them. */
export const neuroPhoto: Service<NeuroPhotoInput> = {
  id: 'neuro_photo',
  group: 'photo',
  input: neuroPhotoInput,
  questions: [
    { kind: 'avatar', field: 'avatar' },
    { kind: 'text', field: 'prompt', minLength: 3, maxLength: 1_000, presets: PORTRAIT_PRESETS },
    { kind: 'choice', field: 'size', options: sizeOptions },
    {
      kind: 'choice',
      field: 'count',
      options: ({ tariff }) => countOptions(USD_PER_PICTURE, tariff),
    },
  ],
  models: [AVATAR_MODEL],
  finish: 'images',
  again: ['prompt', 'size', 'count'],

  model: (_input, { isOffered }) => (isOffered(AVATAR_MODEL.id) ? AVATAR_MODEL.id : undefined),

  plan: ({ count }, { tariff }) =>
    Array.from({ length: Number(count) }, () => soldStep(USD_PER_PICTURE, tariff)),

  request({ avatar, gender, prompt, size }, { position, seed = position + 1 }) {
    const person = genderPhrase(resolveGender([gender, avatar.gender]));
    return {
      model: avatar.model,
      input: {
        model: 'dev',
        prompt: `${avatar.triggerWord}, ${person}. ${prompt}`,
        aspect_ratio: shapeOf(size).ratio,
        num_outputs: 1,
        num_inference_steps: 28,
        guidance_scale: 3,
        lora_scale: 1,
        output_format: 'jpg',
        output_quality: 95,
        seed,
      },
      files: {},
    };
  },

  examples: () => [
    {
      avatar: {
        id: 1,
        name: 'Alex',
        model: 'morphogram/avatar:example',
        triggerWord: 'TOK',
        gender: 'unset',
      },
      gender: 'unset',
      prompt: PORTRAIT_PRESETS[0].text,
      size: '3x4',
      count: '1',
    },
  ],

  figures: ({ count }) => ({ count: Number(count) }),
};
