import { z } from 'zod';
import { GENDERS, genderPhrase } from '../domain/gender.ts';
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
import type { Service, StepRequest, Terms } from './service.ts';
import { soldStep } from './sold-step.ts';
import { requireFile } from './step-files.ts';

interface ReferenceModel extends Model {
  readonly usdPerPicture: number;
}

/** The best first: what is offered of them is taken. */
const FLUX: ReferenceModel = {
  id: 'bfl/flux-2-pro',
  provider: 'bfl',
  usdPerPicture: 0.14,
  typicalSeconds: 20,
  priceCheckedAt: '2026-11-22',
};
const NANO_BANANA: ReferenceModel = {
  id: 'google/nano-banana',
  usdPerPicture: 0.039,
  typicalSeconds: 15,
  priceCheckedAt: '2026-10-09',
};
const MODELS = [FLUX, NANO_BANANA] as const;

/** What a person chooses for pictures after one photo. */
export const neuroPhotoV2Input = z.object({
  gender: z.enum(GENDERS),
  photoCount: z.literal(1),
  prompt: personText(3, 1_000),
  size: pictureSize,
  count: pictureCount,
});
export type NeuroPhotoV2Input = z.infer<typeof neuroPhotoV2Input>;

/** Pictures of the person on one photo, without a training. */
export const neuroPhotoV2: Service<NeuroPhotoV2Input> = {
  id: 'neuro_photo_v2',
  group: 'photo',
  input: neuroPhotoV2Input,
  questions: [
    { kind: 'gender', field: 'gender', always: false },
    { kind: 'photos', field: 'photoCount', min: 1, max: 1, form: 'upright', faces: 'one' },
    { kind: 'text', field: 'prompt', minLength: 3, maxLength: 1_000, presets: PORTRAIT_PRESETS },
    { kind: 'choice', field: 'size', options: sizeOptions },
    {
      kind: 'choice',
      field: 'count',
      options(terms) {
        const model = bestOffered(terms);
        return model ? countOptions(model.usdPerPicture, terms.tariff) : [];
      },
    },
  ],
  models: MODELS,
  finish: 'images',
  again: ['prompt', 'size', 'count'],

  model: (_input, terms) => bestOffered(terms)?.id,

  plan: ({ count }, { tariff }, modelId) =>
    Array.from({ length: Number(count) }, () =>
      soldStep(requireModel(modelId).usdPerPicture, tariff, { photos: [0] }),
    ),

  request(input, { model, position, photos, seed = position + 1 }) {
    const photo = requireFile(photos[0], 'photo');
    const prompt = promptOf(input);
    const shape = shapeOf(input.size);
    return requireModel(model) === FLUX
      ? askFlux({ prompt, width: shape.width, height: shape.height, seed }, photo)
      : // It takes no seed; line breaks at the end tell the pictures of one order apart, and nothing else.
        askNanoBanana({ prompt: prompt + '\n'.repeat(position), aspect_ratio: shape.ratio }, photo);
  },

  examples: () => [
    {
      gender: 'unset',
      photoCount: 1,
      prompt: PORTRAIT_PRESETS[0].text,
      size: '3x4',
      count: '1',
    },
  ],

  figures: ({ count }) => ({ count: Number(count) }),
};

/** https://docs.bfl.ai/api-reference/models/generate-or-edit-an-image-with-flux2-[pro] */
function askFlux(input: StepRequest['input'], photo: string): StepRequest {
  return {
    model: FLUX.id,
    input: { ...input, output_format: 'jpeg', safety_tolerance: 2 },
    files: { input_image: photo },
  };
}

function askNanoBanana(input: StepRequest['input'], photo: string): StepRequest {
  return {
    model: NANO_BANANA.id,
    input: { ...input, output_format: 'jpg' },
    files: { image_input: [photo] },
  };
}

function promptOf({ gender, prompt }: NeuroPhotoV2Input): string {
  return `A new picture of the person in the photo (${genderPhrase(gender)}), with the same face. ${prompt}`;
}

function bestOffered({ isOffered }: Terms): ReferenceModel | undefined {
  return MODELS.find(({ id }) => isOffered(id));
}

function requireModel(modelId: string): ReferenceModel {
  const model = MODELS.find(({ id }) => id === modelId);
  if (!model) throw new Error(`${modelId} makes no pictures after a photo`);
  return model;
}
