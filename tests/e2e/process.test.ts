import assert from 'node:assert/strict';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ON_SERVER, prepareTestDatabase } from '../support/database.ts';
import {
  accepted,
  asked,
  assertNothingBoughtTwice,
  beginMorph,
  makePhotos,
  meet,
  orderMorph,
  PATIENCE,
  receiveMorph,
  until,
  words,
} from '../support/morphs.ts';
import { startProcess } from '../support/processes.ts';
import { signWebhook } from '../support/replicate-server.ts';
import { prepareWhole, type Whole } from '../support/whole.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');

it('a missing or bad setting ends the start with one sentence that names it', async (t) => {
  const place = await prepareTestDatabase();
  t.after(() => place.remove());
  const good = { BOT_TOKEN: '1:a', REPLICATE_API_TOKEN: 'r8_x', ...place.env };
  const bad: readonly [name: string, env: Record<string, string>][] = [
    ['BOT_TOKEN', { BOT_TOKEN: '' }],
    ['REPLICATE_API_TOKEN', { REPLICATE_API_TOKEN: '', MORPH_ENGINE: 'replicate' }],
    ['MARKUP', { MARKUP: '-1' }],
  ];
  const starts = bad.map(async ([name, wrong]) => {
    const bot = startProcess(MAIN, { env: { ...good, ...wrong } });
    const { code } = await bot.exited;
    assert.equal(code, 1, name);
    assert.match(bot.output(), new RegExp(`^${name} [^\n]+\\.\n$`));
  });
  await Promise.all(starts);
});

it('the real process serves, is looked after, and goes politely', async (t) => {
  const whole = await prepareWhole(t, { delayMs: 500 });
  const { telegram, replicate } = whole;
  const first = await whole.start({ LOG_LEVEL: 'trace' });
  const logs = [first];

  await t.test('/healthz says ok, and nothing else is there', async () => {
    const { port } = upLine(first.output());
    const health = await fetch(`http://127.0.0.1:${port}/healthz`);
    assert.equal(health.status, 200);
    assert.deepEqual(await health.json(), { status: 'ok', database: 'ok' });
    const other = await fetch(`http://127.0.0.1:${port}/replicate/webhook`, { method: 'POST' });
    assert.equal(other.status, 404, 'no webhook without PUBLIC_URL');
  });

  await t.test(
    'a second process on the same DATA_DIR says so and ends',
    { skip: ON_SERVER },
    async () => {
      const second = startProcess(MAIN, {
        env: { BOT_TOKEN: '1:a', REPLICATE_API_TOKEN: 'r8_x', ...whole.place.env },
      });
      assert.equal((await second.exited).code, 1);
      assert.match(second.output(), /^[^\n]* is in use by another running process[^\n]*\n$/);
      const ann = await meet(whole);
      ann.say('/balance');
      await ann.waitForMessage({ text: /Your balance/ }, PATIENCE);
    },
  );

  const ann = await meet(whole, { stars: '500' });
  await t.test('SIGTERM while it renders: predictions go on and are picked up', async () => {
    replicate.script(() => ({ delayMs: 4_000 }));
    await orderMorph(ann, { photos: await makePhotos(3) });
    await until(() => replicate.predictions.length === 2, 'both transitions render');
    const askedAt = Date.now();
    await whole.stop();
    assert.ok(Date.now() - askedAt < 10_000, `${Date.now() - askedAt} ms`);
    assert.equal(replicate.running.now, 2, 'nothing was cancelled');
    logs.push(await whole.start({ LOG_LEVEL: 'trace' }));
    await receiveMorph(ann);
    assert.equal(replicate.predictions.length, 2);
  });

  await t.test('SIGTERM while a video is uploaded: it is sent once', async () => {
    replicate.script(() => undefined);
    const bob = await meet(whole, { stars: '50' });
    telegram.faults.add({ kind: 'delay', ms: 1_500, method: 'sendVideo' });
    await orderMorph(bob, { photos: await makePhotos(2) });
    await until(() => asked(telegram, 'sendVideo', bob.id).length > 0, 'the upload began');
    const askedAt = Date.now();
    await whole.stop();
    assert.ok(Date.now() - askedAt < 10_000, `${Date.now() - askedAt} ms`);
    logs.push(await whole.start({ LOG_LEVEL: 'trace' }));
    await receiveMorph(bob);
    assert.equal(accepted(telegram, 'sendVideo', bob.id).length, 1);
    assert.equal(accepted(telegram, 'sendDocument', bob.id).length, 1);
  });

  await t.test('no log holds a token, a file address or what a person wrote', async () => {
    telegram.faults.add({ kind: 'reset', method: 'getFile' });
    telegram.faults.addDownload({ kind: '404' });
    telegram.faults.add({ kind: '5xx', method: 'sendMessage', times: 10 });
    const { message_id } = ann.say('my secret is tangerine');
    await until(() => telegram.faults.pending <= 4, 'Telegram was broken');
    telegram.faults.clear();
    await beginMorph(ann);
    ann.sendFile((await makePhotos(1))[0] ?? assert.fail(), 'tangerine.jpg', 'image/jpeg');
    await ann.waitForMessage({ text: words.en.counted(1) }, { ...PATIENCE, after: message_id });
    await whole.stop();
    const output = logs.map((bot) => bot.output()).join('\n');
    assert.ok(output.length > 0);
    for (const secret of ['TEST-token', replicate.token, '/file/bot', 'tangerine']) {
      assert.ok(!output.includes(secret), `${secret} in the log:\n${output}`);
    }
  });
  assertNothingBoughtTwice(replicate);

  await t.test('ledger:audit finds no difference', async () => {
    const audit = startProcess(MAIN, { args: ['ledger:audit'], env: whole.place.env });
    assert.equal((await audit.exited).code, 0, audit.output());
    assert.match(audit.output(), /No differences/);
  });
});

