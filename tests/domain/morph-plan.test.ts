import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { planTransitions } from '../../src/domain/morph-plan.ts';

const photoCount = fc.integer({ min: 2, max: 1000 });

test('seamless joins each photo to the next and ends on the last', () => {
  assert.deepEqual(planTransitions(3, 'seamless'), [
    { from: 0, to: 1 },
    { from: 1, to: 2 },
  ]);
});

test('loop adds one transition from the last photo back to the first', () => {
  assert.deepEqual(planTransitions(3, 'loop'), [
    { from: 0, to: 1 },
    { from: 1, to: 2 },
    { from: 2, to: 0 },
  ]);
  assert.deepEqual(planTransitions(2, 'loop'), [
    { from: 0, to: 1 },
    { from: 1, to: 0 },
  ]);
});

test('of n photos there are n−1 transitions, n in a loop, each starting where the last ended', () => {
  fc.assert(
    fc.property(photoCount, fc.constantFrom('seamless', 'loop'), (count, mode) => {
      const plan = planTransitions(count, mode);
      assert.equal(plan.length, mode === 'loop' ? count : count - 1);
      plan.forEach(({ from, to }, index) => {
        assert.equal(from, index);
        assert.equal(to, index + 1 === count ? 0 : index + 1);
      });
    }),
  );
});

test('fewer than two photos, or part of one, is no morph', () => {
  for (const count of [-1, 0, 1, 2.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => planTransitions(count, 'loop'), RangeError);
  }
});
