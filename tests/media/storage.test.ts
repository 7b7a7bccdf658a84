import assert from 'node:assert/strict';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { createFileStorage, StorageFullError } from '../../src/media/storage.ts';
import { useDirectory } from '../support/pictures.ts';

describe('file storage', () => {
  test('a file is written with its folders, replaced, measured and removed with its order', async () => {
    await using directory = await useDirectory();
    const storage = createFileStorage(join(directory.path, 'data'));
    const key = 'orders/12/photos/1.jpg';
    assert.equal(await storage.exists(key), false);
    assert.equal(await storage.sizeOf(key), undefined);
    await storage.write(key, Buffer.from('first'));
    await storage.write(key, Buffer.from('second one'));
    assert.equal(await readFile(storage.pathOf(key), 'utf8'), 'second one');
    assert.equal(await storage.sizeOf(key), 10);
    assert.deepEqual(await readdir(join(directory.path, 'data/orders/12/photos')), ['1.jpg']);
    await storage.write('orders/123/photos/1.jpg', Buffer.from('other'));
    await storage.remove('orders/12');
    await storage.remove('orders/12');
    assert.equal(await storage.exists(key), false);
    assert.equal(await storage.exists('orders/123/photos/1.jpg'), true);
  });

  test('only the user of the process can read what is stored', async () => {
    await using directory = await useDirectory();
    const storage = createFileStorage(join(directory.path, 'data'));
    await storage.write('orders/1/a.jpg', Buffer.from('x'));
    assert.equal((await stat(join(directory.path, 'data/orders'))).mode & 0o777, 0o700);
    assert.equal((await stat(storage.pathOf('orders/1/a.jpg'))).mode & 0o777, 0o600);
  });

  test('a key that is no plain path is refused', async () => {
    const storage = createFileStorage('/srv/data');
    for (const key of [
      '',
      '/etc/passwd',
      '../x',
      'a/../b',
      'a//b',
      'a/',
      '.hidden',
      'a\\b',
      'a/\0',
    ]) {
      assert.throws(() => storage.pathOf(key), RangeError, JSON.stringify(key));
    }
    assert.equal(storage.pathOf('orders/0f-1_a/2.jpg'), '/srv/data/orders/0f-1_a/2.jpg');
  });

  test('a source that breaks off leaves the old file and nothing else', async () => {
    await using directory = await useDirectory();
    const storage = createFileStorage(directory.path);
    await storage.write('a.bin', Buffer.from('whole'));
    async function* broken() {
      yield Buffer.from('half');
      throw new Error('cut');
    }
    await assert.rejects(storage.write('a.bin', broken()), /cut/);
    assert.equal(await readFile(storage.pathOf('a.bin'), 'utf8'), 'whole');
    assert.deepEqual(await readdir(directory.path), ['a.bin']);
  });

  test('a full disk is told apart from other failures', async () => {
    await using directory = await useDirectory();
    const storage = createFileStorage(directory.path);
    async function* full() {
      yield Buffer.from('half');
      throw Object.assign(new Error('write'), { code: 'ENOSPC' });
    }
    await assert.rejects(storage.write('a.bin', full()), StorageFullError);
    assert.deepEqual(await readdir(directory.path), []);
    assert.ok((await storage.freeBytes()) > 0);
  });
});
