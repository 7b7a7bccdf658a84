import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareNames } from '../../src/domain/photo-order.ts';

const sorted = (names: readonly string[]) => [...names].sort(compareNames);

test('numbers count as numbers', () => {
  assert.deepEqual(sorted(['10.jpg', '2.jpg', '1.jpg']), ['1.jpg', '2.jpg', '10.jpg']);
  assert.deepEqual(sorted(['IMG_100.HEIC', 'IMG_99.HEIC', 'IMG_9.HEIC']), [
    'IMG_9.HEIC',
    'IMG_99.HEIC',
    'IMG_100.HEIC',
  ]);
});

test('case does not matter, in either alphabet', () => {
  assert.deepEqual(sorted(['b.jpg', 'A.jpg', 'a2.jpg', 'C.jpg']), [
    'A.jpg',
    'a2.jpg',
    'b.jpg',
    'C.jpg',
  ]);
  assert.deepEqual(sorted(['Фото 10', 'фото 2', 'Ёлка', 'Яна']), [
    'Ёлка',
    'фото 2',
    'Фото 10',
    'Яна',
  ]);
});

test('the pictures of one folder stay together', () => {
  const names = ['b/1.jpg', 'a/10.jpg', 'a b/1.jpg', 'a/2.jpg', 'b/2.jpg'];
  const folders = sorted(names).map((name) => name.split('/')[0]);
  const changes = folders.filter((folder, index) => folder !== folders[index - 1]);
  assert.equal(changes.length, new Set(folders).size);
});

test('every way of arriving leads to the same order', () => {
  const name = fc.oneof(
    fc.string({ maxLength: 8 }),
    fc
      .tuple(fc.constantFrom('a', 'A', 'ё', '0', '00', '1', '01'), fc.nat(20))
      .map(([letter, n]) => letter + n),
  );
  fc.assert(
    fc.property(
      fc.uniqueArray(name, { maxLength: 12 }),
      fc.infiniteStream(fc.nat()),
      (names, keys) => {
        const shuffled = names
          .map((each) => ({ each, key: keys.next().value }))
          .sort((a, b) => a.key - b.key)
          .map(({ each }) => each);
        assert.deepEqual(sorted(shuffled), sorted(names));
      },
    ),
  );
});

test('only equal names compare as equal', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      assert.equal(compareNames(a, b) === 0, a === b);
      assert.equal(Math.sign(compareNames(a, b)), 0 - Math.sign(compareNames(b, a)));
    }),
  );
});
