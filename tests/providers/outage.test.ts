import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOutage } from '../../src/providers/outage.ts';
import type { Attempt, Provider } from '../../src/providers/provider.ts';

const signal = new AbortController().signal;
const created: string[] = [];
const unused = async () => assert.fail('not asked for here');
const provider: Provider = {
  name: 'local',
  ...{ prepare: unused, find: unused, check: unused, cancel: unused, download: unused },
  async create({ attemptId }) {
    created.push(attemptId);
    return { kind: 'created', externalId: attemptId };
  },
};
const attempt = (attemptId: string, transition: number): Attempt => ({
  attemptId,
  request: { model: 'm', input: { transition }, fingerprint: '' },
  deadlineMs: 1_000,
});

test('the wished number of transitions fails at every attempt, and no other', async () => {
  const outage = createOutage();
  const { create } = outage.over(provider);
  assert.equal((await create(attempt('a1', 1), signal)).kind, 'created');
  outage.failNext(1);
  const outcomes = [];
  for (const [id, transition] of [
    ['b1', 2],
    ['c1', 3],
    ['b2', 2],
    ['b3', 2],
    ['c2', 3],
  ] as const) {
    outcomes.push((await create(attempt(id, transition), signal)).kind);
  }
  assert.deepEqual(outcomes, ['failed', 'created', 'failed', 'failed', 'created']);
  assert.deepEqual(created, ['a1', 'c1', 'c2']);
});
