import { z } from 'zod';
import {
  CLIP_MODELS,
  CLIP_RATIOS,
  type ClipModel,
  clipOptions,
  clipUsd,
  findClipModel,
  requireClipModel,
} from './clip-models.ts';
import { personText } from './person-text.ts';
import type { Service } from './service.ts';
import { soldStep } from './sold-step.ts';

const MODELS = CLIP_MODELS.filter(({ ratios }) => ratios !== undefined);

/** What a person chooses for a video from words. */
export const textToVideoInput = z
  .object({
    model: z.enum(MODELS.map(({ key }) => key)),
    ratio: z.enum(['16x9', '9x16', '1x1']),
    prompt: personText(3, 1_000),
  })
  .refine(({ model, ratio }) => makes(findClipModel(model), ratio), {
    path: ['ratio'],
    message: 'This model does not make this ratio',
  });
export type TextToVideoInput = z.infer<typeof textToVideoInput>;

/** Words become a video. */
export const textToVideo: Service<TextToVideoInput> = {
  id: 'text_to_video',
  group: 'video',
  input: textToVideoInput,
  questions: [
    {
      kind: 'choice',
      field: 'model',
      // Chosen anew for an order that has a ratio, it is one that makes it.
      options: (terms, { ratio }) =>
        clipOptions(
          MODELS.filter((model) => ratio === undefined || makes(model, ratio)),
          terms,
        ),
    },
    {
      kind: 'choice',
      field: 'ratio',
      options: (_terms, { model }) =>
        (findClipModel(String(model))?.ratios ?? []).map((value) => ({
          value,
          label: CLIP_RATIOS[value],
        })),
    },
    { kind: 'text', field: 'prompt', minLength: 3, maxLength: 1_000 },
  ],
  models: MODELS,
  finish: 'video',
  again: ['prompt', 'model', 'ratio'],

  model(input, { isOffered }) {
    const { id } = requireClipModel(input.model);
    return isOffered(id) ? id : undefined;
  },

  plan(input, { tariff }) {
    const model = requireClipModel(input.model);
    return [soldStep(clipUsd(model), tariff, { seconds: model.seconds })];
  },

  request({ model: key, ratio, prompt }) {
    const model = requireClipModel(key);
    return {
      model: model.id,
      input: { ...model.fixed, prompt, aspect_ratio: CLIP_RATIOS[ratio] },
      files: {},
    };
  },

  examples: () =>
    MODELS.map(({ key }) => ({
      model: key,
      ratio: '16x9',
      prompt: 'A paper boat sails down a rainy street, close to the water, slow motion.',
    })),

  figures: ({ model }) => ({ seconds: requireClipModel(model).seconds }),
};

function makes(model: ClipModel | undefined, ratio: unknown): boolean {
  return model?.ratios?.some((made) => made === ratio) ?? false;
}
