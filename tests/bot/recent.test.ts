import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRecent } from '../../src/bot/recent.ts';

const HOUR_MS = 3_600_000;

test('what was not written for an hour is forgotten, so the memory cannot grow for ever', () => {
  let now = 0;
  const recent = createRecent<number, string>(() => now);
  recent.set(1, 'a');
  recent.set(2, 'b');
  now = HOUR_MS - 1;
  assert.equal(recent.get(1), 'a');
  recent.set(1, 'again');
  now = HOUR_MS;
  recent.set(3, 'c');
  assert.deepEqual([1, 2, 3].map(recent.get), ['again', undefined, 'c']);
  assert.equal(recent.size, 2);
});
