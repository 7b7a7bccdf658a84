import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { fingerprintOf } from '../../src/providers/fingerprint.ts';
import type { Attempt, PreparedRequest } from '../../src/providers/provider.ts';
import {
  createReplicateProvider,
  type ReplicateDeps,
  type ReplicateProvider,
} from '../../src/providers/replicate/replicate-provider.ts';
import { callsTo, createdId, lookupOf, statusAtEnd } from '../support/provider-calls.ts';
import {
  type CallFault,
  type ReplicateServer,
  type ReplicateServerOptions,
  refusals,
  startReplicateServer,
  throttled,
} from '../support/replicate-server.ts';

const { signal } = new AbortController();
const clip = Buffer.from('the bytes of a clip, long enough to be cut in half');
const model = 'kwaivgi/kling-v2.5-turbo-pro';
const kind = 'prediction' as const;
const folder = await mkdtemp(join(tmpdir(), 'replicate-provider-'));
after(() => rm(folder, { recursive: true }));

let photos = 0;
async function photo(content = `photo ${photos}`): Promise<string> {
  photos += 1;
  const path = join(folder, `photo-${photos}.jpg`);
  await writeFile(path, content);
  return path;
}

/** A server and a provider for it; at the end of the test neither may have broken a rule. */
async function setUp(
  t: TestContext,
  options: ReplicateServerOptions = {},
  deps: Partial<ReplicateDeps> = {},
): Promise<{ server: ReplicateServer; provider: ReplicateProvider }> {
  const server = await startReplicateServer({ makeClip: async () => clip, ...options });
  t.after(() => server.close());
  t.after(() => assert.deepEqual(server.violations, []));
  const { token, baseUrl } = server;
  const log = { warn: (fields: object) => assert.ok(!inspect(fields).includes(token)) };
  return { server, provider: createReplicateProvider({ token, baseUrl, log, ...deps }) };
}

async function prepared(provider: ReplicateProvider): Promise<PreparedRequest> {
  const outcome = await provider.prepare(
    {
      kind: 'prediction',
      model,
      input: { prompt: 'a slow morph', duration: 5 },
      files: { start_image: await photo(), end_image: await photo() },
    },
    signal,
  );
  assert.equal(outcome.kind, 'prepared');
  return outcome.kind === 'prepared' ? outcome.request : assert.fail();
}

let attempts = 0;
function attempt(request: Partial<PreparedRequest> = {}): Attempt {
  attempts += 1;
  const asked = { kind: 'prediction', model, input: { prompt: `prompt ${attempts}` }, ...request };
  const fingerprint = fingerprintOf(asked.model, asked.input);
  return {
    attemptId: `attempt-${attempts}`,
    request: { ...asked, kind: 'prediction', fingerprint, ...request },
    deadlineMs: 15 * 60_000,
  };
}

