import { execFile } from 'node:child_process';
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A file system of its own, small enough to be filled. */
export interface SmallDisk {
  readonly path: string;
  /** Takes all room but so many bytes. */
  fill(leaveBytes: number): Promise<void>;
  /** Gives the room back. */
  clear(): Promise<void>;
  /** Unmounts it, with everything on it. */
  remove(): Promise<void>;
}

/** Mounts a small file system in memory; where that is not allowed, returns why. */
export async function mountSmallDisk(sizeBytes: number): Promise<SmallDisk | string> {
  if (process.platform !== 'linux') return 'only Linux mounts a small disk in memory';
  const path = await mkdtemp(join(tmpdir(), 'morphogram-disk-'));
  const owner = `uid=${process.getuid?.()},gid=${process.getgid?.()},mode=700`;
  const mount = ['mount', '-t', 'tmpfs', '-o', `size=${sizeBytes},${owner}`, 'tmpfs', path];
  const privilege = await findPrivilege(mount);
  if (!privilege) {
    await rm(path, { recursive: true });
    return 'mounting a small disk takes root, or sudo without a password';
  }
  const filler = join(path, 'filler');
  return {
    path,
    async fill(leaveBytes) {
      const { bavail, bsize } = await statfs(path);
      await writeFile(filler, Buffer.alloc(Math.max(0, bavail * bsize - leaveBytes)));
    },
    clear: () => rm(filler, { force: true }),
    async remove() {
      const [program = '', ...args] = [...privilege, 'umount', '--lazy', path];
      await run(program, args);
      await rm(path, { recursive: true });
    },
  };
}

/** What has to stand before a command so that it may be run; runs it. Undefined: nothing helps. */
async function findPrivilege(command: readonly string[]): Promise<readonly string[] | undefined> {
  for (const privilege of [[], ['sudo', '-n']]) {
    const [program = '', ...args] = [...privilege, ...command];
    try {
      await run(program, args);
      return privilege;
    } catch {
      // The next one may be allowed to.
    }
  }
  return undefined;
}
