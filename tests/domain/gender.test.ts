import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GENDERS, genderPhrase, resolveGender } from '../../src/domain/gender.ts';

test('the first source that says male or female wins', () => {
  assert.equal(resolveGender(['female', 'male']), 'female');
  assert.equal(resolveGender([null, 'male', 'female']), 'male');
});

test('a skipped, missing or invalid value hides no later one', () => {
  assert.equal(resolveGender(['unset', undefined, null, '', 'Male', 'robot', 'female']), 'female');
});

test('without any valid source the gender is unset', () => {
  assert.equal(resolveGender([]), 'unset');
  assert.equal(resolveGender([null, 'unset', 'other']), 'unset');
});

test('each gender has its phrase for the prompt', () => {
  assert.deepEqual(GENDERS.map(genderPhrase), [
    'handsome man, masculine features',
    'beautiful woman, feminine features',
    'person',
  ]);
});