describe('a prediction', () => {
  it('goes from photos to a downloaded clip', async (t) => {
    let seen = '';
    const { server, provider } = await setUp(t, {
      makeClip: async ({ startImage, endImage, seconds }) => {
        seen = `${startImage} to ${endImage} in ${seconds} s`;
        return clip;
      },
    });
    const first = photos;
    const id = await createdId(provider, attempt(await prepared(provider)));
    const status = await statusAtEnd(provider, id);
    assert.equal(status.kind, 'succeeded');
    if (status.kind !== 'succeeded') return;
    assert.equal(seen, `photo ${first} to photo ${first + 1} in 5 s`);

    const path = join(folder, 'clip.mp4');
    assert.deepEqual(await provider.download(String(status.output), path, signal), {
      kind: 'downloaded',
      sizeBytes: clip.length,
    });
    assert.equal(server.predictions[0]?.model, model);
    assert.equal(callsTo(server, 'create')[0]?.headers['cancel-after'], '16m');
  });

  it('names its attempt in the webhook when we can be reached, and has none otherwise', async (t) => {
    const { server, provider } = await setUp(t, {}, { publicUrl: 'https://bot.example/' });
    const { token, baseUrl } = server;
    await createdId(provider, { ...attempt(), attemptId: 'a&b' });
    await createdId(createReplicateProvider({ token, baseUrl }), attempt());
    assert.deepEqual(
      server.predictions.map(({ webhook }) => webhook),
      ['https://bot.example/replicate/webhook?attempt=a%26b', undefined],
    );
    assert.equal(server.predictions[0]?.attempt, 'a&b');
  });

  it('of a model that is named with a version goes to the route for versions', async (t) => {
    const { server, provider } = await setUp(t);
    const version = 'a'.repeat(64);
    await createdId(provider, attempt({ model: `someone/model:${version}` }));
    assert.equal(callsTo(server, 'create')[0]?.path, '/predictions');
    assert.equal(server.predictions[0]?.model, 'someone/model');
    assert.equal(server.predictions[0]?.version, version);
  });

  it('is running while it is queued or works', async (t) => {
    const { server, provider } = await setUp(t);
    server.next({ outcome: 'hang', delayMs: 40 });
    const id = await createdId(provider, attempt());
    const running = { kind: 'seen', status: { kind: 'running' } };
    assert.deepEqual(await provider.check(id, signal), running);
    await sleep(60);
    assert.equal(server.predictions[0]?.status, 'processing');
    assert.deepEqual(await provider.check(id, signal), running);
  });

  it('that was cancelled is seen as cancelled, and cancelling again or an unknown one is fine', async (t) => {
    const { server, provider } = await setUp(t);
    server.next({ outcome: 'hang' });
    const id = await createdId(provider, attempt());
    for (const each of [id, id, 'unknown']) {
      assert.deepEqual(await provider.cancel(each, signal), { kind: 'stopped' });
    }
    assert.deepEqual(await statusAtEnd(provider, id), { kind: 'cancelled' });
    assert.ok(server.predictions[0]?.cancelledAt);
    assert.equal(server.running.now, 0);
  });

  it('gives its output as the model gave it', async (t) => {
    const { server, provider } = await setUp(t);
    const outputs = ['https://a.example/1.mp4', ['one', 'two'], { text: 'three' }];
    server.next(...outputs.map((value) => ({ value })));
    for (const output of outputs) {
      const status = await statusAtEnd(provider, await createdId(provider, attempt()));
      assert.deepEqual(status, { kind: 'succeeded', output });
    }
  });
});

describe('a failed prediction', () => {
  const texts: [string, string][] = [
    ['The input or output was flagged as sensitive. Please try again. (E005) (x1)', 'moderation'],
    ['NSFW content detected', 'moderation'],
    ['Rejected by content moderation', 'moderation'],
    ['Timeout starting prediction. (E6716)', 'provider_error'],
    ['Out of memory (E1001)', 'provider_error'],
    ['Service is temporarily unavailable due to high demand. (E003)', 'provider_error'],
    ['Invalid image: timed out while reading', 'provider_error'],
    ['Unsupported image format', 'bad_input'],
    ['cannot identify image file <_io.BytesIO>', 'bad_input'],
    ['Image dimensions must be at least 300px', 'bad_input'],
    ['list index out of range', 'provider_error'],
  ];
  for (const [error, kind] of texts) {
    it(`with "${error}" is a ${kind}`, async (t) => {
      const { server, provider } = await setUp(t, { delayMs: 1 });
      server.next({ outcome: 'fail', error });
      assert.deepEqual(await statusAtEnd(provider, await createdId(provider, attempt())), {
        kind: 'failed',
        failure: { kind },
      });
    });
  }

  it('that was aborted before it started is a timeout', async (t) => {
    const { server, provider } = await setUp(t);
    server.next({ outcome: 'aborted' });
    assert.deepEqual(await statusAtEnd(provider, await createdId(provider, attempt())), {
      kind: 'failed',
      failure: { kind: 'timeout' },
    });
  });

  it('that ran into its own deadline is a timeout, not a cancel', async (t) => {
    const { server, provider } = await setUp(t);
    const now = new Date().toISOString();
    server.fault('get', {
      kind: 'answer',
      status: 200,
      body: { id: 'x', status: 'canceled', output: null, completed_at: now, deadline: now },
    });
    assert.deepEqual(await provider.check('x', signal), {
      kind: 'seen',
      status: { kind: 'failed', failure: { kind: 'timeout' } },
    });
  });

  it('whose output was deleted has lost it; one that is not known may yet appear', async (t) => {
    const { server, provider } = await setUp(t);
    server.next({ expired: true });
    const lost = { kind: 'failed', failure: { kind: 'output_lost' } };
    assert.deepEqual(await statusAtEnd(provider, await createdId(provider, attempt())), lost);
    assert.deepEqual(await provider.check('unknown', signal), { kind: 'unknown' });
  });
});

