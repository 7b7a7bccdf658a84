import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  hasClip,
  isActive,
  isOpen,
  ORDER_STATES,
  STEP_STATES,
} from '../../src/domain/order-state.ts';

test('an order is open until it is paid, active until it is over, and never both', () => {
  assert.deepEqual(ORDER_STATES.filter(isOpen), ['draft', 'quoted']);
  assert.deepEqual(ORDER_STATES.filter(isActive), [
    'queued',
    'rendering',
    'finishing',
    'delivering',
  ]);
});

test('a step has a clip once it was rendered, by the model or in its place', () => {
  assert.deepEqual(STEP_STATES.filter(hasClip), ['done', 'replaced']);
});
