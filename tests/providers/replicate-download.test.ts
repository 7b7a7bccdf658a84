import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DownloadOutcome } from '../../src/providers/provider.ts';
import {
  createReplicateProvider,
  type ReplicateLimits,
} from '../../src/providers/replicate/replicate-provider.ts';
import { startReplicateServer } from '../support/replicate-server.ts';

const { signal } = new AbortController();
const clip = Buffer.alloc(100_000, 'clip');

/** A finished prediction, and a folder for its clip. */
async function setUp(t: TestContext, limits: Partial<ReplicateLimits> = {}) {
  const server = await startReplicateServer({ makeClip: async () => clip, delayMs: 1 });
  t.after(() => server.close());
  const folder = await mkdtemp(join(tmpdir(), 'replicate-download-'));
  t.after(() => rm(folder, { recursive: true }));
  // Last: a hook that throws keeps the later ones from running.
  t.after(() => assert.deepEqual(server.violations, []));
  const { token, baseUrl } = server;
  const provider = createReplicateProvider({ token, baseUrl, limits });
  const request = { kind: 'prediction', model: 'a/b', input: {}, fingerprint: '' } as const;
  await provider.create({ attemptId: 'a', request, deadlineMs: 60_000 }, signal);
  while (server.running.now > 0) await sleep(5);
  const [prediction] = server.predictions;
  const path = join(folder, 'clip.mp4');
  return {
    server,
    provider,
    path,
    id: prediction?.id ?? '',
    output: String(prediction?.output),
    files: () => readdir(folder),
  };
}

