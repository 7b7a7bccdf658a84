import type { FfmpegTools } from '../../src/media/ffmpeg.ts';
import type { Morpher } from '../../src/media/morpher/morpher.ts';
import { createQuickVideo } from './quick-video.ts';

/** Whole seconds are whole numbers of frames. */
const FPS = 6;

/** Stands in for the local engine, which takes seconds to load: fades pictures in few frames, and sees no faces. */
export function createQuickMorpher({ tools }: { readonly tools: FfmpegTools }): Morpher {
  const video = createQuickVideo(tools);
  return {
    morph: async (job) => ({ info: await video.dissolve({ ...job, fps: FPS }), method: 'fade' }),
    findFaces: async () => undefined,
    stop: async () => undefined,
  };
}
