import { constants } from 'node:fs';
import { access, chmod, copyFile, lstat, mkdir, rename, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';

const RUNNABLE_MODE = 0o755;

/**
 * A path under which `file` can be run: the file itself, made executable if its bit was lost, or a
 * copy of it. The npm packages that carry ffprobe ship it as 0644 and count on an install script,
 * which `--ignore-scripts` skips and which helps only the user who ran the installation.
 *
 * The copy lives in `copyDirectory` and is made once for each version of the file.
 * @throws Error when the file is absent or the directory is not ours alone.
 */
export async function ensureExecutable(file: string, copyDirectory: string): Promise<string> {
  if (await isExecutable(file)) return file;
  const source = await stat(file);
  try {
    await chmod(file, RUNNABLE_MODE);
    if (await isExecutable(file)) return file;
  } catch {
    // Another user's file or a read-only disk: the copy below is ours.
  }
  await claimDirectory(copyDirectory);
  const copy = join(
    copyDirectory,
    `${source.size}-${Math.round(source.mtimeMs)}-${basename(file)}`,
  );
  if (await isExecutable(copy)) return copy;
  const unfinished = `${copy}.${process.pid}`;
  await copyFile(file, unfinished);
  await chmod(unfinished, RUNNABLE_MODE);
  await rename(unfinished, copy);
  return copy;
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** In a shared /tmp anyone could put a program of theirs where we are about to look for ours. */
async function claimDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const found = await lstat(directory);
  const ours = process.getuid === undefined || found.uid === process.getuid();
  if (!found.isDirectory() || !ours || (found.mode & 0o022) !== 0) {
    throw new Error('The directory for copies of programs is open to other users');
  }
}
