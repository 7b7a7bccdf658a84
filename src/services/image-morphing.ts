import { z } from 'zod';
import type { Canvas } from '../domain/canvas.ts';
import { GENDERS, genderPhrase } from '../domain/gender.ts';
import { MORPH_MODES, planTransitions } from '../domain/morph-plan.ts';
import type { Service } from './service.ts';
import { soldStep } from './sold-step.ts';
import { requireFile } from './step-files.ts';
import { findVideoModel, LOCAL_MODEL, VIDEO_MODELS, type VideoModel } from './video-models.ts';

/** What a person chooses for a morph. */
export const morphInput = z.object({
  photoCount: z.number().int().min(2),
  mode: z.enum(MORPH_MODES),
  gender: z.enum(GENDERS),
});
export type MorphInput = z.infer<typeof morphInput>;

/** Photos become one video: a transition between each two neighbours, stitched without a seam. */
export const imageMorphing: Service<MorphInput> = {
  id: 'image_morphing',
  group: 'video',
  input: morphInput,
  questions: [
    { kind: 'gender', field: 'gender', always: false },
    {
      kind: 'photos',
      field: 'photoCount',
      min: 2,
      max: 'all',
      form: 'canvas',
      faces: 'one',
      shapes: ({ morphModel }) => requireModel(morphModel).shapes,
    },
  ],
  modes: MORPH_MODES,
  models: [...VIDEO_MODELS, LOCAL_MODEL],
  finish: 'stitched_video',
  again: [],

  model: (_input, { morphModel, isOffered }) => (isOffered(morphModel) ? morphModel : undefined),

  plan({ photoCount, mode }, { tariff }, modelId) {
    const model = requireModel(modelId);
    const usd = model.seconds * model.usdPerSecond;
    return planTransitions(photoCount, mode).map(({ from, to }) =>
      soldStep(usd, tariff, { photos: [from, to], seconds: model.seconds }),
    );
  },

  request({ gender }, { photos: [first, last], canvas, model: modelId }) {
    const model = requireModel(modelId);
    return {
      model: model.id,
      input: {
        ...model.fixed,
        ...(model.ratioField && canvas ? { [model.ratioField]: ratioOf(canvas) } : {}),
        prompt: `Smooth morphing transition between two images, ${genderPhrase(gender)}`,
      },
      files: {
        [model.firstFrame]: requireFile(first, 'first photo'),
        [model.lastFrame]: requireFile(last, 'second photo'),
      },
    };
  },

  examples: () => [{ photoCount: 2, mode: 'seamless', gender: 'unset' }],

  figures: ({ photoCount }) => ({ count: photoCount }),
};

function requireModel(id: string): VideoModel {
  const model = findVideoModel(id);
  if (!model) throw new Error(`${id} is not in the catalogue of video models`);
  return model;
}

function ratioOf(canvas: Canvas): string {
  if (canvas.width === canvas.height) return '1:1';
  return canvas.width > canvas.height ? '16:9' : '9:16';
}
