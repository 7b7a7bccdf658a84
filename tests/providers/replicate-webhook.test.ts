import assert from 'node:assert/strict';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createReplicateProvider } from '../../src/providers/replicate/replicate-provider.ts';
import { createWebhookVerifier } from '../../src/providers/replicate/webhook.ts';
import { createWebhookReceiver } from '../../src/providers/replicate/webhook-receiver.ts';
import {
  type PredictionScript,
  refusals,
  signWebhook,
  startReplicateServer,
} from '../support/replicate-server.ts';

const { signal } = new AbortController();
const secret = `whsec_${Buffer.from('a key of ours, long enough').toString('base64')}`;
const body = JSON.stringify({ id: 'p1', status: 'succeeded', output: 'https://x.example/a.mp4' });
const rejected = (reason: string) => ({ kind: 'rejected', reason });

describe('a webhook', () => {
  const verifier = createWebhookVerifier({ secret });

  it('that is signed tells what became of the prediction', () => {
    const verified = {
      kind: 'verified',
      prediction: {
        id: 'p1',
        status: { kind: 'succeeded', output: 'https://x.example/a.mp4' },
      },
    };
    assert.deepEqual(verifier.verify(body, signWebhook(secret, body)), verified);
    assert.deepEqual(verifier.verify(Buffer.from(body), signWebhook(secret, body)), verified);
  });

  it('is found signed under header names in any case, by any of several signatures', () => {
    const headers = signWebhook(secret, body);
    assert.equal(
      verifier.verify(body, {
        'Webhook-Id': headers['webhook-id'],
        'Webhook-Timestamp': headers['webhook-timestamp'],
        'Webhook-Signature': `v1,AAAA v2,BBBB ${headers['webhook-signature']}`,
        'x-absent': undefined,
      }).kind,
      'verified',
    );
  });

  it('with another body, id, key or signature than was signed is rejected', () => {
    const headers = signWebhook(secret, body);
    const foreign = signWebhook(`whsec_${Buffer.from('another').toString('base64')}`, body);
    for (const [text, given] of [
      [body.replace('p1', 'p2'), headers],
      [`${body} `, headers],
      ['', headers],
      [body, { ...headers, 'webhook-id': 'msg_other' }],
      [body, { ...headers, 'webhook-timestamp': `${Number(headers['webhook-timestamp']) + 1}` }],
      [body, { ...headers, 'webhook-signature': 'v1,' }],
      [body, { ...headers, 'webhook-signature': 'nonsense' }],
      [body, foreign],
    ] as const) {
      assert.deepEqual(verifier.verify(text, given), rejected('unverified'));
    }
  });

  it('that was signed in 1970, ten minutes ago, or ten minutes ahead is rejected', () => {
    for (const signedAt of [0, Date.now() - 600_000, Date.now() + 600_000]) {
      const headers = signWebhook(secret, body, new Date(signedAt));
      assert.deepEqual(verifier.verify(body, headers), rejected('unverified'));
    }
  });

  it('without a signature is rejected as such', () => {
    const { 'webhook-signature': signature, ...rest } = signWebhook(secret, body);
    assert.ok(signature);
    assert.deepEqual(verifier.verify(body, rest), rejected('unsigned'));
    assert.deepEqual(verifier.verify(body, {}), rejected('unsigned'));
  });

  it('of a training is told by its address, by the address in it, or by its routes', () => {
    const { webhook, urls } = {
      webhook: 'https://bot.example/replicate/webhook?attempt=a&kind=training',
      urls: { get: 'https://api.replicate.com/v1/trainings/t1' },
    };
    const idOf = (object: object, kind?: string) => {
      const text = JSON.stringify({ id: 't1', status: 'failed', ...object });
      const outcome = verifier.verify(text, signWebhook(secret, text), kind);
      return outcome.kind === 'verified' ? outcome.prediction.id : outcome;
    };
    assert.equal(idOf({}, 'training'), 'training:t1');
    assert.equal(idOf({ webhook }), 'training:t1');
    assert.equal(idOf({ urls }), 'training:t1');
    const predicted = { get: 'https://api.replicate.com/v1/predictions/t1' };
    assert.equal(idOf({ urls: predicted }, 'training'), 'training:t1');
    assert.equal(idOf({ urls: predicted }), 't1');
    assert.equal(idOf({ urls: 'odd' }), 't1');
  });

  it('that is signed but holds no prediction is unreadable', () => {
    for (const text of ['no json', '{}', '[]', '{"id":""}', '']) {
      assert.deepEqual(verifier.verify(text, signWebhook(secret, text)), rejected('unreadable'));
    }
  });
});

describe('the webhook secret', () => {
  it('comes from the API, or a failure does', async (t) => {
    const server = await startReplicateServer();
    t.after(() => server.close());
    const { token, baseUrl } = server;
    const provider = createReplicateProvider({ token, baseUrl });
    assert.deepEqual(await provider.fetchWebhookSecret(signal), {
      kind: 'fetched',
      secret: server.webhookSecret,
    });
    server.fault('secret', refusals.unavailable, { kind: 'answer', status: 200, body: {} });
    for (let n = 0; n < 2; n += 1) {
      assert.deepEqual(await provider.fetchWebhookSecret(signal), {
        kind: 'failed',
        failure: { kind: 'provider_error' },
      });
    }
    assert.deepEqual(server.violations, []);
  });
});

