import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import type { Attempt, PredictionStatus, Provider } from '../../src/providers/provider.ts';
import type { ReplicateServer } from './replicate-server.ts';

const { signal } = new AbortController();

/** Buys what an attempt asks for; fails when it is not sold. */
export async function createdId(provider: Provider, attempt: Attempt): Promise<string> {
  const outcome = await provider.create(attempt, signal);
  return outcome.kind === 'created' ? outcome.externalId : assert.fail(inspect(outcome));
}

/** Looks until what was bought is over. */
export async function statusAtEnd(provider: Provider, id: string): Promise<PredictionStatus> {
  for (let look = 0; look < 200; look += 1) {
    const outcome = await provider.check(id, signal);
    if (outcome.kind !== 'seen') assert.fail(inspect(outcome));
    if (outcome.status.kind !== 'running') return outcome.status;
    await sleep(10);
  }
  return assert.fail(`${id} never ended`);
}

/** What is looked for when the answer to an attempt of a moment ago was lost. */
export function lookupOf(attempt: Attempt, claimed: readonly string[] = []) {
  return { ...attempt, createdAfter: new Date(Date.now() - 1000), claimed: new Set(claimed) };
}

/** The requests that came to one endpoint. */
export function callsTo(server: ReplicateServer, endpoint: string) {
  return server.requests.filter((request) => request.endpoint === endpoint);
}
