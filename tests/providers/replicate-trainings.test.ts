import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { inspect } from 'node:util';
import type { Attempt, PreparedRequest } from '../../src/providers/provider.ts';
import {
  createReplicateProvider,
  type ReplicateDeps,
  type ReplicateProvider,
} from '../../src/providers/replicate/replicate-provider.ts';
import { createWebhookVerifier } from '../../src/providers/replicate/webhook.ts';
import { callsTo, createdId, lookupOf, statusAtEnd } from '../support/provider-calls.ts';
import { readBody } from '../support/replicate-http.ts';
import {
  type ReplicateServerOptions,
  refusals,
  startReplicateServer,
  throttled,
} from '../support/replicate-server.ts';

const { signal } = new AbortController();
const version = 'e'.repeat(64);
const trainer = `ostris/flux-dev-lora-trainer:${version}`;
const avatars = 'loopback/morphogram-avatars';
const folder = await mkdtemp(join(tmpdir(), 'replicate-trainings-'));
after(() => rm(folder, { recursive: true }));
const archive = join(folder, 'photos.zip');
await writeFile(archive, 'PK and ten photos');

async function setUp(
  t: TestContext,
  options: ReplicateServerOptions = {},
  deps: Partial<ReplicateDeps> = {},
) {
  const server = await startReplicateServer(options);
  t.after(() => server.close());
  t.after(() => assert.deepEqual(server.violations, []));
  const { token, baseUrl } = server;
  const warnings: string[] = [];
  const log = { warn: (_fields: object, message: string) => void warnings.push(message) };
  const open = () => createReplicateProvider({ token, baseUrl, log, ...deps });
  return { server, provider: open(), open, warnings };
}

const wanted = {
  kind: 'training',
  model: trainer,
  input: { trigger_word: 'TOK', steps: 1000 },
  files: { input_images: archive },
} as const;

async function prepared(provider: ReplicateProvider): Promise<PreparedRequest> {
  const outcome = await provider.prepare(wanted, signal);
  return outcome.kind === 'prepared' ? outcome.request : assert.fail(inspect(outcome));
}

function attemptOf(request: PreparedRequest, attemptId = 'attempt-1'): Attempt {
  return { attemptId, request, deadlineMs: 60 * 60_000 };
}

