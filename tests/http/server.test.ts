import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { afterEach, describe, test } from 'node:test';
import { DrizzleQueryError } from 'drizzle-orm';
import {
  createHttpServer,
  type HttpServer,
  type HttpServerDeps,
  type WebhookAnswer,
} from '../../src/http/server.ts';

const ATTEMPT = '0b0e7a52-8a6e-4b6e-9d0a-5f3c7d1e2a90';

const started: HttpServer[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.stop()));
});

describe('/healthz', () => {
  test('answers 200 with the parts as long as all is well', async () => {
    const { url } = await serve({
      health: async () => ({ ok: true, parts: { database: 'ok', waitingSteps: 3 } }),
    });
    const response = await fetch(`${url}/healthz`);
    assert.equal(response.status, 200);
    assert.deepEqual(await response.json(), { status: 'ok', database: 'ok', waitingSteps: 3 });
  });

  test('answers 503 with the parts when something is wrong', async () => {
    const { url } = await serve({
      health: async () => ({ ok: false, parts: { database: 'down' } }),
    });
    const response = await fetch(`${url}/healthz`);
    assert.equal(response.status, 503);
    assert.deepEqual(await response.json(), { status: 'failing', database: 'down' });
  });

  test('answers 503 and nothing of the reason when the check itself breaks', async () => {
    const { url, errors } = await serve({
      health: async () => {
        throw new Error('password=hunter2');
      },
    });
    const response = await fetch(`${url}/healthz`);
    assert.equal(response.status, 503);
    assert.equal(await response.text(), '{"status":"failing"}');
    assert.equal(errors.length, 1);
  });

  test('answers 503 when the check hangs', async (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const asked = Promise.withResolvers<void>();
    const { url } = await serve({
      health: () => {
        asked.resolve();
        return new Promise(() => undefined);
      },
    });
    const response = fetch(`${url}/healthz`);
    await asked.promise;
    context.mock.timers.tick(5_000);
    assert.equal((await response).status, 503);
  });
});

describe('/replicate/webhook', () => {
  test('hands over the body byte by byte, the headers in lower case, the attempt and its kind', async () => {
    const seen: unknown[] = [];
    const { url } = await serve({
      webhook: async (body, headers, about) => {
        seen.push(body.toString(), headers['webhook-id'], about);
        return 'accepted';
      },
    });
    const body = '{"id":"x",\n "output": "ü\\u00fc" }';
    const response = await fetch(`${url}/replicate/webhook?attempt=${ATTEMPT}`, {
      method: 'POST',
      headers: { 'Webhook-Id': 'msg_1' },
      body,
    });
    assert.equal(response.status, 200);
    assert.deepEqual(seen, [body, 'msg_1', { attemptId: ATTEMPT, kind: undefined }]);
    await fetch(`${url}/replicate/webhook?attempt=${ATTEMPT}&kind=training`, {
      method: 'POST',
      body,
    });
    assert.deepEqual(seen.at(-1), { attemptId: ATTEMPT, kind: 'training' });
  });

  for (const [answer, status] of [
    ['accepted', 200],
    ['rejected', 401],
    ['later', 503],
  ] as const) {
    test(`answers ${status} to what is ${answer}`, async () => {
      const { url } = await serve({ webhook: async () => answer });
      assert.equal(
        (await post(`${url}/replicate/webhook?attempt=${ATTEMPT}`, '{}')).status,
        status,
      );
    });
  }

  test('answers 500 without a word of the reason when handling breaks, so that it comes again', async () => {
    const { url, errors } = await serve({
      webhook: async () => {
        throw new Error('token r8_secret');
      },
    });
    const response = await post(`${url}/replicate/webhook?attempt=${ATTEMPT}`, '{}');
    assert.equal(response.status, 500);
    assert.equal(await response.text(), '{"error":"internal"}');
    assert.equal(errors.length, 1);
  });

  test('takes one mebibyte and refuses one byte more, announced or not', async () => {
    let longest = 0;
    const { url } = await serve({
      webhook: async (body) => {
        longest = Math.max(longest, body.length);
        return 'accepted';
      },
    });
    const address = `${url}/replicate/webhook?attempt=${ATTEMPT}`;
    const limit = 1_048_576;
    assert.equal((await post(address, 'x'.repeat(limit))).status, 200);
    assert.equal((await post(address, 'x'.repeat(limit + 1))).status, 413);
    assert.equal((await post(address, streamOf(limit + 1))).status, 413);
    assert.equal(longest, limit);
  });

  test('is no address without the id of an attempt, or where no webhook is expected', async () => {
    let calls = 0;
    const webhook = async (): Promise<WebhookAnswer> => {
      calls++;
      return 'accepted';
    };
    const { url } = await serve({ webhook });
    const { url: without } = await serve({});
    for (const address of [
      `${url}/replicate/webhook`,
      `${url}/replicate/webhook?attempt=`,
      `${url}/replicate/webhook?attempt=1%20or%201`,
      `${without}/replicate/webhook?attempt=${ATTEMPT}`,
    ]) {
      assert.equal((await post(address, '{}')).status, 404, address);
    }
    assert.equal((await fetch(`${url}/replicate/webhook?attempt=${ATTEMPT}`)).status, 404);
    assert.equal(calls, 0);
  });
});

