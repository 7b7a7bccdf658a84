import assert from 'node:assert/strict';
import { access, mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { FfmpegError } from '../../src/media/ffmpeg.ts';
import type { Morpher, MorphJob } from '../../src/media/morpher/morpher.ts';
import { createLocalProvider } from '../../src/providers/local/local-provider.ts';
import type { Attempt, PreparedRequest } from '../../src/providers/provider.ts';
import { useDirectory } from '../support/pictures.ts';

const MODEL = 'morphogram/local';
const signal = new AbortController().signal;
const wanted = {
  kind: 'prediction',
  model: MODEL,
  input: { seconds: 2, fps: 30, aspect_ratio: '9:16', prompt: 'ignored' },
  files: { first_frame: '/photos/1.jpg', last_frame: '/photos/2.jpg' },
} as const;

/** An engine whose clips are done when the test says so. */
function createSlowEngine() {
  const jobs: MorphJob[] = [];
  const ends: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const morpher: Pick<Morpher, 'morph'> = {
    async morph(job) {
      jobs.push(job);
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      ends.push({ resolve, reject });
      job.signal?.addEventListener('abort', () => reject(new Error('aborted')));
      await promise;
      await mkdir(dirname(job.output), { recursive: true });
      await writeFile(job.output, `clip of ${job.from}`);
      return { info: clipInfo, method: 'field' };
    },
  };
  return { morpher, jobs, ends };
}
const clipInfo = {
  ...{ width: 720, height: 1280, rotation: 0, durationSeconds: 2, frames: 60 },
  ...{ fps: { numerator: 30, denominator: 1 }, timeBase: { numerator: 1, denominator: 15360 } },
  ...{ codec: 'h264', profile: 'High', pixFmt: 'yuv420p', sar: '1:1', reorderFrames: 2 },
  ...{ decoderSetup: '', colour: {}, hasAudio: false, sizeBytes: 1 },
};

function open(directory: string) {
  const engine = createSlowEngine();
  const provider = createLocalProvider({
    morpher: engine.morpher,
    model: MODEL,
    directory,
    log: { warn: () => undefined },
  });
  return { ...engine, provider };
}

async function prepared(provider: ReturnType<typeof open>['provider']): Promise<PreparedRequest> {
  const outcome = await provider.prepare(wanted, signal);
  assert.ok(outcome.kind === 'prepared');
  return outcome.request;
}
const attemptOf = (request: PreparedRequest, attemptId = 'attempt-1'): Attempt => ({
  attemptId,
  request,
  deadlineMs: 60_000,
});

async function statusOf(provider: ReturnType<typeof open>['provider'], id: string) {
  const looked = await provider.check(id, signal);
  assert.ok(looked.kind === 'seen');
  return looked.status;
}
/** What it is once it is not running any more. */
async function settled(provider: ReturnType<typeof open>['provider'], id: string) {
  for (;;) {
    const status = await statusOf(provider, id);
    if (status.kind !== 'running') return status;
    await sleep(5);
  }
}

describe('the engine of this machine as a provider', () => {
  test('renders what was asked for, in the shape of the canvas, and hands the clip over', async () => {
    await using directory = await useDirectory();
    const { provider, jobs, ends } = open(join(directory.path, 'predictions'));
    const created = await provider.create(attemptOf(await prepared(provider)), signal);
    assert.deepEqual(created, { kind: 'created', externalId: 'attempt-1' });
    assert.equal((await statusOf(provider, 'attempt-1')).kind, 'running');
    const { signal: _signal, output: _output, ...job } = jobs[0] ?? assert.fail();
    assert.deepEqual(job, {
      from: '/photos/1.jpg',
      to: '/photos/2.jpg',
      width: 720,
      height: 1280,
      seconds: 2,
      fps: 30,
    });
    ends[0]?.resolve();
    const status = await settled(provider, 'attempt-1');
    assert.ok(status.kind === 'succeeded');
    const path = join(directory.path, 'clips', '0.mp4');
    const downloaded = await provider.download(String(status.output), path, signal);
    assert.equal(downloaded.kind, 'downloaded');
    assert.equal(await readFile(path, 'utf8'), 'clip of /photos/1.jpg');
    await assert.rejects(access(String(status.output)), 'nothing of it stays behind');
  });

  test('takes up what a killed process left unrendered, under the same id', async () => {
    await using directory = await useDirectory();
    const killed = open(directory.path);
    await killed.provider.create(attemptOf(await prepared(killed.provider)), signal);
    const { provider, jobs, ends } = open(directory.path);
    const lost = { ...attemptOf(await prepared(provider)), createdAfter: new Date(0) };
    const claimed = new Set<string>();
    assert.deepEqual(await provider.find({ ...lost, claimed }, signal), {
      kind: 'found',
      externalId: 'attempt-1',
    });
    assert.deepEqual(await provider.find({ ...lost, claimed, attemptId: 'attempt-2' }, signal), {
      kind: 'absent',
    });
    assert.equal((await statusOf(provider, 'attempt-1')).kind, 'running');
    assert.equal((await statusOf(provider, 'attempt-1')).kind, 'running');
    assert.equal(jobs.length, 1, 'however often it is looked at');
    ends[0]?.resolve();
    assert.equal((await settled(provider, 'attempt-1')).kind, 'succeeded');
  });

  test('says when a clip could not be rendered, so that another attempt is made', async () => {
    await using directory = await useDirectory();
    const { provider, ends } = open(directory.path);
    await provider.create(attemptOf(await prepared(provider)), signal);
    ends[0]?.reject(new Error('no frames'));
    assert.deepEqual(await settled(provider, 'attempt-1'), {
      kind: 'failed',
      failure: { kind: 'provider_error' },
    });
  });

  test('renders again what found no room on the disk', async () => {
    await using directory = await useDirectory();
    const { provider, jobs, ends } = open(directory.path);
    await provider.create(attemptOf(await prepared(provider)), signal);
    ends[0]?.reject(new FfmpegError('disk_full', 'no room'));
    while (jobs.length < 2) {
      assert.equal((await statusOf(provider, 'attempt-1')).kind, 'running');
      await sleep(5);
    }
    ends[1]?.resolve();
    assert.equal((await settled(provider, 'attempt-1')).kind, 'succeeded');
  });

  test('stops what is cancelled and forgets it', async () => {
    await using directory = await useDirectory();
    const { provider, jobs } = open(directory.path);
    await provider.create(attemptOf(await prepared(provider)), signal);
    assert.deepEqual(await provider.cancel('attempt-1', signal), { kind: 'stopped' });
    assert.equal(jobs[0]?.signal?.aborted, true);
    assert.deepEqual(await settled(provider, 'attempt-1'), {
      kind: 'failed',
      failure: { kind: 'output_lost' },
    });
    assert.deepEqual(await provider.cancel('never-made', signal), { kind: 'stopped' });
  });

  test('refuses what it cannot render: other models, other fields, trainings', async () => {
    await using directory = await useDirectory();
    const { provider } = open(directory.path);
    const bad = { kind: 'failed', failure: { kind: 'bad_input' } };
    assert.deepEqual(await provider.prepare({ ...wanted, model: 'kling' }, signal), bad);
    assert.deepEqual(await provider.prepare({ ...wanted, kind: 'training' }, signal), bad);
    assert.deepEqual(await provider.prepare({ ...wanted, files: {} }, signal), bad);
    const input = { ...wanted.input, aspect_ratio: '21:9' };
    assert.deepEqual(await provider.prepare({ ...wanted, input }, signal), bad);
    await assert.rejects(provider.check('../secrets', signal), RangeError);
  });

  test('keeps a clip that nobody takes for two hours', async () => {
    await using directory = await useDirectory();
    const { provider, ends } = open(directory.path);
    const request = await prepared(provider);
    for (const id of ['old', 'young']) {
      await provider.create(attemptOf(request, id), signal);
      ends.at(-1)?.resolve();
      await settled(provider, id);
    }
    const long = new Date(Date.now() - 3 * 3_600_000);
    await utimes(join(directory.path, 'old'), long, long);
    await provider.create(attemptOf(request, 'next'), signal);
    assert.deepEqual((await readdir(directory.path)).sort(), ['next', 'young']);
    await provider.cancel('next', signal);
  });

  test('are removed at the start, too: there may never be a next prediction', async () => {
    await using directory = await useDirectory();
    const long = new Date(Date.now() - 3 * 3_600_000);
    for (const id of ['old', 'young']) await mkdir(join(directory.path, id));
    await utimes(join(directory.path, 'old'), long, long);
    open(directory.path);
    while ((await readdir(directory.path)).includes('old')) await sleep(5);
    assert.deepEqual(await readdir(directory.path), ['young']);
  });
});
