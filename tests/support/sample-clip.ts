import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * A real clip: a test pattern of 320x180 at 24 fps, H.264 in yuv420p. Made once for each length.
 * @param ffmpegPath the program that makes it.
 */
export function createSampleClips(ffmpegPath: string): (seconds: number) => Promise<Buffer> {
  const clips = new Map<number, Promise<Buffer>>();
  return (seconds) => {
    const clip = clips.get(seconds) ?? makeClip(ffmpegPath, seconds);
    clips.set(seconds, clip);
    return clip;
  };
}

async function makeClip(ffmpegPath: string, seconds: number): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'sample-clip-'));
  try {
    const path = join(folder, 'clip.mp4');
    const source = `testsrc=size=320x180:rate=24:duration=${seconds}`;
    const encoding = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p'];
    await run(ffmpegPath, ['-v', 'error', '-f', 'lavfi', '-i', source, ...encoding, path]);
    return await readFile(path);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
