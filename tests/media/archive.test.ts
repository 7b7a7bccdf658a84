import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import JSZip from 'jszip';
import { type ArchiveLimits, openArchive } from '../../src/media/archive.ts';
import { makeJpeg, makeZip, useDirectory, type ZipEntry } from '../support/pictures.ts';

let jpeg: Buffer;
before(async () => {
  jpeg = await makeJpeg({ width: 64, height: 48 });
});

const MB = 2 ** 20;
/** A file that begins like a JPEG and goes on with zeroes. */
const hugeJpeg = (bytes: number) => Buffer.concat([jpeg, Buffer.alloc(bytes)]);

async function outcome(zip: Buffer | string, limits?: Partial<ArchiveLimits>): Promise<string[]> {
  const opened = await openArchive(zip, limits);
  if (opened.kind === 'refused') return [`refused ${opened.reason}`];
  const found: string[] = [];
  for await (const entry of opened.entries()) {
    if (entry.kind === 'picture') {
      assert.ok(entry.bytes.subarray(0, jpeg.length).equals(jpeg));
      found.push(entry.name);
    } else {
      found.push(`${entry.name}: ${entry.reason}`);
    }
  }
  return found;
}

const zipOf = (...entries: (ZipEntry | string)[]) =>
  makeZip(
    entries.map((entry) => (typeof entry === 'string' ? { name: entry, data: jpeg } : entry)),
  );

