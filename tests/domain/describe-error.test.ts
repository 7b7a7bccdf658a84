import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DrizzleQueryError } from 'drizzle-orm';
import { describeError } from '../../src/domain/describe-error.ts';

describe('what is logged of an error', () => {
  test('is its name, message, code, and where it came from', () => {
    const error = Object.assign(new TypeError('no room'), { code: 'ENOSPC' });
    const told = describeError(error);
    assert.partialDeepStrictEqual(told, { error: 'TypeError: no room', code: 'ENOSPC' });
    assert.match(JSON.stringify(told), /describe-error\.test/);
  });

  test('never holds the values of a query', () => {
    const cause = Object.assign(new Error('duplicate key'), { code: '23505' });
    const error = new DrizzleQueryError('insert into avatars values ($1)', ['Masha'], cause);
    const told = describeError(error);
    assert.partialDeepStrictEqual(told, { code: '23505', cause: 'duplicate key' });
    assert.doesNotMatch(JSON.stringify(told), /Masha/);
  });

  test('is the same of an object that only looks like one', () => {
    const { message, stack } = new Error('relation "pgboss.job" does not exist');
    const told = describeError({ message, stack, queue: 'step' });
    assert.partialDeepStrictEqual(told, { error: `Error: ${message}` });
    assert.match(JSON.stringify(told), /describe-error\.test/);
  });

  test('is the type of anything else', () => {
    for (const thrown of [undefined, null, 7, 'words', { message: 7 }]) {
      assert.deepEqual(describeError(thrown), { error: typeof thrown });
    }
  });
});