/** A server that answers everything with one answer. */
async function startHost(
  t: TestContext,
  status: number,
  headers: Record<string, string>,
  body: Buffer = clip,
) {
  const authorizations: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    authorizations.push(request.headers.authorization);
    response.writeHead(status, headers).end(body);
  }).listen(0, '127.0.0.1');
  server.unref();
  t.after(() => server.close());
  await new Promise((listening) => server.once('listening', listening));
  const { port } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}`, authorizations };
}

const failed = (kind: string) => ({ kind: 'failed', failure: { kind } });

describe('a download', () => {
  it('puts the whole output at its path, without showing the token to the output host', async (t) => {
    const { server, provider, path, output, files } = await setUp(t);
    server.faultDownload({ kind: 'slow', pauseMs: 5 });
    const outcome = await provider.download(output, path, signal);
    assert.deepEqual(outcome, { kind: 'downloaded', sizeBytes: clip.length });
    assert.deepEqual(await readFile(path), clip);
    assert.deepEqual(await files(), ['clip.mp4']);
    assert.equal(server.requests.at(-1)?.headers.authorization, undefined);
  });

  it('shows the token to the API itself, where files may live', async (t) => {
    const host = await startHost(t, 200, {});
    const { path } = await setUp(t);
    const provider = createReplicateProvider({ token: 'tok', baseUrl: `${host.origin}/v1` });
    await provider.download(`${host.origin}/v1/files/x`, path, signal);
    assert.deepEqual(host.authorizations, ['Bearer tok']);
  });

  it('that is truncated leaves no file', async (t) => {
    const { server, provider, path, output, files } = await setUp(t);
    server.faultDownload({ kind: 'truncated' });
    assert.deepEqual(await provider.download(output, path, signal), failed('network'));
    assert.deepEqual(await files(), []);
    assert.equal((await provider.download(output, path, signal)).kind, 'downloaded');
  });

  it('in which nothing more arrives ends after the idle time and leaves no file', async (t) => {
    const { server, provider, path, output, files } = await setUp(t, { downloadIdleMs: 60 });
    server.faultDownload({ kind: 'stall' });
    assert.deepEqual(await provider.download(output, path, signal), failed('network'));
    assert.deepEqual(await files(), []);
  });

  it('may be slow for longer than the idle time, but not than the whole time', async (t) => {
    const { server, provider, path, output, files } = await setUp(t, {
      downloadIdleMs: 150,
      downloadMs: 1000,
    });
    server.faultDownload({ kind: 'slow', pauseMs: 30 }, { kind: 'slow', pauseMs: 120 });
    assert.equal((await provider.download(output, path, signal)).kind, 'downloaded');
    await rm(path);
    assert.deepEqual(await provider.download(output, path, signal), failed('network'));
    assert.deepEqual(await files(), []);
  });

  it('that grows past the size limit is cut and leaves no file', async (t) => {
    const { provider, path, output, files } = await setUp(t, { downloadBytes: clip.length - 1 });
    assert.deepEqual(await provider.download(output, path, signal), failed('provider_error'));
    assert.deepEqual(await files(), []);
  });

  it('ends early, without a file, when its signal does', async (t) => {
    const { server, provider, path, output, files } = await setUp(t);
    server.faultDownload({ kind: 'stall' });
    const outcome = await provider.download(output, path, AbortSignal.timeout(50));
    assert.deepEqual(outcome, failed('network'));
    assert.deepEqual(await files(), []);
  });

  it('of an output that is gone has lost it; a broken host is a provider error', async (t) => {
    const { server, provider, path, id, output } = await setUp(t);
    server.faultDownload(
      { kind: 'answer', status: 403 },
      { kind: 'answer', status: 410 },
      { kind: 'answer', status: 503 },
    );
    const outcomes: DownloadOutcome[] = [];
    for (let n = 0; n < 3; n += 1) outcomes.push(await provider.download(output, path, signal));
    server.expire(id);
    outcomes.push(await provider.download(output, path, signal));
    assert.deepEqual(outcomes, [
      failed('output_lost'),
      failed('output_lost'),
      failed('provider_error'),
      failed('output_lost'),
    ]);
  });

  it('that is put off tells for how long', async (t) => {
    const { server, provider, path, output, files } = await setUp(t);
    const answer = (status: number, retryAfter?: string) =>
      ({
        kind: 'answer',
        status,
        headers: retryAfter === undefined ? {} : { 'retry-after': retryAfter },
      }) as const;
    server.faultDownload(answer(429, '7'), answer(503, '2'), answer(429), answer(500, '9'));
    const failures: unknown[] = [];
    for (let n = 0; n < 4; n += 1) {
      const outcome = await provider.download(output, path, signal);
      failures.push(outcome.kind === 'failed' ? outcome.failure : outcome);
    }
    assert.deepEqual(failures, [
      { kind: 'rate_limit', retryAfterMs: 7_000 },
      { kind: 'provider_error', retryAfterMs: 2_000 },
      { kind: 'rate_limit' },
      { kind: 'provider_error' },
    ]);
    assert.deepEqual(await files(), []);
  });

  it('of an empty file has lost it', async (t) => {
    const host = await startHost(t, 200, {}, Buffer.alloc(0));
    const { provider, path, files } = await setUp(t);
    assert.deepEqual(
      await provider.download(`${host.origin}/x`, path, signal),
      failed('output_lost'),
    );
    assert.deepEqual(await files(), []);
  });

  it('follows a redirect without the token, and gives up on a circle', async (t) => {
    const { provider, server, path, output } = await setUp(t);
    server.faultDownload({ kind: 'answer', status: 302, headers: { location: output } });
    assert.equal((await provider.download(output, path, signal)).kind, 'downloaded');
    const circle = await startHost(t, 302, { location: '/again' });
    const outcome = await provider.download(`${circle.origin}/start`, path, signal);
    assert.deepEqual(outcome, failed('provider_error'));
    assert.equal(circle.authorizations.length, 4);
  });
});

describe('a download from the real provider', () => {
  const forbidden = [
    'http://replicate.delivery/clip.mp4',
    'https://127.0.0.1/clip.mp4',
    'https://2130706433/clip.mp4',
    'https://10.1.2.3/clip.mp4',
    'https://169.254.169.254/latest/meta-data',
    'https://[::1]/clip.mp4',
    'https://[::ffff:10.0.0.1]/clip.mp4',
    'https://[fd00::1]/clip.mp4',
    'https://localhost/clip.mp4',
    'https://localhost./clip.mp4',
    'https://postgres/clip.mp4',
    'https://metadata.google.internal/clip.mp4',
    'file:///etc/passwd',
    'data:video/mp4;base64,AAAA',
    'no url',
  ];

  /** Stands in for the network: it records what was asked, and redirects once when told to. */
  async function setUpReal(
    t: TestContext,
    location?: string,
    baseUrl = 'https://api.replicate.com/v1',
  ) {
    const folder = await mkdtemp(join(tmpdir(), 'replicate-download-'));
    t.after(() => rm(folder, { recursive: true }));
    const asked: string[] = [];
    const provider = createReplicateProvider({
      token: 'tok',
      baseUrl,
      fetch: async (input, init) => {
        const authorization = new Headers(init?.headers).get('authorization');
        asked.push(`${input} ${authorization}`);
        return location && asked.length === 1
          ? new Response(null, { status: 302, headers: { location } })
          : new Response(clip);
      },
    });
    return { provider, asked, path: join(folder, 'clip.mp4') };
  }

  for (const output of forbidden) {
    it(`never asks for ${output}, not even behind a redirect`, async (t) => {
      const direct = await setUpReal(t);
      const outcome = await direct.provider.download(output, direct.path, signal);
      assert.deepEqual(outcome, failed('provider_error'));
      assert.deepEqual(direct.asked, []);
      if (output === 'no url') return;
      const hidden = await setUpReal(t, output);
      const start = 'https://replicate.delivery/a';
      const redirected = await hidden.provider.download(start, hidden.path, signal);
      assert.deepEqual(redirected, failed('provider_error'));
      assert.deepEqual(hidden.asked, [`${start} null`]);
    });
  }

  it("takes outputs from the API's own host", async (t) => {
    const { provider, asked, path } = await setUpReal(t);
    const output = 'https://api.replicate.com/v1/files/x';
    assert.equal((await provider.download(output, path, signal)).kind, 'downloaded');
    assert.deepEqual(asked, [`${output} Bearer tok`]);
  });

  for (const baseUrl of [
    'http://replicate:8080/v1',
    'http://stand-in.example.com/v1',
    'https://10.0.0.5/v1',
    'http://[::1]:9000/v1',
  ]) {
    it(`takes them from anywhere when a stand-in at ${baseUrl} names them`, async (t) => {
      const { provider, asked, path } = await setUpReal(t, undefined, baseUrl);
      const { origin } = new URL(baseUrl);
      const outputs = [`${origin}/out.mp4`, 'http://outputs:9000/b.mp4', 'https://10.1.2.3/c.mp4'];
      for (const output of outputs) {
        assert.equal((await provider.download(output, path, signal)).kind, 'downloaded', output);
      }
      assert.deepEqual(asked, [
        `${outputs[0]} Bearer tok`,
        `${outputs[1]} null`,
        `${outputs[2]} null`,
      ]);
      assert.equal((await provider.download('file:///x', path, signal)).kind, 'failed');
    });
  }

  it('takes outputs from public hosts over https', async (t) => {
    const { provider, asked, path } = await setUpReal(t, 'https://x.replicate.delivery/clip.mp4');
    const outcome = await provider.download('https://replicate.delivery/a', path, signal);
    assert.deepEqual(outcome, { kind: 'downloaded', sizeBytes: clip.length });
    assert.deepEqual(asked, [
      'https://replicate.delivery/a null',
      'https://x.replicate.delivery/clip.mp4 null',
    ]);
  });
});
