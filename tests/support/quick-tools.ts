import { type FfmpegTools, locateFfmpeg } from '../../src/media/ffmpeg.ts';

let found: Promise<FfmpegTools> | undefined;

/**
 * The copies of ffmpeg that npm installed, for tests of something else: they are linked statically and start
 * in a thirtieth of the time of a system's. What differs between copies is seen in tests/media.
 */
export function quickTools(): Promise<FfmpegTools> {
  found ??= locateFfmpeg({ systemPath: '' });
  return found;
}
