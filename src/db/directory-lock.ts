import { createHash } from 'node:crypto';
import { realpath, unlink } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The directory is in use by another running process. */
export class DirectoryInUseError extends Error {
  override name = 'DirectoryInUseError' as const;
}

/**
 * Holds a directory for this process; returns the release. PGlite itself does not notice a second
 * process and would lose its writes. The lock is a listening socket: the kernel gives it to exactly
 * one process and takes it back on any death, so there is no stale lock file to judge.
 * On Linux its name is abstract (no file at all); the scope is the network namespace.
 * @throws DirectoryInUseError
 */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  const id = createHash('sha256')
    .update(await realpath(directory))
    .digest('hex')
    .slice(0, 32);
  const server = await listen(socketName(id)).catch(async (error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
    if (process.platform === 'linux' || process.platform === 'win32')
      throw refuse(directory, error);
    return takeOverDeadSocket(socketName(id)).catch((failure: unknown) => {
      throw refuse(directory, failure);
    });
  });
  return () => new Promise((resolve) => server.close(() => resolve()));
}

function socketName(id: string): string {
  if (process.platform === 'linux') return `\0morphogram:${id}`;
  if (process.platform === 'win32') return `\\\\.\\pipe\\morphogram-${id}`;
  return join(tmpdir(), `morphogram-${id}.sock`);
}

function listen(name: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.on('error', () => undefined).destroy());
    server.once('error', reject);
    server.listen(name, () => resolve(server.unref()));
  });
}

/** A socket file outlives its process: nobody answering behind it means that it may be taken. */
async function takeOverDeadSocket(path: string): Promise<Server> {
  const alive = await new Promise<boolean>((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => resolve(true)).once('error', () => resolve(false));
    probe.unref();
  });
  if (alive) throw new Error('somebody answers');
  await unlink(path);
  return listen(path);
}

function refuse(directory: string, cause: unknown): DirectoryInUseError {
  return new DirectoryInUseError(
    `${directory} is in use by another running process: stop that one, or choose another DATA_DIR`,
    { cause },
  );
}
