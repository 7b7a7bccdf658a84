import type { FfmpegTools } from '../../src/media/ffmpeg.ts';
import type { Morpher } from '../../src/media/morpher/morpher.ts';
import { createVideo } from '../../src/media/video.ts';

/** Stands in for the local engine, which takes seconds to load: fades pictures, and sees no faces. */
export function createQuickMorpher({ tools }: { readonly tools: FfmpegTools }): Morpher {
  const video = createVideo(tools);
  return {
    morph: async (job) => ({ info: await video.dissolve(job), method: 'fade' }),
    findFaces: async () => undefined,
    stop: async () => undefined,
  };
}
