import { execFile } from 'node:child_process';
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
  const maxRssMb = process.resourceUsage().maxRSS / 1000;
  process.stdout.write(JSON.stringify({ ...measured, maxRssMb }));
}
