import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { downloadFile, MAX_DOWNLOAD_BYTES } from '../../src/bot/download.ts';
import { createTransport } from '../../src/bot/transport.ts';
import { testToken } from '../support/sandbox.ts';
import { FAST, startRig } from './rig.ts';

const never = new AbortController().signal;
const BYTES = Buffer.from(Array.from({ length: 200_000 }, (_, index) => index % 251));

async function withFile(t: TestContext) {
  const rig = await startRig(t);
  rig.person(1, 'Ann');
  const { document } = rig.server.sendDocument(1, BYTES, { fileName: 'a.jpg' });
  const path = join(rig.dir, 'got.jpg');
  const fetchFile = (signal = never) =>
    rig.bot.chatPort.fetchFile(document?.file_id ?? '', path, signal);
  const asked = () => rig.server.calls.filter(({ method }) => method === 'getFile').length;
  /** Nothing half-done lies around. */
  const files = async () => (await readdir(rig.dir)).filter((name) => name.startsWith('got'));
  return { rig, path, fetchFile, asked, files };
}

test('a file arrives whole', async (t) => {
  const { path, fetchFile, files } = await withFile(t);
  assert.deepEqual(await fetchFile(), { kind: 'fetched', sizeBytes: BYTES.length });
  assert.deepEqual(await readFile(path), BYTES);
  assert.deepEqual(await files(), ['got.jpg']);
});

describe('a download that fails is begun anew, with a fresh address:', () => {
  for (const kind of ['404', 'truncate', 'reset'] as const) {
    test(kind, async (t) => {
      const { rig, path, fetchFile, asked } = await withFile(t);
      rig.server.faults.addDownload({ kind, times: 2 });
      assert.deepEqual(await fetchFile(), { kind: 'fetched', sizeBytes: BYTES.length });
      assert.deepEqual(await readFile(path), BYTES);
      assert.equal(asked(), 3);
    });
  }

  test('and after three attempts somebody else decides when to go on', async (t) => {
    const { rig, fetchFile, files } = await withFile(t);
    rig.server.faults.addDownload({ kind: 'truncate', times: 3 });
    assert.equal((await fetchFile()).kind, 'later');
    assert.deepEqual(await files(), []);
  });
});

test('a file that Telegram no longer has is gone', async (t) => {
  const { rig } = await withFile(t);
  const outcome = await rig.bot.chatPort.fetchFile('no-such-file', join(rig.dir, 'x'), never);
  assert.deepEqual(outcome, { kind: 'gone' });
});

test('a file over 20 MB is too big, and nothing is fetched', async (t) => {
  const { rig, asked } = await withFile(t);
  const sizeBytes = MAX_DOWNLOAD_BYTES + 1;
  const { document } = rig.server.sendDocument(1, { sizeBytes }, { fileName: 'big.zip' });
  const outcome = await rig.bot.chatPort.fetchFile(
    document?.file_id ?? '',
    join(rig.dir, 'x'),
    never,
  );
  assert.deepEqual(outcome, { kind: 'too_big' });
  assert.equal(asked(), 1);
});

test('flood control is passed on with the time Telegram asks for', async (t) => {
  const { rig, fetchFile } = await withFile(t);
  rig.server.faults.add({ kind: '429', retryAfter: 90, method: 'getFile' });
  assert.deepEqual(await fetchFile(), { kind: 'later', retryAfterMs: 90_000 });
});

test('the address, which holds the token, is never logged', async (t) => {
  const { rig, fetchFile } = await withFile(t);
  rig.server.faults.addDownload({ kind: 'reset', times: 3 });
  rig.server.faults.add({ kind: 'reset', method: 'getFile', times: 4 });
  await fetchFile();
  const secret = testToken.split(':')[1] ?? '';
  assert.ok(rig.logged.length > 0);
  assert.ok(!rig.logged.some((line) => line.includes(secret)));
});

