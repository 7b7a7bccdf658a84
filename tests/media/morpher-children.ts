import { readdir, readFile } from 'node:fs/promises';

/**
 * The processes a process has started, by a part of their command line; the oldest first. Reads /proc, where
 * Linux tells of them.
 */
export async function findChildren(parent: number, command: string): Promise<number[]> {
  const names = await readdir('/proc');
  const found: number[] = [];
  for (const name of names.filter((each) => /^\d+$/.test(each))) {
    try {
      const stat = await readFile(`/proc/${name}/stat`, 'utf8');
      // Behind the name in brackets: the state, then the parent.
      const [, state, owner] = /\) (\S) (\d+)/.exec(stat) ?? [];
      if (Number(owner) !== parent || state === 'Z') continue;
      const line = await readFile(`/proc/${name}/cmdline`, 'utf8');
      if (line.includes(command)) found.push(Number(name));
    } catch {
      // It has ended in the meantime.
    }
  }
  return found.sort((a, b) => a - b);
}
