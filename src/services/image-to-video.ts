import { z } from 'zod';
import { CLIP_MODELS, clipOptions, clipUsd, requireClipModel } from './clip-models.ts';
import { personText } from './person-text.ts';
import type { Service } from './service.ts';
import { soldStep } from './sold-step.ts';
import { requireFile } from './step-files.ts';

const MODELS = CLIP_MODELS.filter(({ imageField }) => imageField !== undefined);

/** What a person chooses for a video from a photo. */
export const imageToVideoInput = z.object({
  model: z.enum(MODELS.map(({ key }) => key)),
  photoCount: z.literal(1),
  prompt: personText(3, 1_000),
});
export type ImageToVideoInput = z.infer<typeof imageToVideoInput>;

/** A photo comes to life. */
export const imageToVideo: Service<ImageToVideoInput> = {
  id: 'image_to_video',
  group: 'video',
  input: imageToVideoInput,
  questions: [
    { kind: 'choice', field: 'model', options: (terms) => clipOptions(MODELS, terms) },
    { kind: 'photos', field: 'photoCount', min: 1, max: 1, form: 'upright' },
    { kind: 'text', field: 'prompt', minLength: 3, maxLength: 1_000 },
  ],
  models: MODELS,
  finish: 'video',
  again: ['prompt', 'model'],

  model(input, { isOffered }) {
    const { id } = requireClipModel(input.model);
    return isOffered(id) ? id : undefined;
  },

  plan(input, { tariff }) {
    const model = requireClipModel(input.model);
    return [soldStep(clipUsd(model), tariff, { photos: [0], seconds: model.seconds })];
  },

  request({ model: key, prompt }, { photos }) {
    const { id, fixed, imageField = 'image' } = requireClipModel(key);
    return {
      model: id,
      input: { ...fixed, prompt },
      files: { [imageField]: requireFile(photos[0], 'photo') },
    };
  },

  examples: () =>
    MODELS.map(({ key }) => ({
      model: key,
      photoCount: 1,
      prompt: 'The wind moves the hair and the leaves, the camera comes slowly closer.',
    })),

  figures: ({ model }) => ({ seconds: requireClipModel(model).seconds }),
};
