import type { FfmpegTools } from '../../src/media/ffmpeg.ts';
import { createVideo, type Video } from '../../src/media/video.ts';
import type { VideoInfo } from '../../src/media/video-info.ts';
import { rememberFiles, rememberResults } from './remembered.ts';

/** For tests of something else: what was done to files with the same bytes before is not done again. */
export function createQuickVideo(tools: FfmpegTools): Video {
  const video = createVideo(tools);
  const probed = rememberResults<VideoInfo>();
  const checked = rememberResults<VideoInfo>();
  const stitched = rememberFiles<VideoInfo>();
  const dissolved = rememberFiles<VideoInfo>();
  const thumbnails = rememberFiles<void>();
  return {
    ...video,
    probe: (path, signal) => probed({ inputs: [path], work: () => video.probe(path, signal) }),
    check: (path, signal) => checked({ inputs: [path], work: () => video.check(path, signal) }),
    stitch(job) {
      const { clips, output, loop: how } = job;
      const inputs = clips.map(({ path }) => path);
      return stitched({ inputs, output, how, work: () => video.stitch(job) });
    },
    dissolve(job) {
      const { from, to, output, signal: _, ...how } = job;
      return dissolved({ inputs: [from, to], output, how, work: () => video.dissolve(job) });
    },
    makeThumbnail(job) {
      const { input, output } = job;
      return thumbnails({ inputs: [input], output, work: () => video.makeThumbnail(job) });
    },
  };
}
