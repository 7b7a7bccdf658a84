import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Runs a file of this folder in a process of its own, so that its memory is that of the work alone.
 * @returns what it reported.
 */
export async function runChild(file: string, args: readonly string[]): Promise<unknown> {
  const { stdout } = await run(process.execPath, [join(import.meta.dirname, file), ...args]);
  return JSON.parse(stdout);
}

/** In the child: says what was measured, with the most memory that was held at once. */
export function report(measured: { readonly seconds: number }): void {
  process.stdout.write(JSON.stringify({ ...measured, maxRssMb: readPeakKb() / 1000 }));
}

/** On Linux `maxRSS` begins with what the parent held when it forked; the kernel's own mark does not. */
function readPeakKb(): number {
  const status = process.platform === 'linux' ? readFileSync('/proc/self/status', 'utf8') : '';
  const [, peakKb] = /^VmHWM:\s+(\d+) kB/m.exec(status) ?? [];
  return peakKb ? Number(peakKb) : process.resourceUsage().maxRSS;
}