describe('a training', () => {
  it('goes from an archive to a version of one private model, which then paints', async (t) => {
    const { server, provider } = await setUp(t);
    const id = await createdId(provider, attemptOf(await prepared(provider)));
    assert.match(id, /^training:\w+$/);
    const status = await statusAtEnd(provider, id);
    assert.ok(status.kind === 'succeeded');
    const [model] = server.models;
    const [trained] = model?.versions ?? [];
    const output = status.output as { version: string; weights: string };
    assert.equal(output.version, `${avatars}:${trained}`);
    const path = join(folder, 'weights.tar');
    assert.equal((await provider.download(output.weights, path, signal)).kind, 'downloaded');
    await rm(path);

    assert.equal(model?.visibility, 'private');
    assert.equal(model?.hardware, 'gpu-l40s');
    const [training] = server.trainings;
    assert.equal(training?.model, 'ostris/flux-dev-lora-trainer');
    assert.equal(training?.version, version);
    assert.equal(training?.destination, avatars);
    const url = String(training?.input['input_images']);
    assert.equal(server.fileBytes(url)?.toString(), 'PK and ten photos');

    const painted = await createdId(provider, {
      ...attemptOf({
        ...{ kind: 'prediction', model: output.version, fingerprint: '' },
        input: { prompt: 'a portrait of TOK', num_outputs: 2 },
      }),
    });
    const picture = await statusAtEnd(provider, painted);
    assert.ok(picture.kind === 'succeeded');
    assert.equal((picture.output as string[]).length, 2);
  });

  it('is seen, stopped and told apart from a prediction with the same id, also after a restart', async (t) => {
    const { server, provider, open } = await setUp(t);
    server.next({ outcome: 'hang' });
    const id = await createdId(provider, attemptOf(await prepared(provider)));
    const later = open();
    assert.deepEqual(await later.check(id, signal), { kind: 'seen', status: { kind: 'running' } });
    const bare = id.replace('training:', '');
    assert.equal((await later.check(bare, signal)).kind, 'unknown');
    assert.deepEqual(await later.cancel(bare, signal), { kind: 'stopped' });
    assert.equal(server.running.now, 1);
    assert.deepEqual(await later.cancel(id, signal), { kind: 'stopped' });
    assert.equal(server.running.now, 0);
    assert.deepEqual(await later.check(id, signal), {
      kind: 'seen',
      status: { kind: 'cancelled' },
    });
    assert.deepEqual(await later.cancel('training:unknown', signal), { kind: 'stopped' });
  });

  it('that fails, says why in our words', async (t) => {
    const { server, provider } = await setUp(t);
    server.next({ outcome: 'fail', error: 'Training failed: out of memory (E1001)' });
    const id = await createdId(provider, attemptOf(await prepared(provider)));
    assert.deepEqual(await statusAtEnd(provider, id), {
      kind: 'failed',
      failure: { kind: 'provider_error' },
    });
  });

  it('meets the failures of a create call as a prediction does', async (t) => {
    const { server, provider } = await setUp(t, {}, { limits: { callMs: 500 } });
    const attempt = attemptOf(await prepared(provider));
    const cases = [
      [refusals.outOfCredit, { kind: 'out_of_credit' }],
      [refusals.invalidInput, { kind: 'bad_input' }],
      [throttled(3), { kind: 'rate_limit', retryAfterMs: 3000 }],
      [refusals.unavailable, { kind: 'provider_error', ambiguous: true }],
      [{ kind: 'reset_after' }, { kind: 'network', ambiguous: true }],
      [{ kind: 'garbled_after' }, { kind: 'provider_error', ambiguous: true }],
    ] as const;
    for (const [fault, failure] of cases) {
      server.fault('create_training', fault);
      assert.deepEqual(await provider.create(attempt, signal), { kind: 'failed', failure });
    }
    assert.equal(callsTo(server, 'create_training').length, cases.length);
    assert.equal(server.trainings.length, 2);
  });

  it('is found by its attempt id, and taken for no other', async (t) => {
    const publicUrl = 'https://bot.example';
    const { server, provider } = await setUp(t, { pageSize: 1 }, { publicUrl });
    const lost = attemptOf(await prepared(provider), 'lost');
    server.fault('create_training', { kind: 'reset_after' });
    await provider.create(lost, signal);
    await createdId(provider, { ...lost, attemptId: 'another' });
    const externalId = `training:${server.trainings[0]?.id}`;
    assert.deepEqual(await provider.find(lookupOf(lost), signal), { kind: 'found', externalId });
    const never = { ...lost, attemptId: 'never sent' };
    assert.deepEqual(await provider.find(lookupOf(never), signal), { kind: 'absent' });
    const webhook = `${publicUrl}/replicate/webhook?attempt=lost&kind=training`;
    assert.equal(server.trainings[0]?.webhook, webhook);
  });

  it('announces its end in a webhook that carries the id it was bought with', async (t) => {
    const received = Promise.withResolvers<{ url: URL; body: string; headers: object }>();
    const receiver = createServer(async (request, response) => {
      const body = (await readBody(request)).toString();
      const url = new URL(request.url ?? '', 'http://bot.example');
      received.resolve({ url, body, headers: request.headers });
      response.end();
    }).listen(0, '127.0.0.1');
    receiver.unref();
    t.after(() => receiver.close());
    await new Promise((listening) => receiver.once('listening', listening));
    const { port } = receiver.address() as AddressInfo;
    const { server, provider } = await setUp(t, {}, { publicUrl: `http://127.0.0.1:${port}` });
    const externalId = await createdId(provider, attemptOf(await prepared(provider)));
    const { url, body, headers } = await received.promise;
    const verifier = createWebhookVerifier({ secret: server.webhookSecret });
    const kind = url.searchParams.get('kind') ?? undefined;
    const outcome = verifier.verify(body, { ...headers }, kind);
    assert.ok(outcome.kind === 'verified');
    assert.equal(outcome.prediction.id, externalId);
    assert.equal(outcome.prediction.status.kind, 'succeeded');
  });

  it('is found by its input where there are no webhooks, but not one that is claimed or older', async (t) => {
    const { server, provider } = await setUp(t);
    const lost = attemptOf(await prepared(provider));
    const older = await createdId(provider, lost);
    server.fault('create_training', { kind: 'reset_after' });
    await provider.create(lost, signal);
    const externalId = `training:${server.trainings[1]?.id}`;
    const found = await provider.find(lookupOf(lost, [older]), signal);
    assert.deepEqual(found, { kind: 'found', externalId });
    const all = lookupOf(lost, [older, externalId]);
    assert.deepEqual(await provider.find(all, signal), { kind: 'absent' });
    const tomorrow = { ...lookupOf(lost), createdAfter: new Date(Date.now() + 86_400_000) };
    assert.deepEqual(await provider.find(tomorrow, signal), { kind: 'absent' });
  });
});