it('webhooks: true ones end the waiting, forged and old ones are refused', async (t) => {
  const whole = await prepareWhole(t, { delayMs: 1_500 });
  const { replicate } = whole;
  const port = await freePort();
  await whole.start({ PORT: String(port), PUBLIC_URL: `http://127.0.0.1:${port}` });
  const ann = await meet(whole, { stars: '200' });
  replicate.next(
    { webhook: { signature: 'forged' } },
    { webhook: { signature: 'old' } },
    { webhook: { copies: 3 } },
  );
  await orderMorph(ann, { photos: await makePhotos(4) });
  await receiveMorph(ann);
  await until(() => replicate.deliveries.length >= 5, 'all webhooks were delivered');
  const results = replicate.predictions.map(({ id }) =>
    replicate.deliveries
      .filter(({ predictionId }) => predictionId === id)
      .map(({ result }) => result),
  );
  assert.deepEqual(results, [[401], [401], [200, 200, 200]]);

  await t.test('unsigned and unreadable ones are refused as well', async () => {
    const [prediction] = replicate.predictions;
    assert.ok(prediction?.webhook, 'the address was given');
    const body = JSON.stringify({ id: 'nobody-knows', status: 'succeeded' });
    const unknown = await fetch(prediction.webhook, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
    });
    assert.equal(unknown.status, 401, 'unsigned');
    const junk = await fetch(prediction.webhook, {
      method: 'POST',
      body: 'junk',
      headers: signWebhook(replicate.webhookSecret, 'junk'),
    });
    assert.equal(junk.status, 401, 'signed, but no prediction');
  });
  await whole.stop();
  await whole.audit();
});

it('a database that is gone for ten seconds loses nothing', { skip: !ON_SERVER }, async (t) => {
  const whole = await prepareWhole(t, { quick: true, delayMs: 3_000 });
  const { replicate } = whole;
  const proxy = await startProxy(t, whole);
  await whole.start({ DATABASE_URL: proxy.url });
  const [ann, bob] = [await meet(whole, { stars: '200' }), await meet(whole, { stars: '200' })];
  await beginMorph(bob);
  await orderMorph(ann, { photos: await makePhotos(4) });
  await until(() => replicate.predictions.length === 3, 'everything renders');
  proxy.cut();
  bob.sendPhotos(await makePhotos(10), { album: true });
  await sleep(10_000);
  proxy.mend();
  await bob.waitForMessage({ text: words.en.counted(10) }, PATIENCE);
  await receiveMorph(ann);
  assertNothingBoughtTwice(replicate);
  assert.equal(replicate.predictions.length, 3);
  assert.equal(accepted(whole.telegram, 'sendVideo', ann.id).length, 1);
  await whole.stop();
  await whole.audit();
});

/** What the bot said when it was up. */
function upLine(output: string): { readonly port: number } {
  const [, port] = /"port":(\d+).*Morphogram is up/.exec(output) ?? [];
  return { port: Number(port) };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : assert.fail();
}

/** A way to the database that can be cut. */
async function startProxy(t: TestContext, whole: Whole) {
  const url = new URL(whole.place.env['DATABASE_URL'] ?? assert.fail());
  const sockets = new Set<Socket>();
  let isCut = false;
  const server = createServer((client) => {
    if (isCut) return void client.destroy();
    const upstream = connect(Number(url.port || 5432), url.hostname);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket
        .on('error', () => undefined)
        .on('close', () => {
          sockets.delete(socket);
          other.destroy();
        });
      socket.pipe(other);
    }
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const address = server.address();
  const proxied = new URL(url);
  proxied.hostname = '127.0.0.1';
  proxied.port = String(typeof address === 'object' && address ? address.port : assert.fail());
  return {
    url: proxied.href,
    cut() {
      isCut = true;
      for (const socket of sockets) socket.destroy();
    },
    mend() {
      isCut = false;
    },
  };
}