describe('the receiver of webhooks', () => {
  const fetched = { kind: 'fetched', secret } as const;
  const away = { kind: 'failed', failure: { kind: 'network' } } as const;
  const bytes = Buffer.from(body);

  /** A receiver whose key is asked for with `answer`, and how often it was. */
  function setUpReceiver(answer: (call: number) => unknown, pauseMs = 10_000) {
    const asked = { count: 0 };
    const receiver = createWebhookReceiver({
      fetchSecret: async () => {
        asked.count += 1;
        const given = await answer(asked.count);
        return given === fetched ? fetched : given === away ? away : assert.fail('no answer');
      },
      pauseMs,
      log: { warn: () => undefined },
    });
    const receive = (headers: Record<string, string> = signWebhook(secret, body), kind?: string) =>
      receiver.receive(bytes, headers, kind);
    return { asked, receive };
  }

  it('asks for the key once, however many come', async () => {
    const { asked, receive } = setUpReceiver(() => sleep(20, fetched));
    const outcomes = await Promise.all([receive(), receive(), receive()]);
    outcomes.push(await receive());
    assert.deepEqual(
      outcomes.map(({ kind }) => kind),
      ['verified', 'verified', 'verified', 'verified'],
    );
    assert.equal(asked.count, 1);
  });

  it('asks for no key when the headers already say that it is none', async () => {
    const { asked, receive } = setUpReceiver(() => fetched);
    const { 'webhook-id': id, ...rest } = signWebhook(secret, body);
    assert.ok(id);
    assert.deepEqual(await receive(rest), rejected('unsigned'));
    for (const time of ['soon', '0', String(Math.floor(Date.now() / 1000) + 600)]) {
      const off: Record<string, string> = { ...rest, 'webhook-id': id, 'webhook-timestamp': time };
      assert.deepEqual(await receive(off), rejected('unverified'), time);
    }
    assert.equal(asked.count, 0);
  });

  it('puts webhooks off while there is no key, and asks again only after a pause', async () => {
    const { asked, receive } = setUpReceiver((call) => (call === 1 ? away : fetched), 150);
    assert.deepEqual(await Promise.all([receive(), receive()]), [
      { kind: 'later' },
      { kind: 'later' },
    ]);
    assert.deepEqual(await receive(), { kind: 'later' });
    assert.equal(asked.count, 1);
    await sleep(200);
    assert.equal((await receive()).kind, 'verified');
    assert.equal(asked.count, 2);
  });

  it('gives a training the id that it was bought with', async () => {
    const { receive } = setUpReceiver(() => fetched);
    const received = await receive(signWebhook(secret, body), 'training');
    assert.ok(received.kind === 'verified');
    assert.equal(received.prediction.id, 'training:p1');
  });

  it('puts them off as well when asking breaks', async () => {
    const { receive } = setUpReceiver(() => Promise.reject(new Error('broken')));
    assert.deepEqual(await receive(), { kind: 'later' });
  });
});

describe('webhooks as the scripted server sends them', () => {
  /** Renders one prediction and gives the webhooks that came, with what the verifier says. */
  async function receive(t: TestContext, script: PredictionScript, count: number) {
    const received: { url: string; body: string; headers: IncomingHttpHeaders }[] = [];
    const receiver = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const text = Buffer.concat(chunks).toString();
      received.push({ url: request.url ?? '', body: text, headers: request.headers });
      response.end();
    }).listen(0, '127.0.0.1');
    receiver.unref();
    t.after(() => receiver.close());
    await new Promise((listening) => receiver.once('listening', listening));
    const { port } = receiver.address() as AddressInfo;

    const server = await startReplicateServer({ delayMs: 1 });
    t.after(() => server.close());
    server.next(script);
    const { token, baseUrl, webhookSecret } = server;
    const publicUrl = `http://127.0.0.1:${port}`;
    const provider = createReplicateProvider({ token, baseUrl, publicUrl });
    const request = { kind: 'prediction', model: 'a/b', input: {}, fingerprint: '' } as const;
    await provider.create({ attemptId: 'a1', request, deadlineMs: 60_000 }, signal);
    for (let n = 0; n < 100 && received.length < count; n += 1) await sleep(10);
    const verifier = createWebhookVerifier({ secret: webhookSecret });
    assert.deepEqual(server.violations, []);
    return received.map(({ url, body: text, headers }) => {
      const flat = Object.entries(headers).map(([name, value]) => [name, String(value)]);
      return { url, outcome: verifier.verify(text, Object.fromEntries(flat)) };
    });
  }

  it('verify, carry the attempt, and may come twice', async (t) => {
    const received = await receive(t, { outcome: 'aborted', webhook: { copies: 2 } }, 2);
    assert.equal(received.length, 2);
    for (const { url, outcome } of received) {
      assert.equal(url, '/replicate/webhook?attempt=a1');
      assert.equal(outcome.kind, 'verified');
      if (outcome.kind !== 'verified') continue;
      const { status } = outcome.prediction;
      assert.deepEqual(status, { kind: 'failed', failure: { kind: 'timeout' } });
    }
  });

  it('are rejected when forged or old', async (t) => {
    for (const signature of ['forged', 'old'] as const) {
      const received = await receive(t, { outcome: 'fail', webhook: { signature } }, 1);
      assert.deepEqual(
        received.map(({ outcome }) => outcome),
        [rejected('unverified')],
      );
    }
  });
});
