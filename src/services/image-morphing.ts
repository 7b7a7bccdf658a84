import { z } from 'zod';
import type { Canvas } from '../domain/canvas.ts';
import { GENDERS, genderPhrase } from '../domain/gender.ts';
import { MORPH_MODES, planTransitions } from '../domain/morph-plan.ts';
import { costStars, priceStars } from '../domain/stars.ts';
import type { Service } from './service.ts';

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
  input: morphInput,
  finish: 'stitched_video',

  plan(input, { tariff, model }) {
    const price = priceStars(model.seconds * model.usdPerSecond, tariff);
    const cost = costStars(price, tariff);
    return planTransitions(input.photoCount, input.mode).map(({ from, to }) => ({
      from,
      to,
      seconds: model.seconds,
      price,
      cost,
    }));
  },

  request(input, files, model) {
    return {
      model: model.id,
      input: {
        ...model.fixed,
        ...(model.ratioField ? { [model.ratioField]: ratioOf(files.canvas) } : {}),
        prompt: `Smooth morphing transition between two images, ${genderPhrase(input.gender)}`,
      },
      files: { [model.firstFrame]: files.from, [model.lastFrame]: files.to },
    };
  },
};

function ratioOf(canvas: Canvas): string {
  if (canvas.width === canvas.height) return '1:1';
  return canvas.width > canvas.height ? '16:9' : '9:16';
}