test('everything else is 404, and no answer says what serves it', async () => {
  const { url } = await serve({});
  for (const path of ['/', '/admin', '/healthz/x', '/..%2f..%2fetc/passwd']) {
    const response = await fetch(`${url}${path}`);
    assert.equal(response.status, 404, path);
    assert.equal(response.headers.get('server'), null);
    assert.equal(response.headers.get('x-powered-by'), null);
    assert.equal(await response.text(), '{"error":"not found"}');
  }
});

test('a port that is taken is named', async () => {
  const { port } = await serve({});
  const second = createHttpServer({ ...quiet(), port, hostname: '127.0.0.1' });
  await assert.rejects(second.start(), {
    message: `Port ${port} is in use by another process: choose another PORT`,
  });
});

test('stopping lets a running request end', async () => {
  const asked = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const { url, server } = await serve({
    health: async () => {
      asked.resolve();
      await release.promise;
      return { ok: true, parts: {} };
    },
  });
  const response = fetch(`${url}/healthz`);
  await asked.promise;
  const stopped = server.stop();
  release.resolve();
  assert.equal((await response).status, 200);
  await stopped;
  await assert.rejects(fetch(`${url}/healthz`));
});

test('stopping does not wait for a client that never finishes', async () => {
  const { port, server } = await serve({});
  const socket = connect(port, '127.0.0.1');
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.on('error', () => undefined).write('GET /healthz HTTP/1.1\r\nHost: x\r\n');
  await new Promise((resolve) => setTimeout(resolve, 50));
  await Promise.all([server.stop(), closed]);
});

test('what breaks is logged without the words of people', async () => {
  const fail = async (): Promise<never> => {
    throw new DrizzleQueryError('select $1', ['Masha'], new Error('no such column'));
  };
  const { url, errors } = await serve({ health: fail, webhook: fail });
  await fetch(`${url}/healthz`);
  await post(`${url}/replicate/webhook?attempt=${ATTEMPT}`, '{}');
  assert.equal(errors.length, 2);
  assert.match(JSON.stringify(errors), /no such column.*no such column/);
  assert.doesNotMatch(JSON.stringify(errors), /Masha/);
});

async function serve(deps: Partial<HttpServerDeps>) {
  const errors: unknown[] = [];
  const server = createHttpServer({
    ...quiet(),
    log: { error: (fields) => errors.push(fields) },
    ...deps,
  });
  const port = await server.start();
  started.push(server);
  return { server, port, url: `http://127.0.0.1:${port}`, errors };
}

function quiet(): HttpServerDeps {
  return {
    port: 0,
    hostname: '127.0.0.1',
    health: async () => ({ ok: true, parts: {} }),
    log: { error: () => undefined },
  };
}

function post(url: string, body: string | ReadableStream): Promise<Response> {
  return fetch(url, { method: 'POST', body, duplex: 'half' });
}

/** Sent in chunks, without a length said beforehand. */
function streamOf(sizeBytes: number): ReadableStream {
  let left = sizeBytes;
  return new ReadableStream({
    pull(controller) {
      const chunk = Math.min(left, 65_536);
      if (chunk === 0) return controller.close();
      left -= chunk;
      controller.enqueue(new Uint8Array(chunk));
    },
  });
}
