import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import JSZip from 'jszip';
import { openArchive } from '../../src/media/archive.ts';
import { packArchive } from '../../src/media/pack.ts';
import { makeJpeg, useDirectory } from '../support/pictures.ts';

const run = promisify(execFile);
const PACK_URL = new URL('../../src/media/pack.ts', import.meta.url);

async function putPhotos(directory: string, count: number) {
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const path = join(directory, `${index}.jpg`);
      await writeFile(path, await makeJpeg({ width: 320, height: 320, seed: index }));
      return { path, name: `a_${`${index + 1}`.padStart(3, '0')}.jpg` };
    }),
  );
}

describe('packArchive', () => {
  test('files are packed in their order and as they are', async () => {
    await using directory = await useDirectory();
    const files = await putPhotos(directory.path, 12);
    const output = join(directory.path, 'out/photos.zip');
    const sizeBytes = await packArchive({ files, output });
    const zip = await readFile(output);
    assert.equal(sizeBytes, zip.length);
    const { files: entries } = await JSZip.loadAsync(zip, { checkCRC32: true });
    assert.deepEqual(
      Object.keys(entries),
      files.map(({ name }) => name),
    );
    for (const { path, name } of files) {
      assert.deepEqual(await entries[name]?.async('nodebuffer'), await readFile(path));
    }
    assert.deepEqual(await readdir(join(directory.path, 'out')), ['photos.zip']);
  });

  test('it opens as an archive that a person could have sent', async () => {
    await using directory = await useDirectory();
    const files = await putPhotos(directory.path, 3);
    const output = join(directory.path, 'photos.zip');
    await packArchive({ files, output });
    const opened = await openArchive(output);
    assert.ok(opened.kind === 'opened');
    const kinds: string[][] = [];
    for await (const { kind, name } of opened.entries()) kinds.push([kind, name]);
    assert.deepEqual(
      kinds,
      files.map(({ name }) => ['picture', name]),
    );
  });

  test('the same files make the same bytes, with their sizes in front of them', async () => {
    await using directory = await useDirectory();
    const files = await putPhotos(directory.path, 2);
    const outputs = ['a.zip', 'b.zip'].map((name) => join(directory.path, name));
    const zips: Buffer[] = [];
    for (const output of outputs) {
      await packArchive({ files, output });
      zips.push(await readFile(output));
    }
    assert.deepEqual(zips[0], zips[1]);
    const [first] = files;
    assert.equal(zips[0]?.readUInt32LE(18), (await stat(first?.path ?? '')).size);
  });

  test('a missing file, or an abort, leaves what was there', async () => {
    await using directory = await useDirectory();
    const files = await putPhotos(directory.path, 3);
    await mkdir(join(directory.path, 'out'));
    const output = join(directory.path, 'out/photos.zip');
    await writeFile(output, 'before');
    const controller = new AbortController();
    const packing = packArchive({ files, output, signal: controller.signal });
    controller.abort(new Error('enough'));
    await assert.rejects(packing, /enough/);
    await rm(files[1]?.path ?? '');
    await assert.rejects(packArchive({ files, output }), /ENOENT/);
    await mkdir(files[1]?.path ?? '');
    await assert.rejects(packArchive({ files, output }), /EISDIR/);
    assert.equal(await readFile(output, 'utf8'), 'before');
    assert.deepEqual(await readdir(join(directory.path, 'out')), ['photos.zip']);
  });

  test('what makes no archive is refused before anything is written', async () => {
    await using directory = await useDirectory();
    const [file] = await putPhotos(directory.path, 1);
    assert.ok(file);
    const output = join(directory.path, 'out/photos.zip');
    const refuses = (files: readonly { path: string; name: string }[]) =>
      assert.rejects(packArchive({ files, output }), RangeError);
    await refuses([]);
    await refuses([file, file]);
    for (const name of ['', '../a.jpg', '/a.jpg', 'a/b.jpg', 'C:\\a.jpg', '.a.jpg', 'a\0.jpg']) {
      await refuses([{ ...file, name }]);
    }
    const sparse = join(directory.path, 'sparse');
    await writeFile(sparse, '');
    await truncate(sparse, 2 ** 31);
    await refuses([file, { path: sparse, name: 'b.jpg' }]);
    await assert.rejects(stat(join(directory.path, 'out')), /ENOENT/);
  });

  test('many large files do not take more memory than a few', async () => {
    await using directory = await useDirectory();
    const path = join(directory.path, 'photo');
    await writeFile(path, Buffer.alloc(2 ** 20, 1));
    const output = join(directory.path, 'photos.zip');
    const peakOf = async (count: number) => {
      const script = `
        import { packArchive } from ${JSON.stringify(PACK_URL)};
        const files = Array.from({ length: ${count} }, (_, index) =>
          ({ path: ${JSON.stringify(path)}, name: index + '.jpg' }));
        await packArchive({ files, output: ${JSON.stringify(output)} });
        console.log(process.resourceUsage().maxRSS);`;
      const args = ['--input-type=module', '--max-semi-space-size=1', '-e', script];
      return Number((await run(process.execPath, args)).stdout) / 1024;
    };
    const [few, many] = [await peakOf(5), await peakOf(200)];
    assert.ok(many - few < 90, `${few} MB for 5 files, ${many} MB for 200`);
  });
});
