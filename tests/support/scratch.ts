import { statfsSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import './quick-start.ts';

/**
 * Loaded before every test file. Temporary files go to memory where this machine has plenty of it: a test's
 * database is a thousand small files, and on some disks copying them takes longer than the test. And what was
 * compiled once is kept for the next of some hundred processes.
 */
const MEMORY = '/dev/shm';
const NEEDED_BYTES = 4e9;

function freeBytes(): number {
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    return bavail * bsize;
  } catch {
    return 0;
  }
}

if (freeBytes() > NEEDED_BYTES) process.env['TMPDIR'] ??= MEMORY;

const { directory } = enableCompileCache(join(tmpdir(), 'morphogram-compiled'));
// For the processes that a test starts.
if (directory !== undefined) process.env['NODE_COMPILE_CACHE'] ??= join(directory, '..');
