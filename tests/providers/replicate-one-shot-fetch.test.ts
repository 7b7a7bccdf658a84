import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import Replicate from 'replicate';
import { createOneShotFetch } from '../../src/providers/replicate/one-shot-fetch.ts';
import {
  type CallFault,
  refusals,
  startReplicateServer,
  throttled,
} from '../support/replicate-server.ts';

/** How often the official client sends one create call that always goes wrong. */
async function countRequests(t: TestContext, fault: CallFault, fetch: typeof globalThis.fetch) {
  const server = await startReplicateServer();
  t.after(() => server.close());
  server.faultAlways('create', fault);
  const { token: auth, baseUrl } = server;
  const client = new Replicate({ auth, baseUrl, fetch });
  await assert.rejects(
    client.request('/models/a/b/predictions', { method: 'POST', data: { input: {} } }),
  );
  return server.requests.length;
}

describe('the official client with a one-shot fetch', () => {
  const faults: [string, CallFault][] = [
    ['a connection that is reset', { kind: 'reset' }],
    ['a reset after acceptance', { kind: 'reset_after' }],
    ['429', throttled(1)],
    ['503', refusals.unavailable],
  ];
  for (const [name, fault] of faults) {
    it(`sends a create call once on ${name}`, async (t) => {
      assert.equal(await countRequests(t, fault, createOneShotFetch(globalThis.fetch)), 1);
    });
  }

  it('would send it several times without: the day this fails, the wrapper may go', async (t) => {
    assert.ok((await countRequests(t, { kind: 'reset_after' }, globalThis.fetch)) > 1);
  });
});

describe('a one-shot fetch', () => {
  it('sends again for another call, even an equal one', async (t) => {
    const server = await startReplicateServer();
    t.after(() => server.close());
    const fetch = createOneShotFetch(globalThis.fetch);
    const headers = { authorization: `Bearer ${server.token}` };
    const url = `${server.baseUrl}/predictions`;
    for (let n = 0; n < 2; n += 1) assert.equal((await fetch(url, { headers })).status, 200);
    assert.equal(server.requests.length, 2);
  });
});
