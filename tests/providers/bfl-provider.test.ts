import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { inspect } from 'node:util';
import { createBflProvider } from '../../src/providers/bfl/bfl-provider.ts';
import type {
  PredictionRequest,
  PredictionStatus,
  PreparedRequest,
  Provider,
} from '../../src/providers/provider.ts';
import { type BflServer, startBflServer } from '../support/bfl-server.ts';
import { makeJpeg } from '../support/pictures.ts';
import { createdId, statusAtEnd } from '../support/provider-calls.ts';
import { type CallFault, throttled } from '../support/replicate-faults.ts';

const { signal } = new AbortController();
const folder = await mkdtemp(join(tmpdir(), 'bfl-provider-'));
after(() => rm(folder, { recursive: true }));
const face = await makeJpeg({ width: 64, height: 64 });
const facePath = join(folder, 'face.jpg');
await writeFile(facePath, face);

const kind = 'prediction' as const;
const model = 'bfl/flux-2-pro';
const wanted = {
  ...{ kind, model, input: { prompt: 'a portrait of a person', width: 1024 } },
  files: { input_image: facePath },
};
const badInput = { kind: 'failed', failure: { kind: 'bad_input' } };

async function setUp(
  t: TestContext,
  limits: { readonly callMs?: number } = {},
): Promise<{ server: BflServer; provider: Provider; open: () => Provider }> {
  const server = await startBflServer();
  t.after(() => server.close());
  t.after(() => assert.deepEqual(server.violations, []));
  const { key, baseUrl } = server;
  const log = { warn: (fields: object) => assert.ok(!inspect(fields).includes(key)) };
  const open = () => createBflProvider({ key, baseUrl, log, limits });
  return { server, provider: open(), open };
}

async function prepared(
  provider: Provider,
  asked: PredictionRequest = wanted,
): Promise<PreparedRequest> {
  const outcome = await provider.prepare(asked, signal);
  return outcome.kind === 'prepared' ? outcome.request : assert.fail(inspect(outcome));
}

const attemptOf = (request: PreparedRequest) => ({
  ...{ attemptId: 'attempt-1', request, deadlineMs: 60_000 },
});

async function bought(provider: Provider): Promise<string> {
  return createdId(provider, attemptOf(await prepared(provider)));
}

describe('a picture from BFL', () => {
  it('goes from a reference photo to a downloaded file, also when we start anew meanwhile', async (t) => {
    const { server, provider, open } = await setUp(t);
    server.next({ output: face });
    const id = await bought(provider);
    const later = open();
    const status = await statusAtEnd(later, id);
    assert.ok(status.kind === 'succeeded');
    const path = join(folder, 'result.jpg');
    assert.deepEqual(await later.download(String(status.output), path, signal), {
      kind: 'downloaded',
      sizeBytes: face.length,
    });
    assert.deepEqual(await readFile(path), face);
    const [task] = server.tasks;
    assert.equal(task?.model, 'flux-2-pro');
    assert.deepEqual(task?.input, wanted.input);
    assert.deepEqual(task?.images, { input_image: face });
    await rm(path);
  });

  it('is lost once its ten minutes are over', async (t) => {
    const { server, provider } = await setUp(t);
    const status = await statusAtEnd(provider, await bought(provider));
    assert.ok(status.kind === 'succeeded');
    for (const task of server.tasks) task.expired = true;
    const path = join(folder, 'gone.jpg');
    assert.deepEqual(await provider.download(String(status.output), path, signal), {
      kind: 'failed',
      failure: { kind: 'output_lost' },
    });
  });

  const ends: [string, PredictionStatus][] = [
    ['Request Moderated', { kind: 'failed', failure: { kind: 'moderation' } }],
    ['Content Moderated', { kind: 'failed', failure: { kind: 'moderation' } }],
    ['Error', { kind: 'failed', failure: { kind: 'provider_error' } }],
  ];
  for (const [status, expected] of ends) {
    it(`that ends with "${status}" is ${JSON.stringify(expected)}`, async (t) => {
      const { server, provider } = await setUp(t);
      server.next({ status, delayMs: 0 });
      assert.deepEqual(await statusAtEnd(provider, await bought(provider)), expected);
    });
  }

  it('is running while it is pending or in a status yet unknown, and is never stopped', async (t) => {
    const { server, provider } = await setUp(t);
    server.next({ status: 'Pending', delayMs: 0 }, { status: 'Dreaming', delayMs: 0 });
    for (let n = 0; n < 2; n += 1) {
      const id = await bought(provider);
      assert.deepEqual(await provider.check(id, signal), {
        kind: 'seen',
        status: { kind: 'running' },
      });
      assert.deepEqual(await provider.cancel(id, signal), { kind: 'stopped' });
    }
    assert.equal(server.requests.length, 4);
  });

  it('that is not known may yet appear', async (t) => {
    const { server, provider } = await setUp(t);
    server.fault('get', { kind: 'answer', status: 404, body: { status: 'Task not found' } });
    for (let n = 0; n < 2; n += 1) {
      const url = `${server.baseUrl}/v1/get_result?id=unknown`;
      assert.deepEqual(await provider.check(url, signal), { kind: 'unknown' });
    }
  });

  it('cannot be looked for', async (t) => {
    const { server, provider } = await setUp(t);
    const attempt = attemptOf(await prepared(provider));
    const lookup = { ...attempt, createdAfter: new Date(), claimed: new Set<string>() };
    assert.deepEqual(await provider.find(lookup, signal), badInput);
    assert.equal(server.requests.length, 0);
  });
});