describe('the model that trainings push to', () => {
  const unauthorized = { kind: 'failed', failure: { kind: 'unauthorized' } };

  it('is made once, for all that are prepared at the same moment', async (t) => {
    const { server, provider, open } = await setUp(t);
    await Promise.all([prepared(provider), prepared(provider)]);
    assert.equal(callsTo(server, 'create_model').length, 1);
    await Promise.all([prepared(open()), prepared(open())]);
    assert.equal(server.models.length, 1);
    assert.equal(callsTo(server, 'create_model').length, 1);
  });

  it('is one, also when two processes make it at the same moment, or the answer is lost', async (t) => {
    const { server, provider, open } = await setUp(t);
    await Promise.all([provider, open(), open()].map(prepared));
    assert.equal(server.models.length, 1);

    const lossy = await setUp(t);
    lossy.server.fault('create_model', { kind: 'reset_after' });
    await prepared(lossy.provider);
    assert.equal(lossy.server.models.length, 1);
  });

  it('is ensured again by a process that only buys, and not by one that knows it', async (t) => {
    const { server, provider, open } = await setUp(t);
    const request = await prepared(provider);
    await createdId(provider, attemptOf(request));
    assert.equal(callsTo(server, 'model').length, 1);
    await createdId(open(), attemptOf(request));
    assert.equal(callsTo(server, 'model').length, 2);
  });

  it('is never used while it is public, neither to prepare nor to buy', async (t) => {
    const models = [{ name: 'morphogram-avatars', visibility: 'public' }] as const;
    const { server, provider, open, warnings } = await setUp(t, { models });
    assert.deepEqual(await provider.prepare(wanted, signal), unauthorized);
    assert.match(warnings.at(-1) ?? '', /not private/);
    const [model] = server.models;
    assert.ok(model);
    model.visibility = 'private';
    const request = await prepared(provider);
    model.visibility = 'public';
    assert.deepEqual(await open().create(attemptOf(request), signal), unauthorized);
    assert.equal(server.trainings.length, 0);
    assert.equal(callsTo(server, 'upload').length, 1);
  });

  it('may be named by the operator', async (t) => {
    const destination = 'loopback/faces';
    const { server, provider } = await setUp(t, {}, { destination });
    await createdId(provider, attemptOf(await prepared(provider)));
    assert.equal(server.trainings[0]?.destination, destination);
    assert.equal(callsTo(server, 'account').length, 0);
    for (const wrong of ['faces', 'a/b:c', 'a/..']) {
      const deps = { token: 't', baseUrl: server.baseUrl, destination: wrong };
      assert.throws(() => createReplicateProvider(deps), RangeError);
    }
  });

  it("takes the first GPU there is where the preferred one is not, and the operator's help where there is none", async (t) => {
    const other = await setUp(t, { skus: ['cpu', 'gpu-t4', 'gpu-h100'] });
    await prepared(other.provider);
    assert.equal(other.server.models[0]?.hardware, 'gpu-t4');
    const none = await setUp(t, { skus: ['cpu'] });
    const outcome = await none.provider.prepare(wanted, signal);
    assert.deepEqual(outcome, { kind: 'failed', failure: { kind: 'provider_error' } });
    assert.equal(none.server.models.length, 0);
  });

  it('that cannot be made waits for the operator, or for the network', async (t) => {
    const foreign = await setUp(t, {}, { destination: 'somebody/else' });
    assert.deepEqual(await foreign.provider.prepare(wanted, signal), unauthorized);
    const { server, provider } = await setUp(t);
    server.fault('account', refusals.unavailable, { kind: 'reset' });
    server.fault('create_model', throttled(2));
    const failures = [];
    for (let n = 0; n < 3; n += 1) {
      const outcome = await provider.prepare(wanted, signal);
      failures.push(outcome.kind === 'failed' ? outcome.failure : outcome);
    }
    assert.deepEqual(failures, [
      { kind: 'provider_error' },
      { kind: 'network' },
      { kind: 'rate_limit', retryAfterMs: 2000 },
    ]);
    await prepared(provider);
  });

  it('of one order that gives up is still made for another', async (t) => {
    const { server, provider } = await setUp(t);
    const givingUp = new AbortController();
    const first = provider.prepare(wanted, givingUp.signal);
    const second = provider.prepare(wanted, signal);
    givingUp.abort();
    assert.deepEqual(await first, { kind: 'failed', failure: { kind: 'network' } });
    assert.equal((await second).kind, 'prepared');
    assert.equal(callsTo(server, 'create_model').length, 1);
  });
});

