import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FailureKind, type RetryPolicy, retryPolicy } from '../../src/domain/failure.ts';

/** Written out, so that a change of who may try again is a change of this table. */
const POLICIES: Readonly<Record<FailureKind, RetryPolicy>> = {
  timeout: 'attempt',
  network: 'attempt',
  provider_error: 'attempt',
  output_lost: 'attempt',
  rate_limit: 'wait',
  out_of_credit: 'wait',
  unauthorized: 'wait',
  moderation: 'never',
  bad_input: 'never',
  nothing_said: 'never',
};

test('every kind of failure says who may try again', () => {
  for (const [kind, policy] of Object.entries(POLICIES)) {
    assert.equal(retryPolicy(kind as FailureKind), policy, kind);
  }
});