describe('what is prepared for BFL', () => {
  it('names the pictures, and holds none of their bytes', async (t) => {
    const { server, provider } = await setUp(t);
    const second = join(folder, 'second.jpg');
    await writeFile(second, await makeJpeg({ width: 64, height: 64, seed: 2 }));
    const request = await prepared(provider, {
      ...wanted,
      files: { input_image: [facePath, second] },
    });
    assert.ok(JSON.stringify(request).length < 500);
    assert.equal((await provider.create(attemptOf(request), signal)).kind, 'created');
    assert.deepEqual(Object.keys(server.tasks[0]?.images ?? {}), ['input_image', 'input_image_2']);
  });

  it('is recognised by what the pictures show, whatever their names', async (t) => {
    const { provider } = await setUp(t);
    const copy = join(folder, 'copy of face.jpg');
    await writeFile(copy, face);
    const { fingerprint } = await prepared(provider);
    const same = { ...wanted, files: { input_image: copy } };
    assert.equal((await prepared(provider, same)).fingerprint, fingerprint);
    await writeFile(copy, 'another face');
    assert.notEqual((await prepared(provider, same)).fingerprint, fingerprint);
  });

  it('fails for good when a picture is gone, before or after', async (t) => {
    const { server, provider } = await setUp(t);
    const path = join(folder, 'leaving.jpg');
    await writeFile(path, face);
    const asked = { ...wanted, files: { input_image: path } };
    const request = await prepared(provider, asked);
    await rm(path);
    assert.deepEqual(await provider.create(attemptOf(request), signal), badInput);
    assert.deepEqual(await provider.prepare(asked, signal), badInput);
    assert.equal(server.requests.length, 0);
  });

  it('never takes what somebody wrote for the name of a file', async (t) => {
    const { server, provider } = await setUp(t);
    const prompt = `file://${facePath}`;
    const request = await prepared(provider, { ...wanted, input: { ...wanted.input, prompt } });
    await provider.create(attemptOf(request), signal);
    assert.equal(server.tasks[0]?.input['prompt'], prompt);
    const smuggled = { ...wanted, input: { input_image: prompt }, files: {} };
    assert.deepEqual(await provider.prepare(smuggled, signal), badInput);
  });

  it('is refused for other models, other fields and trainings', async (t) => {
    const { provider } = await setUp(t);
    for (const other of [
      { ...wanted, model: 'black-forest-labs/flux-2-pro' },
      { ...wanted, model: 'bfl/../v2/x' },
      { ...wanted, files: { mask: facePath } },
      { ...wanted, kind: 'training' as const },
    ]) {
      assert.deepEqual(await provider.prepare(other, signal), badInput);
    }
  });
});

describe('a create call at BFL', () => {
  const answer = (status: number): CallFault => ({ kind: 'answer', status });
  const cases: [string, CallFault, object, number][] = [
    ['402', answer(402), { kind: 'out_of_credit' }, 0],
    ['403', answer(403), { kind: 'unauthorized' }, 0],
    ['422', answer(422), { kind: 'bad_input' }, 0],
    ['429', throttled(7), { kind: 'rate_limit', retryAfterMs: 7000 }, 0],
    ['503', answer(503), { kind: 'provider_error', ambiguous: true }, 0],
    [
      'a redirect',
      { kind: 'answer', status: 307, headers: { location: '/v1/flux-dev' } },
      { kind: 'provider_error' },
      0,
    ],
    ['a reset after acceptance', { kind: 'reset_after' }, { kind: 'network', ambiguous: true }, 1],
    ['no answer in time', { kind: 'hang' }, { kind: 'network', ambiguous: true }, 0],
    [
      'an unreadable answer',
      { kind: 'garbled_after' },
      { kind: 'provider_error', ambiguous: true },
      1,
    ],
  ];
  for (const [name, fault, failure, accepted] of cases) {
    it(`that meets ${name} is one request and fails as ${JSON.stringify(failure)}`, async (t) => {
      const { server, provider } = await setUp(t, { callMs: 300 });
      const request = await prepared(provider);
      server.fault('create', fault);
      const outcome = await provider.create(attemptOf(request), signal);
      assert.deepEqual(outcome, { kind: 'failed', failure });
      assert.equal(server.requests.length, 1);
      assert.equal(server.tasks.length, accepted);
    });
  }

  it('that never left is not ambiguous', async (t) => {
    const { server, provider } = await setUp(t);
    const attempt = attemptOf(await prepared(provider));
    const network = { kind: 'failed', failure: { kind: 'network' } };
    assert.deepEqual(await provider.create(attempt, AbortSignal.abort()), network);
    await server.close();
    assert.deepEqual(await provider.create(attempt, signal), network);
  });
});

