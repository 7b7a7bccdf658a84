import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOutage } from '../../src/providers/outage.ts';
import type { Attempt, Provider } from '../../src/providers/provider.ts';

const signal = new AbortController().signal;
const unused = async () => assert.fail('not asked for here');

/** A provider that renders everything, and a way to ask it for one transition as the scheduler does. */
function startProvider() {
  const struck: string[] = [];
  const outage = createOutage((transition) => struck.push(transition));
  const cancelled: string[] = [];
  const provider: Provider = {
    name: 'local',
    ...{ prepare: unused, find: unused, download: unused },
    create: async ({ attemptId }) => ({ kind: 'created', externalId: attemptId }),
    check: async () => ({ kind: 'seen', status: { kind: 'succeeded', output: [] } }),
    async cancel(externalId) {
      cancelled.push(externalId);
      return { kind: 'stopped' };
    },
  };
  const { create, check } = outage.over(provider);
  const attempt = (attemptId: string, transition: number): Attempt => ({
    attemptId,
    request: { kind: 'prediction', model: 'm', input: { transition }, fingerprint: '' },
    deadlineMs: 1_000,
  });
  return {
    outage,
    struck,
    cancelled,
    async render(attemptId: string, transition: number) {
      const created = await create(attempt(attemptId, transition), signal);
      assert.deepEqual(created, { kind: 'created', externalId: attemptId });
      const checked = await check(attemptId, signal);
      return checked.kind === 'seen' ? checked.status : assert.fail('always seen');
    },
  };
}

test('the wished number of transitions is bought and fails at every attempt, and no other', async () => {
  const { outage, cancelled, render } = startProvider();
  assert.equal((await render('a1', 1)).kind, 'succeeded');
  outage.failNext(1);
  const failed = { kind: 'failed', failure: { kind: 'provider_error' } };
  assert.deepEqual(await render('b1', 2), failed);
  assert.equal((await render('c1', 3)).kind, 'succeeded');
  assert.deepEqual(await render('b2', 2), failed);
  assert.deepEqual(await render('b3', 2), failed);
  assert.equal((await render('c2', 3)).kind, 'succeeded');
  assert.deepEqual(cancelled, ['b1', 'b2', 'b3']);
});

test('what was wished can be called off, also for a transition that has failed before', async () => {
  const { outage, render } = startProvider();
  outage.failNext(2);
  assert.equal((await render('a1', 1)).kind, 'failed');
  outage.clear();
  assert.equal((await render('a2', 1)).kind, 'succeeded');
  assert.equal((await render('b1', 2)).kind, 'succeeded');
});

test('what has struck is told once, and goes on in a process that hears of it', async () => {
  const killed = startProvider();
  killed.outage.failNext(1);
  for (const id of ['a1', 'a2']) assert.equal((await killed.render(id, 1)).kind, 'failed');
  assert.equal(killed.struck.length, 1);
  const { outage, struck, render } = startProvider();
  outage.failNext(0, killed.struck);
  assert.equal((await render('b1', 2)).kind, 'succeeded');
  assert.equal((await render('a3', 1)).kind, 'failed');
  assert.deepEqual(struck, []);
});
