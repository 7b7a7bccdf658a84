import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { createHeicDecoder } from '../../src/media/heic.ts';
import { useDirectory } from '../support/pictures.ts';

const HEIC = join(import.meta.dirname, '../fixtures/quarters-display-p3.heic');
const PHOTOS = join(import.meta.dirname, '../../src/media/photos.ts');
const ANSWER = `parentPort.postMessage({ width: 1, height: 1, data: new Uint8ClampedArray(4) });`;

/** What a decoder makes of a thread that does this, and how many threads it asked. */
async function decodeWith(thread: string, timeoutMs = 30_000) {
  await using directory = await useDirectory();
  const marks = join(directory.path, 'marks');
  const file = join(directory.path, 'thread.mjs');
  const head = `import { appendFileSync, readFileSync } from 'node:fs';
    import { parentPort } from 'node:worker_threads';
    appendFileSync(${JSON.stringify(marks)}, '.');
    const tries = readFileSync(${JSON.stringify(marks)}).length;`;
  await writeFile(file, `${head}\n${thread}`);
  const decode = createHeicDecoder({ thread: pathToFileURL(file), timeoutMs, pauseMs: 1 });
  const outcome = await decode({ path: HEIC, displayP3: false }).then(
    (picture) => (picture ? 'decoded' : 'refused'),
    (error: Error & { code?: string }) => error.code,
  );
  return { outcome, tries: (await readFile(marks)).length };
}

describe('a HEIC picture', () => {
  test('that its decoder refuses is refused at once', async () => {
    const outcome = await decodeWith(`parentPort.postMessage('refused');`);
    assert.deepEqual(outcome, { outcome: 'refused', tries: 1 });
  });

  test('whose thread dies is decoded by another one', async () => {
    const outcome = await decodeWith(`if (tries === 1) process.exit(1); ${ANSWER}`);
    assert.deepEqual(outcome, { outcome: 'decoded', tries: 2 });
  });

  test('that kills every thread, or keeps it for ever, is refused in the end', async () => {
    const killing = decodeWith(`throw new RangeError('Array buffer allocation failed');`);
    const hanging = decodeWith(`setInterval(() => undefined, 1_000);`, 1_000);
    assert.deepEqual(await killing, { outcome: 'refused', tries: 2 });
    assert.deepEqual(await hanging, { outcome: 'refused', tries: 2 });
  });

  test('is not judged by trouble of this machine', async () => {
    const trouble = `throw Object.assign(new Error('too many open files'), { code: 'EMFILE' });`;
    assert.deepEqual(await decodeWith(trouble), { outcome: 'EMFILE', tries: 1 });
  });

  test('is not called broken while this process can open no more files', async () => {
    const child = `
      import { closeSync, openSync } from 'node:fs';
      import { createPhotos } from ${JSON.stringify(pathToFileURL(PHOTOS).href)};
      const { inspectPhoto } = createPhotos();
      const inspect = () => inspectPhoto(${JSON.stringify(HEIC)}).then(({ kind }) => kind, ({ code }) => typeof code);
      const outcomes = [await inspect()];
      const open = [];
      try { for (;;) open.push(openSync('/dev/null')); } catch {}
      for (let left = 0; left < 3; left += 1) { outcomes.push(await inspect()); closeSync(open.pop()); }
      console.log(outcomes.join(' '));`;
    await using directory = await useDirectory();
    const file = join(directory.path, 'child.mjs');
    await writeFile(file, child);
    const limited = ['-c', 'ulimit -n 100; exec "$0" "$1"', process.execPath, file];
    const { stdout } = await promisify(execFile)('sh', limited);
    assert.equal(stdout, 'photo string string string\n');
  });
});