describe('a look at a task', () => {
  it('that does not succeed says nothing about the task', async (t) => {
    const { server, provider } = await setUp(t, { callMs: 400 });
    const id = await bought(provider);
    server.fault('get', { kind: 'answer', status: 500 }, { kind: 'reset' }, throttled(2));
    const failures = [];
    for (let n = 0; n < 3; n += 1) {
      const outcome = await provider.check(id, signal);
      failures.push(outcome.kind === 'unreachable' ? outcome.failure : outcome);
    }
    assert.deepEqual(failures, [
      { kind: 'provider_error' },
      { kind: 'network' },
      { kind: 'rate_limit', retryAfterMs: 2000 },
    ]);
  });

  it('asks the API itself where the given URL leads elsewhere, or there is none', async (t) => {
    const { server, provider } = await setUp(t);
    const forged = 'http://169.254.169.254/latest/meta-data';
    server.next({ pollingUrl: forged }, { pollingUrl: null });
    for (let n = 0; n < 2; n += 1) {
      const status = await statusAtEnd(provider, await bought(provider));
      assert.equal(status.kind, 'succeeded');
    }
    assert.deepEqual(await provider.check(forged, signal), { kind: 'unknown' });
  });

  const base = 'https://api.bfl.ai';
  const usable = [
    `${base}/v1/get_result?id=1`,
    'https://api.eu4.bfl.ai/v1/get_result?id=1',
    'https://bfl.ai/v1/get_result?id=1',
  ];
  const refused = [
    'http://api.bfl.ai/v1/get_result?id=1',
    'https://api.bfl.ai:8443/v1/get_result?id=1',
    'https://api.bfl.ai.evil.example/v1/get_result?id=1',
    'https://evilbfl.ai/v1/get_result?id=1',
    'https://user@api.bfl.ai/v1/get_result?id=1',
    'https://127.0.0.1/v1/get_result?id=1',
    'https://10.0.0.1/v1/get_result?id=1',
    'http://localhost/v1/get_result?id=1',
    'file:///etc/passwd',
    'nonsense',
  ];

  /** A provider of the real API whose requests are kept from leaving. */
  function openReal(answer: object) {
    const asked: string[] = [];
    const provider = createBflProvider({
      key: 'key',
      baseUrl: base,
      fetch: async (input) => {
        asked.push(String(input));
        return Response.json(answer);
      },
    });
    return { provider, asked };
  }

  it('goes to hosts of BFL over https alone, with the real API', async () => {
    const { provider, asked } = openReal({ status: 'Pending' });
    for (const url of usable) assert.equal((await provider.check(url, signal)).kind, 'seen', url);
    for (const url of refused) {
      assert.equal((await provider.check(url, signal)).kind, 'unknown', url);
    }
    assert.deepEqual(asked, usable);
  });

  it('never keeps a forged URL', async () => {
    for (const polling_url of refused) {
      const { provider } = openReal({ id: 'a b', polling_url });
      const created = await provider.create(attemptOf(await prepared(provider)), signal);
      assert.deepEqual(created, {
        kind: 'created',
        externalId: `${base}/v1/get_result?id=a+b`,
      });
    }
  });

  it('never keeps a name that is too long to be kept', async () => {
    const long = openReal({ id: '1', polling_url: `${usable[0]}${'0'.repeat(1_000)}` });
    assert.deepEqual(await long.provider.create(attemptOf(await prepared(long.provider)), signal), {
      kind: 'created',
      externalId: `${base}/v1/get_result?id=1`,
    });
    const { provider } = openReal({ id: '1'.repeat(101) });
    assert.deepEqual(await provider.create(attemptOf(await prepared(provider)), signal), {
      kind: 'failed',
      failure: { kind: 'provider_error', ambiguous: true },
    });
  });

  it('never leads a download into our own network', async () => {
    const { provider, asked } = openReal({});
    for (const output of ['http://delivery.bfl.ai/x.jpeg', 'https://10.0.0.1/x', 'file:///x']) {
      const outcome = await provider.download(output, join(folder, 'never.jpg'), signal);
      assert.deepEqual(outcome, { kind: 'failed', failure: { kind: 'provider_error' } });
    }
    assert.deepEqual(asked, []);
  });
});

it('a key that cannot be sent is refused without being quoted', () => {
  assert.throws(
    () => createBflProvider({ key: 'secret-key\n', baseUrl: 'http://127.0.0.1:1' }),
    (error) => error instanceof RangeError && !inspect(error).includes('secret-key'),
  );
});