describe('a create call', () => {
  const cases: [string, CallFault, object, number][] = [
    ['402', refusals.outOfCredit, { kind: 'out_of_credit' }, 0],
    ['422', refusals.invalidInput, { kind: 'bad_input' }, 0],
    ['404', { kind: 'answer', status: 404 }, { kind: 'bad_input' }, 0],
    ['401', { kind: 'answer', status: 401 }, { kind: 'unauthorized' }, 0],
    ['429', throttled(7), { kind: 'rate_limit', retryAfterMs: 7000 }, 0],
    ['503', refusals.unavailable, { kind: 'provider_error', ambiguous: true }, 0],
    [
      'a redirect',
      { kind: 'answer', status: 307, headers: { location: '/v1/elsewhere' } },
      { kind: 'provider_error' },
      0,
    ],
    ['a reset', { kind: 'reset' }, { kind: 'network', ambiguous: true }, 0],
    ['a reset after acceptance', { kind: 'reset_after' }, { kind: 'network', ambiguous: true }, 1],
    ['no answer in time', { kind: 'hang' }, { kind: 'network', ambiguous: true }, 0],
    [
      'no answer to an accepted one',
      { kind: 'hang_after' },
      { kind: 'network', ambiguous: true },
      1,
    ],
    [
      'an unreadable answer',
      { kind: 'garbled_after' },
      { kind: 'provider_error', ambiguous: true },
      1,
    ],
  ];
  for (const [name, fault, failure, accepted] of cases) {
    it(`that meets ${name} is one request and fails as ${JSON.stringify(failure)}`, async (t) => {
      const { server, provider } = await setUp(t, {}, { limits: { callMs: 150 } });
      server.faultAlways('create', fault);
      assert.deepEqual(await provider.create(attempt(), signal), { kind: 'failed', failure });
      assert.equal(callsTo(server, 'create').length, 1);
      assert.equal(server.requests.length, 1);
      assert.equal(server.predictions.length, accepted);
    });
  }

  it('reads how long to wait from a date, from the body, and from the sentence', async (t) => {
    const { server, provider } = await setUp(t);
    const date = new Date(Date.now() + 60_000).toUTCString();
    server.fault(
      'create',
      { kind: 'answer', status: 429, headers: { 'retry-after': date } },
      { kind: 'answer', status: 429, body: { retry_after: 5 } },
      { kind: 'answer', status: 429, body: { detail: 'Your rate limit resets in ~30s.' } },
      { kind: 'answer', status: 429 },
    );
    const waits = [];
    for (let n = 0; n < 4; n += 1) {
      const outcome = await provider.create(attempt(), signal);
      waits.push(outcome.kind === 'failed' ? outcome.failure.retryAfterMs : outcome);
    }
    const [dated, ...rest] = waits;
    assert.ok(typeof dated === 'number' && dated > 50_000 && dated <= 60_000, String(dated));
    assert.deepEqual(rest, [5000, 30_000, undefined]);
  });

  it('that never left is not ambiguous: refused connection, or a signal already aborted', async (t) => {
    const { server, provider } = await setUp(t);
    const aborted = await provider.create(attempt(), AbortSignal.abort());
    assert.deepEqual(aborted, { kind: 'failed', failure: { kind: 'network' } });
    await server.close();
    const refused = await provider.create(attempt(), signal);
    assert.deepEqual(refused, { kind: 'failed', failure: { kind: 'network' } });
  });
});