describe('openArchive', () => {
  test('pictures come in natural order of their paths, from a buffer and from a file', async () => {
    await using directory = await useDirectory();
    const zip = zipOf('b/10.jpg', 'b/2.jpg', 'a/11.JPG', 'Фото 3.jpg', 'b/1.jpg');
    const expected = ['a/11.JPG', 'b/1.jpg', 'b/2.jpg', 'b/10.jpg', 'Фото 3.jpg'];
    assert.deepEqual((await outcome(zip)).toSorted(), expected.toSorted());
    assert.deepEqual(
      (await outcome(zip)).filter((name) => name.startsWith('b/')),
      ['b/1.jpg', 'b/2.jpg', 'b/10.jpg'],
    );
    const path = join(directory.path, 'photos.zip');
    await writeFile(path, zip);
    assert.deepEqual(await outcome(path), await outcome(zip));
  });

  test('archives of other programs are read: stored and deflated, with folders', async () => {
    const zip = new JSZip();
    zip.folder('trip')?.file('1.jpg', jpeg, { compression: 'STORE' });
    zip.file('trip/2.jpg', jpeg, { compression: 'DEFLATE' });
    const bytes = await zip.generateAsync({ type: 'nodebuffer', streamFiles: true });
    assert.deepEqual(await outcome(bytes), ['trip/1.jpg', 'trip/2.jpg']);
  });

  test('what systems leave behind is not even mentioned', async () => {
    const zip = zipOf(
      '1.jpg',
      '__MACOSX/._1.jpg',
      'a/._2.jpg',
      '.DS_Store',
      '.hidden/3.jpg',
      'a/Thumbs.db',
      { name: 'folder/', data: Buffer.alloc(0) },
      { name: 'empty.jpg', data: Buffer.alloc(0) },
    );
    assert.deepEqual(await outcome(zip), ['1.jpg']);
  });

  test('a picture is known by its bytes; anything else is named with its reason', async () => {
    const zip = zipOf(
      { name: 'a.txt', data: jpeg },
      { name: 'b.jpg', data: Buffer.from('<html>not a picture at all</html>') },
      { name: 'c.jpg', data: Buffer.from([0xff]) },
      { name: 'd.zip', data: zipOf('1.jpg') },
      { name: 'e.jpg', data: zipOf('1.jpg') },
    );
    assert.deepEqual(await outcome(zip), [
      'a.txt',
      'b.jpg: not_a_picture',
      'c.jpg: not_a_picture',
      'd.zip: zip_nested',
      'e.jpg: zip_nested',
    ]);
  });

  test('paths that lead out of the archive are skipped, wherever they point', async () => {
    const names = ['../../etc/x.jpg', '/abs/y.jpg', 'C:\\w\\z.jpg', 'a/../../b.jpg', '..\\c.jpg'];
    const zip = zipOf('ok.jpg', ...names);
    const found = await outcome(zip);
    assert.deepEqual(
      found.toSorted(),
      ['ok.jpg', ...names.map((name) => `${name}: zip_unsafe_path`)].toSorted(),
    );
  });

  test('Russian names are read whether they are UTF-8 or CP866', async () => {
    // "Фото.jpg" and "Лето.jpg" as Russian Windows writes them.
    const cp866 = Buffer.from([0x94, 0xae, 0xe2, 0xae, 0x2e, 0x6a, 0x70, 0x67]);
    const zip = zipOf({ name: cp866, data: jpeg }, 'Лето.jpg');
    assert.deepEqual(await outcome(zip), ['Лето.jpg', 'Фото.jpg']);
  });

  test('an encrypted archive is refused as such', async () => {
    const zip = zipOf('1.jpg', { name: '2.jpg', data: jpeg, encrypted: true });
    assert.deepEqual(await outcome(zip), ['refused zip_encrypted']);
  });

  test('an archive that is cut short or is none at all is refused as broken', async () => {
    const zip = zipOf('1.jpg', '2.jpg');
    for (const bytes of [
      zip.subarray(0, zip.length - 30),
      zip.subarray(100),
      Buffer.from('PK\x03\x04 and nothing more'),
      Buffer.alloc(0),
    ]) {
      assert.deepEqual(await outcome(bytes), ['refused zip_broken']);
    }
  });

  test('damage inside one entry costs that entry alone', async () => {
    const zip = zipOf({ name: '1.jpg', data: Buffer.concat(Array(40).fill(jpeg)) }, '2.jpg');
    zip.fill(0xff, 600, 620);
    assert.deepEqual(await outcome(zip), ['1.jpg: broken_picture', '2.jpg']);
  });

  test('an archive without anything to look at is refused', async () => {
    assert.deepEqual(await outcome(zipOf()), ['refused zip_without_pictures']);
    assert.deepEqual(await outcome(zipOf('__MACOSX/._1.jpg')), ['refused zip_without_pictures']);
  });

  test('too many entries are refused, whatever the trailer counts', async () => {
    const zip = zipOf('1.jpg', '2.jpg', '3.jpg');
    assert.deepEqual(await outcome(zip, { entries: 2 }), ['refused zip_too_many_entries']);
    zip.writeUInt16LE(1, zip.length - 12);
    zip.writeUInt16LE(1, zip.length - 14);
    assert.deepEqual(await outcome(zip, { entries: 2 }), ['refused zip_too_many_entries']);
    const many = makeZip(
      Array.from({ length: 2001 }, (_, i) => ({ name: `${i}.jpg`, data: Buffer.from('x') })),
    );
    assert.deepEqual(await outcome(many), ['refused zip_too_many_entries']);
  });

  test('an archive that would unpack to too much is refused before it is unpacked', async () => {
    const claims = { name: '1.jpg', data: jpeg, claimedBytes: 900_000_000 };
    assert.deepEqual(await outcome(zipOf(claims, { ...claims, name: '2.jpg' })), [
      'refused zip_bomb',
    ]);
    assert.deepEqual(await outcome(zipOf({ name: '1.jpg', data: hugeJpeg(30 * MB) })), [
      'refused zip_bomb',
    ]);
  });

  test('one suspicious or oversized entry among photos is skipped alone', async () => {
    const photos = Array.from({ length: 60 }, (_, i) => `${i + 1}.jpg`);
    const bomb = { name: 'x.jpg', data: hugeJpeg(4 * MB) };
    const found = await outcome(zipOf(...photos, bomb), { ratio: 100 });
    assert.deepEqual(found, [...photos, 'x.jpg: zip_bomb']);
    const large = await outcome(
      zipOf('1.jpg', { name: '2.jpg', data: jpeg, claimedBytes: 41 * MB }),
      {
        ratio: 1e9,
      },
    );
    assert.deepEqual(large, ['1.jpg', '2.jpg: file_too_big']);
  });

  test('headers that lie about the size cannot make it unpack past the limit', async () => {
    const data = hugeJpeg(120 * MB);
    const zip = zipOf({ name: '1.jpg', data, claimedBytes: 100_000 }, '2.jpg');
    global.gc?.();
    const before = process.memoryUsage().rss;
    assert.deepEqual(await outcome(zip), ['1.jpg: zip_bomb', '2.jpg']);
    assert.ok(process.memoryUsage().rss - before < 110 * MB, 'it unpacked past the cap');
    // Below the cap the lie is found at the end.
    const small = zipOf({ name: '1.jpg', data: jpeg, claimedBytes: 10 }, '2.jpg');
    assert.deepEqual(await outcome(small), ['1.jpg: broken_picture', '2.jpg']);
  });

  test('the limit for everything unpacked holds while unpacking', async () => {
    const found = await outcome(zipOf('1.jpg', '2.jpg', '3.jpg'), { totalBytes: jpeg.length * 3 });
    assert.deepEqual(found, ['1.jpg', '2.jpg', '3.jpg']);
    const lying = ['1', '2', '3'].map((n) => ({
      name: `${n}.jpg`,
      data: jpeg,
      claimedBytes: jpeg.length,
    }));
    assert.deepEqual(await outcome(makeZip(lying), { totalBytes: jpeg.length * 3 - 1 }), [
      'refused zip_bomb',
    ]);
  });

  test('an archive larger than allowed is refused unread', async () => {
    assert.deepEqual(await outcome(zipOf('1.jpg'), { archiveBytes: 100 }), [
      'refused file_too_big',
    ]);
  });

  test('control characters do not get into shown names', async () => {
    assert.deepEqual(await outcome(zipOf('a\n\u0007b.jpg')), ['ab.jpg']);
  });
});