describe('a server that does not behave:', () => {
  /** A Bot API server that knows one file and does with its download what it likes. */
  async function against(t: TestContext, download: RequestListener, file: object = {}) {
    const rig = await startRig(t, { start: false });
    const server = createServer((request, response) => {
      if (request.url?.startsWith('/file/')) return download(request, response);
      const result = { file_id: 'f', file_unique_id: 'u', file_path: 'photos/a.jpg', ...file };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ ok: true, result }));
    });
    server.listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const apiRoot = `http://127.0.0.1:${port}`;
    const { api } = createTransport({ token: testToken, apiRoot, retryPauseMs: 1 });
    const silent = () => {};
    const log = { debug: silent, info: silent, warn: silent, error: silent };
    const path = join(rig.dir, 'got.jpg');
    const fetchFile = (signal: AbortSignal = never) =>
      downloadFile({ api, log, timings: FAST.download }, 'f', path, signal);
    return { rig, path, fetchFile };
  }

  test('one that sends more than 20 MB is cut off', async (t) => {
    let sent = 0;
    const { rig, fetchFile } = await against(t, (_, response) => {
      const chunk = Buffer.alloc(1024 * 1024);
      const more = () => {
        while (sent < 60 && !response.destroyed) {
          sent += 1;
          if (!response.write(chunk)) return void response.once('drain', more);
        }
        response.end();
      };
      more();
    });
    assert.deepEqual(await fetchFile(), { kind: 'too_big' });
    assert.ok(sent < 60, `${sent} MB were sent`);
    assert.deepEqual(
      (await readdir(rig.dir)).filter((name) => name.startsWith('got')),
      [],
    );
  });

  for (const [what, wrong] of [
    ['a page of somebody else', '<html>Try again later</html>'],
    ['only the beginning', BYTES.subarray(0, 6_000)],
    ['nothing', ''],
  ] as const) {
    test(`one that once gives ${what}: the file is asked for again`, async (t) => {
      const answers = [wrong, BYTES];
      const download: RequestListener = (_, response) => response.end(answers.shift());
      const { path, fetchFile } = await against(t, download, { file_size: BYTES.length });
      assert.deepEqual(await fetchFile(), { kind: 'fetched', sizeBytes: BYTES.length });
      assert.deepEqual(await readFile(path), BYTES);
    });
  }

  test('one that announces another size than there is: what comes thrice is the file', async (t) => {
    let downloads = 0;
    const download: RequestListener = (_, response) => {
      downloads += 1;
      response.end(BYTES);
    };
    const { fetchFile } = await against(t, download, { file_size: 1 });
    assert.deepEqual(await fetchFile(), { kind: 'fetched', sizeBytes: BYTES.length });
    assert.equal(downloads, 3);
  });

  test('one that falls silent is given up', async (t) => {
    const { fetchFile } = await against(t, (_, response) => {
      response.write('beginning');
    });
    const began = Date.now();
    assert.equal((await fetchFile()).kind, 'later');
    assert.ok(Date.now() - began < 3_000);
  });

  test('one that redirects elsewhere is not followed', async (t) => {
    let followed = false;
    const { fetchFile } = await against(t, (request, response) => {
      followed ||= request.url?.includes('elsewhere') === true;
      response.writeHead(302, { location: '/file/elsewhere' }).end('x');
    });
    assert.equal((await fetchFile()).kind, 'later');
    assert.equal(followed, false);
  });

  test('one on this machine, which tells a path: the file is copied', async (t) => {
    const source = await startRig(t, { start: false });
    const local = join(source.dir, 'local.jpg');
    await writeFile(local, BYTES);
    const { path, fetchFile } = await against(t, (_, response) => response.end(), {
      file_path: local,
    });
    assert.deepEqual(await fetchFile(), { kind: 'fetched', sizeBytes: BYTES.length });
    assert.deepEqual(await readFile(path), BYTES);
    assert.deepEqual(await readFile(local), BYTES);
  });

  test('one elsewhere, whose path begins with a slash: the file is downloaded', async (t) => {
    const asked: (string | undefined)[] = [];
    const { path, fetchFile } = await against(
      t,
      (request, response) => {
        asked.push(request.url);
        response.end(BYTES);
      },
      { file_path: '/photos/a.jpg' },
    );
    assert.deepEqual(await fetchFile(), { kind: 'fetched', sizeBytes: BYTES.length });
    assert.deepEqual(await readFile(path), BYTES);
    assert.deepEqual(asked, [`/file/bot${testToken}/photos/a.jpg`]);
  });

  test('and whoever is stopped meanwhile stops at once', async (t) => {
    const { fetchFile } = await against(t, () => {});
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 50);
    const began = Date.now();
    assert.equal((await fetchFile(stop.signal)).kind, 'later');
    assert.ok(Date.now() - began < 250);
  });
});