describe('find', () => {
  it('adopts, by its attempt id, the prediction whose create answer was lost', async (t) => {
    const { server, provider } = await setUp(t, {}, { publicUrl: 'https://bot.example' });
    const lost = attempt();
    server.fault('create', { kind: 'reset_after' });
    await provider.create(lost, signal);
    await createdId(provider, { ...attempt(), request: lost.request });
    assert.deepEqual(await provider.find(lookupOf(lost), signal), {
      kind: 'found',
      externalId: server.predictions[0]?.id,
    });
    assert.equal(server.predictions.length, 2);
  });

  it('adopts it by its input when there are no webhooks, but not one that is claimed', async (t) => {
    const { server, provider } = await setUp(t);
    const lost = attempt();
    const older = await createdId(provider, lost);
    server.fault('create', { kind: 'reset_after' });
    await provider.create(lost, signal);
    const newer = await createdId(provider, lost);
    const found = await provider.find(lookupOf(lost, [older, newer]), signal);
    assert.deepEqual(found, { kind: 'found', externalId: server.predictions[1]?.id });
  });

  it('is absent when no prediction has this model with every field', async (t) => {
    const { provider } = await setUp(t);
    const lost = attempt();
    const { request } = lost;
    await createdId(provider, attempt());
    await createdId(provider, attempt({ ...request, model: 'other/model' }));
    await createdId(provider, attempt({ ...request, input: { ...request.input, prompt: 'x' } }));
    assert.deepEqual(await provider.find(lookupOf(lost), signal), { kind: 'absent' });
  });

  it('knows it by its digest when only the names of its fields are left', async (t) => {
    const { provider } = await setUp(t);
    const lost = attempt();
    await createdId(provider, attempt());
    const externalId = await createdId(provider, lost);
    await createdId(provider, attempt());
    const purged = { ...lost, request: { ...lost.request, input: { prompt: '' } } };
    assert.deepEqual(await provider.find(lookupOf(purged), signal), { kind: 'found', externalId });
  });

  it('compares lists by what is in them', async (t) => {
    const { provider } = await setUp(t, { schemasDir: '' });
    const of = (images: string[]) => attempt({ input: { images } });
    const id = await createdId(provider, of(['one', 'two']));
    const found = await provider.find(lookupOf(of(['one', 'two'])), signal);
    assert.deepEqual(found, { kind: 'found', externalId: id });
    for (const images of [['two', 'one'], ['one'], []]) {
      assert.deepEqual(await provider.find(lookupOf(of(images)), signal), { kind: 'absent' });
    }
  });

  it('does not take a prediction of another attempt with the same input', async (t) => {
    const { provider } = await setUp(t, {}, { publicUrl: 'https://bot.example' });
    const lost = attempt();
    await createdId(provider, { ...attempt(), request: lost.request });
    assert.deepEqual(await provider.find(lookupOf(lost), signal), { kind: 'absent' });
  });

  it('follows the pages of the listing', async (t) => {
    const { server, provider } = await setUp(t, { pageSize: 2 });
    const lost = attempt();
    const id = await createdId(provider, lost);
    for (let n = 0; n < 4; n += 1) await createdId(provider, attempt());
    assert.deepEqual(await provider.find(lookupOf(lost), signal), {
      kind: 'found',
      externalId: id,
    });
    assert.equal(callsTo(server, 'list').length, 3);
  });

  it('never follows a page to another host, and then concludes nothing', async (t) => {
    const { server, provider } = await setUp(t);
    const next = `${server.outputsUrl}/v1/predictions?cursor=2`;
    server.fault('list', { kind: 'answer', status: 200, body: { next, results: [] } });
    assert.deepEqual(await provider.find(lookupOf(attempt()), signal), {
      kind: 'failed',
      failure: { kind: 'provider_error' },
    });
    assert.equal(server.requests.length, 1);
  });

  it('reads no further than the time of the attempt, nor without end', async (t) => {
    const { server, provider } = await setUp(t);
    const page = (created_at: string): CallFault => ({
      kind: 'answer',
      status: 200,
      body: {
        next: `${server.baseUrl}/predictions?cursor=2`,
        results: [{ id: 'x', status: 'failed', created_at }],
      },
    });
    server.fault('list', page('2020-01-01T00:00:00Z'));
    assert.deepEqual(await provider.find(lookupOf(attempt()), signal), { kind: 'absent' });
    assert.equal(callsTo(server, 'list').length, 1);

    server.faultAlways('list', page('2999-01-01T00:00:00Z'));
    const outcome = await provider.find(lookupOf(attempt()), signal);
    assert.deepEqual(outcome, { kind: 'failed', failure: { kind: 'provider_error' } });
    assert.equal(callsTo(server, 'list').length, 21);
  });

  it('concludes nothing when the listing cannot be read', async (t) => {
    const { server, provider } = await setUp(t);
    const refused = (status: number): CallFault => ({ kind: 'answer', status });
    server.fault('list', refusals.unavailable, { kind: 'reset' }, refused(400), refused(422));
    for (const kind of ['provider_error', 'network', 'provider_error', 'provider_error']) {
      const outcome = await provider.find(lookupOf(attempt()), signal);
      assert.deepEqual(outcome, { kind: 'failed', failure: { kind } });
    }
  });

  for (const status of [404, 405, 501]) {
    it(`tells a server without a listing (${status}) from one in trouble`, async (t) => {
      const { server, provider } = await setUp(t);
      server.fault('list', { kind: 'answer', status });
      const outcome = await provider.find(lookupOf(attempt()), signal);
      assert.deepEqual(outcome, { kind: 'failed', failure: { kind: 'bad_input' } });
    });
  }

  it('does not take a page that is gone for a server without a listing', async (t) => {
    const { server, provider } = await setUp(t);
    const next = `${server.baseUrl}/predictions?cursor=gone`;
    server.fault(
      'list',
      { kind: 'answer', status: 200, body: { next, results: [] } },
      { kind: 'answer', status: 404 },
    );
    const outcome = await provider.find(lookupOf(attempt()), signal);
    assert.deepEqual(outcome, { kind: 'failed', failure: { kind: 'provider_error' } });
  });
});

