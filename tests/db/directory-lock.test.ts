import assert from 'node:assert/strict';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { DirectoryInUseError, lockDirectory } from '../../src/db/directory-lock.ts';
import { startProcess } from '../support/processes.ts';

const HOLDER = join(import.meta.dirname, '../support/hold-directory.ts');

let directory: string;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'morphogram-lock-'));
});
after(() => rm(directory, { recursive: true }));

test('a directory is held once, and free again after its release', async () => {
  const unlock = await lockDirectory(directory);
  await assert.rejects(lockDirectory(directory), DirectoryInUseError);
  await unlock();
  await (await lockDirectory(directory))();
});

test('another path to the same directory is the same directory', async () => {
  const link = `${directory}-link`;
  await symlink(directory, link);
  const unlock = await lockDirectory(directory);
  try {
    await assert.rejects(lockDirectory(link), DirectoryInUseError);
  } finally {
    await unlock();
    await rm(link);
  }
});

test('a second process is told which directory is in use and what to do', async () => {
  const holder = startProcess(HOLDER, { args: [directory] });
  try {
    await holder.waitFor(/held/);
    await assert.rejects(lockDirectory(directory), {
      name: 'DirectoryInUseError',
      message: `${directory} is in use by another running process: stop that one, or choose another DATA_DIR`,
    });
  } finally {
    await holder.kill('SIGKILL');
  }
});

test('kill -9 frees the directory at once', async () => {
  const holder = startProcess(HOLDER, { args: [directory] });
  await holder.waitFor(/held/);
  await holder.kill('SIGKILL');
  const unlock = await lockDirectory(directory);
  await unlock();
});

test('of six processes that start at once, exactly one holds it', async () => {
  const racers = Array.from({ length: 6 }, () => startProcess(HOLDER, { args: [directory] }));
  try {
    const results = await Promise.all(racers.map((racer) => racer.waitFor(/held|in use/)));
    assert.equal(results.filter(([word]) => word === 'held').length, 1);
  } finally {
    await Promise.all(racers.map((racer) => racer.kill('SIGKILL')));
  }
});

test('a directory that does not exist is not called in use', async () => {
  await assert.rejects(lockDirectory(join(directory, 'missing')), { code: 'ENOENT' });
});
