import { readdirSync, readFileSync } from 'node:fs';

/**
 * The processes a process has started, by a part of their command line; the oldest first. Reads /proc, where
 * Linux tells of them, at one go: it takes a millisecond or two, and as much again for each file read aside.
 */
export function findChildren(parent: number, command: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((id) => readStat(id)?.parent === parent && read(id, 'cmdline')?.includes(command))
    .sort((a, b) => a - b);
}

/** Whether a process has not ended; one that nobody has asked how it ended is still listed. */
export function isRunning(id: number): boolean {
  return readStat(id) !== undefined;
}

/** Undefined of a process that has ended. */
function readStat(id: number): { readonly parent: number } | undefined {
  // Behind the name in brackets: the state, then the parent.
  const [, state, parent] = /\) (\S) (\d+)/.exec(read(id, 'stat') ?? '') ?? [];
  return parent === undefined || state === 'Z' ? undefined : { parent: Number(parent) };
}

function read(id: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${id}/${file}`, 'utf8');
  } catch {
    // It has ended in the meantime.
    return undefined;
  }
}