describe('a look at a prediction', () => {
  it('that does not succeed says nothing about the prediction', async (t) => {
    const { server, provider } = await setUp(t, {}, { limits: { callMs: 400 } });
    const id = await createdId(provider, attempt());
    server.fault('get', refusals.unavailable, { kind: 'reset' }, { kind: 'hang' }, throttled(2));
    const failures = [];
    for (let n = 0; n < 4; n += 1) {
      const outcome = await provider.check(id, signal);
      failures.push(outcome.kind === 'unreachable' ? outcome.failure : outcome);
    }
    assert.deepEqual(failures, [
      { kind: 'provider_error' },
      { kind: 'network' },
      { kind: 'network' },
      { kind: 'rate_limit', retryAfterMs: 2000 },
    ]);
    assert.equal(callsTo(server, 'get').length, 4);
  });

  it('ends early when its signal does', async (t) => {
    const { server, provider } = await setUp(t);
    server.fault('get', { kind: 'hang' });
    const outcome = await provider.check('x', AbortSignal.timeout(30));
    assert.deepEqual(outcome, { kind: 'unreachable', failure: { kind: 'network' } });
  });
});

describe('prepare', () => {
  const files = async () => ({ start_image: await photo() });

  it('uploads a photo once for all the transitions that show it, also at the same moment', async (t) => {
    const { server, provider } = await setUp(t);
    const [a, b, c] = [await photo(), await photo(), await photo()];
    const ask = (start_image: string, end_image: string) =>
      provider.prepare({ kind, model, input: {}, files: { start_image, end_image } }, signal);
    const outcomes = [...(await Promise.all([ask(a, b), ask(b, c)])), await ask(c, a)];
    assert.equal(callsTo(server, 'upload').length, 3);
    const inputs = outcomes.map((outcome) =>
      outcome.kind === 'prepared' ? outcome.request.input : assert.fail(),
    );
    assert.equal(inputs[0]?.['end_image'], inputs[1]?.['start_image']);
    assert.equal(inputs[2]?.['end_image'], inputs[0]?.['start_image']);
  });

  it('uploads again when the file is about to expire, or was written anew', async (t) => {
    const short = await setUp(t, { fileLifetimeMs: 10 * 60_000 });
    const once = { kind, model, input: {}, files: await files() };
    await short.provider.prepare(once, signal);
    await short.provider.prepare(once, signal);
    assert.equal(callsTo(short.server, 'upload').length, 2);

    const { server, provider } = await setUp(t);
    await provider.prepare(once, signal);
    await writeFile(once.files.start_image, 'another picture');
    const outcome = await provider.prepare(once, signal);
    if (outcome.kind !== 'prepared') return assert.fail();
    const url = String(outcome.request.input['start_image']);
    assert.equal(server.fileBytes(url)?.toString(), 'another picture');
  });

  it('sends each file as what it is, and several of one field in their order', async (t) => {
    const { server, provider } = await setUp(t);
    const names = [
      'a.jpg',
      'b.PNG',
      'c.webp',
      'd.zip',
      'e.mp3',
      'f.ogg',
      'g.wav',
      'h.m4a',
      'i.mp4',
    ];
    const paths = await Promise.all(
      names.map(async (name) => {
        const path = join(folder, `photo-${name}`);
        await writeFile(path, `content of ${name}`);
        return path;
      }),
    );
    const files = { images: paths, [`image`]: paths[0] ?? '' };
    const outcome = await provider.prepare({ kind, model, input: {}, files }, signal);
    if (outcome.kind !== 'prepared') return assert.fail();
    const { images, image } = outcome.request.input;
    assert.ok(Array.isArray(images));
    const contents = images.map((url) => server.fileBytes(url)?.toString());
    assert.deepEqual(
      contents,
      names.map((name) => `content of ${name}`),
    );
    assert.equal(image, images[0]);
    assert.equal(callsTo(server, 'upload').length, names.length);
  });

  it('streams an archive of 60 MB, and gives it more time than other calls', async (t) => {
    const { server, provider } = await setUp(t, {}, { limits: { callMs: 1 } });
    const archive = join(folder, 'photo-archive.zip');
    await writeFile(archive, Buffer.alloc(60_000_000, 7));
    const request = { kind, model, input: {}, files: { input_images: archive } };
    const outcome = await provider.prepare(request, signal);
    if (outcome.kind !== 'prepared') return assert.fail(inspect(outcome));
    const url = String(outcome.request.input['input_images']);
    assert.equal(server.fileBytes(url)?.length, 60_000_000);

    server.fault('upload', { kind: 'answer', status: 503 });
    await writeFile(archive, Buffer.alloc(1_000_001, 7));
    const refused = { kind: 'failed', failure: { kind: 'provider_error' } };
    assert.deepEqual(await provider.prepare(request, signal), refused);
  });

  it('falls back to a data URI where the files endpoint does not work', async (t) => {
    const { server, provider } = await setUp(t);
    const request = { kind, model, input: {}, files: { start_image: await photo('pixels') } };
    const start_image = `data:image/jpeg;base64,${Buffer.from('pixels').toString('base64')}`;
    for (const status of [404, 405, 501, 503]) {
      server.fault('upload', { kind: 'answer', status });
      const outcome = await provider.prepare(request, signal);
      if (outcome.kind !== 'prepared') return assert.fail();
      assert.deepEqual(outcome.request.input, { start_image });
    }
  });

  it('fails, without buying or remembering anything, on other errors', async (t) => {
    const { server, provider } = await setUp(t);
    const request = { kind, model, input: {}, files: await files() };
    server.fault('upload', { kind: 'reset' }, throttled(3), { kind: 'answer', status: 401 });
    const failures = [];
    for (let n = 0; n < 3; n += 1) {
      const outcome = await provider.prepare(request, signal);
      failures.push(outcome.kind === 'failed' ? outcome.failure : outcome);
    }
    assert.deepEqual(failures, [
      { kind: 'network' },
      { kind: 'rate_limit', retryAfterMs: 3000 },
      { kind: 'unauthorized' },
    ]);
    assert.equal((await provider.prepare(request, signal)).kind, 'prepared');
  });

  it('of one order that gives up does not take the upload from another', async (t) => {
    const { server, provider } = await setUp(t);
    const request = { kind, model, input: {}, files: await files() };
    const givingUp = new AbortController();
    const first = provider.prepare(request, givingUp.signal);
    const second = provider.prepare(request, signal);
    givingUp.abort();
    assert.deepEqual(await first, { kind: 'failed', failure: { kind: 'network' } });
    assert.equal((await second).kind, 'prepared');
    assert.equal(callsTo(server, 'upload').length, 1);
  });

  it('gives a fingerprint of model and fields, whatever their order', async (t) => {
    const { provider } = await setUp(t);
    const fingerprint = async (name: string, input: Record<string, string | number>) => {
      const outcome = await provider.prepare({ kind, model: name, input, files: {} }, signal);
      return outcome.kind === 'prepared' ? outcome.request.fingerprint : assert.fail();
    };
    const one = await fingerprint(model, { a: 1, b: '2' });
    assert.match(one, /^[0-9a-f]{64}$/);
    assert.equal(await fingerprint(model, { b: '2', a: 1 }), one);
    assert.notEqual(await fingerprint(model, { a: '1', b: '2' }), one);
    assert.notEqual(await fingerprint('other/model', { a: 1, b: '2' }), one);
  });
});