describe('a trained version', () => {
  it('is deleted, and one that is gone counts as deleted', async (t) => {
    const models = [{ name: 'morphogram-avatars', versions: ['v1', 'v2'] }];
    const { server, provider } = await setUp(t, { models });
    for (const _ of [1, 2]) {
      assert.deepEqual(await provider.deleteVersion?.(`${avatars}:v1`, signal), {
        kind: 'deleted',
      });
    }
    server.fault('delete_version', { kind: 'answer', status: 410 });
    assert.deepEqual(await provider.deleteVersion?.(`${avatars}:v0`, signal), { kind: 'deleted' });
    assert.deepEqual(server.models[0]?.versions, ['v2']);
  });

  it('stays where the provider does not let it go', async (t) => {
    const { server, provider } = await setUp(t);
    const answer = (status: number) => ({ kind: 'answer', status }) as const;
    server.fault('delete_version', answer(503), { kind: 'reset' }, answer(403), answer(400));
    for (const kind of ['provider_error', 'network', 'unauthorized', 'bad_input']) {
      assert.deepEqual(await provider.deleteVersion?.(`${avatars}:v1`, signal), {
        kind: 'unreachable',
        failure: { kind },
      });
    }
    assert.deepEqual(await provider.deleteVersion?.(avatars, signal), {
      kind: 'unreachable',
      failure: { kind: 'bad_input' },
    });
    assert.equal(server.requests.length, 4);
  });
});

describe('the fields of a live schema', () => {
  const schema = (...names: string[]) => ({
    type: 'object',
    properties: Object.fromEntries(names.map((name) => [name, {}])),
  });
  const known = (...names: string[]) => ({ kind: 'known', fields: new Set(names) });

  it('are those of the latest version, or of the named one', async (t) => {
    const { server, provider } = await setUp(t, { schemasDir: '' });
    server.setSchemas('a/painter', { Input: schema('prompt', 'image') });
    server.setSchemas('a/painter:v1', { Input: schema('prompt') });
    assert.deepEqual(
      await provider.readInputFields?.('a/painter', signal),
      known('prompt', 'image'),
    );
    assert.deepEqual(await provider.readInputFields?.('a/painter:v1', signal), known('prompt'));
  });

  it('are also those it is trained with, for a trainer', async (t) => {
    const { server, provider } = await setUp(t, { schemasDir: '' });
    const TrainingInput = schema('input_images', 'steps');
    server.setSchemas(trainer, { TrainingInput });
    assert.deepEqual(
      await provider.readInputFields?.(trainer, signal),
      known('input_images', 'steps'),
    );
    server.setSchemas(trainer, { Input: schema('prompt'), TrainingInput });
    assert.deepEqual(
      await provider.readInputFields?.(trainer, signal),
      known('prompt', 'input_images', 'steps'),
    );
  });

  it('are unknown where the provider does not tell', async (t) => {
    const { server, provider } = await setUp(t, { schemasDir: '' });
    const unknown = { kind: 'unknown' };
    server.setSchemas('a/bare', {});
    const models = ['a/missing', 'a/missing:v1', 'a/bare', 'no model'];
    for (const model of models) {
      assert.deepEqual(await provider.readInputFields?.(model, signal), unknown);
    }
    server.fault('model', refusals.unavailable, { kind: 'reset' });
    for (const _ of [1, 2]) {
      assert.deepEqual(await provider.readInputFields?.('a/bare', signal), unknown);
    }
  });
});
