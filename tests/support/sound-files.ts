import { join } from 'node:path';
import { type FfmpegTools, runFfmpeg } from '../../src/media/ffmpeg.ts';

export interface SoundOptions {
  readonly seconds?: number;
  /** A moving picture goes with it. */
  readonly picture?: boolean;
  /** No sound at all. */
  readonly mute?: boolean;
  /** Output options such as `-c:a libopus`. */
  readonly options?: readonly string[];
}

/** A tone in a file of the given name, whose extension says of which kind; returns its path. */
export async function makeSound(
  tools: FfmpegTools,
  directory: string,
  name: string,
  { seconds = 2, picture, mute, options = [] }: SoundOptions = {},
): Promise<string> {
  const output = join(directory, name);
  const lavfi = (source: string) => ({ source, options: ['-f', 'lavfi'] });
  const inputs = [
    ...(mute ? [] : [lavfi('sine=frequency=330:sample_rate=48000')]),
    ...(picture ? [lavfi('testsrc=size=160x120:rate=12')] : []),
  ];
  await runFfmpeg(
    tools,
    { inputs, options: ['-t', `${seconds}`, ...options], output },
    { timeoutMs: 60_000 },
  );
  return output;
}