describe('the token', () => {
  it('is in no outcome, however a call fails', async (t) => {
    const echo = (token: string): CallFault => ({ kind: 'answer', status: 400, body: { token } });
    const { server, provider } = await setUp(t, {}, { limits: { callMs: 100 } });
    server.fault('create', echo(server.token), refusals.unavailable, { kind: 'reset' });
    server.fault('get', echo(server.token), { kind: 'hang' });
    server.fault('secret', echo(server.token));
    const outcomes: unknown[] = [];
    for (let n = 0; n < 3; n += 1) outcomes.push(await provider.create(attempt(), signal));
    for (let n = 0; n < 2; n += 1) outcomes.push(await provider.check('x', signal));
    outcomes.push(await provider.fetchWebhookSecret(signal), provider);
    const shown = inspect(outcomes, { depth: 10, showHidden: true }) + JSON.stringify(outcomes);
    assert.ok(!shown.includes(server.token));
  });

  it('is refused without being quoted when it cannot be sent', () => {
    const token = 'r8_secret\n';
    assert.throws(
      () => createReplicateProvider({ token, baseUrl: 'http://127.0.0.1:1/v1' }),
      (error) => error instanceof RangeError && !inspect(error).includes('r8_secret'),
    );
  });
});

it('what a person wrote is in no log, also where Replicate quotes it', async (t) => {
  const told: object[] = [];
  const log = { warn: (fields: object) => void told.push(fields) };
  const { server, provider } = await setUp(t, {}, { log });
  const quoted = 'a secret garden';
  const refused: CallFault = { kind: 'answer', status: 422, body: { detail: `bad: ${quoted}` } };
  server.fault('create', refused);
  await provider.create(attempt(), signal);
  server.next({ outcome: 'fail', error: `${quoted} was flagged as sensitive. (E005)` });
  await statusAtEnd(provider, await createdId(provider, attempt()));
  assert.deepEqual(
    told.map((fields) => ({ ...fields, attemptId: '', externalId: '', model: '' })),
    [
      { attemptId: '', externalId: '', model: '', status: 422, failure: 'bad_input' },
      { attemptId: '', externalId: '', model: '', code: 'E005', failure: 'moderation' },
    ],
  );
});

it('leaves only the clips that were downloaded', async () => {
  const names = await readdir(folder);
  assert.deepEqual(
    names.filter((name) => !name.startsWith('photo-')),
    ['clip.mp4'],
  );
});
