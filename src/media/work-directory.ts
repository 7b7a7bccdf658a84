import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FfmpegError } from './ffmpeg.ts';
import { isDiskFull } from './storage.ts';

/**
 * A directory beside the output, on the same disk so that a finished file is moved by renaming; removed when
 * the work is done.
 */
export async function withWorkDirectory<T>(
  parent: string,
  work: (directory: string) => Promise<T>,
): Promise<T> {
  const directory = join(parent, `.work-${randomUUID()}`);
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    return await work(directory);
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    throw new FfmpegError('disk_full', 'No space left for the video');
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
