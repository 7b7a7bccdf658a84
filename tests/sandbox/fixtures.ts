import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ffmpeg from '@ffmpeg-installer/ffmpeg';
import sharp from 'sharp';

const run = promisify(execFile);

/** A one-coloured image. */
export async function createImage(
  width: number,
  height: number,
  format: 'jpeg' | 'png' | 'webp' | 'gif' = 'jpeg',
): Promise<Buffer> {
  const create = { width, height, channels: 3 as const, background: '#a33' };
  return sharp({ create }).toFormat(format).toBuffer();
}

/** A video of two seconds, 64x48, with or without a sound track. */
export async function createVideo({ sound }: { sound: boolean }): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'sandbox-video-'));
  try {
    const path = join(folder, 'video.mp4');
    const picture = ['-f', 'lavfi', '-i', 'color=c=red:s=64x48:d=2:r=5'];
    const tone = sound ? ['-f', 'lavfi', '-i', 'sine=d=2'] : [];
    await run(ffmpeg.path, [
      '-loglevel',
      'error',
      ...picture,
      ...tone,
      '-pix_fmt',
      'yuv420p',
      path,
    ]);
    return await readFile(path);
  } finally {
    await rm(folder, { recursive: true });
  }
}
