import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import {
  loadSandboxConfig,
  PERSONAS,
  SANDBOX_TOKEN,
  SandboxError,
} from '../../src/sandbox/sandbox-config.ts';
import { startSandbox } from '../../src/sandbox/start-sandbox.ts';

const root = await mkdtemp(join(tmpdir(), 'start-sandbox-'));
// When all of them are closed: a bot that runs still writes into its folder.
after(() => rm(root, { recursive: true, force: true }));

const makeFolder = () => mkdtemp(join(root, 'data-'));

/** Says where its Telegram is, and serves. */
const BOT = `console.log(process.env.TELEGRAM_API_ROOT, 'Morphogram is up'); setInterval(() => {}, 1e3)`;

function options(folder: string, port = 0) {
  const env = { DATA_DIR: folder, SANDBOX_PORT: `${port}`, PATH: process.env['PATH'] };
  return { ...loadSandboxConfig(env), command: [process.execPath, '-e', BOT] as const };
}

describe('the configuration', () => {
  it('has its own folder, and a port that can be chosen', () => {
    const config = loadSandboxConfig({ DATA_DIR: '/var/morph', SANDBOX_PORT: '9000' });
    assert.equal(config.port, 9000);
    assert.equal(config.dataDir, '/var/morph/sandbox');
    assert.equal(config.botEnv['DATA_DIR'], '/var/morph/sandbox/bot');
    assert.equal(loadSandboxConfig({}).port, 8080);
  });

  it('keeps what Node compiled in that folder, or where somebody wants it', () => {
    const compiledIn = (env: Record<string, string>) =>
      loadSandboxConfig({ DATA_DIR: '/var/morph', ...env }).botEnv['NODE_COMPILE_CACHE'];
    assert.equal(compiledIn({}), '/var/morph/sandbox/compiled');
    assert.equal(compiledIn({ NODE_COMPILE_CACHE: '/var/cache' }), '/var/cache');
  });

  it('lets nothing of an operator through to the bot', () => {
    const { botEnv } = loadSandboxConfig({
      PATH: '/bin',
      PREVIEWS_PER_DAY: '99',
      BOT_TOKEN: '1:real',
      REPLICATE_API_TOKEN: 'r8_real',
      DATABASE_URL: 'postgres://real',
      ADMIN_IDS: '5',
      MORPH_ENGINE: 'replicate',
    });
    assert.doesNotMatch(JSON.stringify(botEnv), /real|replicate/);
    assert.equal(botEnv['PATH'], '/bin');
    assert.equal(botEnv['PREVIEWS_PER_DAY'], '99');
    assert.equal(botEnv['BOT_TOKEN'], SANDBOX_TOKEN);
    assert.equal(botEnv['MORPH_ENGINE'], 'local');
    const admins = PERSONAS.filter(({ isAdmin }) => isAdmin).map(({ id }) => `${id}`);
    assert.equal(botEnv['ADMIN_IDS'], admins.join());
  });

  it('refuses what is no port', () => {
    for (const port of ['x', '-1', '70000', '1.5']) {
      assert.throws(() => loadSandboxConfig({ SANDBOX_PORT: port }), SandboxError, port);
    }
  });
});

describe('the sandbox', () => {
  it('serves the page, its samples and everything it needs by itself', async (t) => {
    const folder = await makeFolder();
    const sandbox = await startSandbox(options(folder));
    t.after(() => sandbox.close());
    const get = (path: string) => fetch(sandbox.url.replace('localhost', '127.0.0.1') + path);
    const html = await (await get('/')).text();
    for (const [, path = ''] of html.matchAll(/(?:src|href)="([^"]+)"/g)) {
      assert.equal((await get(path)).status, 200, path);
    }
    const samples = (await (await get('/samples')).json()) as string[];
    assert.ok(samples.length >= 6);
    for (const name of samples) {
      const photo = await get(`/samples/${name}`);
      const { byteLength } = await photo.arrayBuffer();
      assert.equal(photo.headers.get('content-type'), 'image/jpeg');
      assert.ok(byteLength < 200_000, name);
    }
    const credits = await readFile(
      join(import.meta.dirname, '../../src/sandbox/page/samples/CREDITS'),
      'utf8',
    );
    for (const name of samples) assert.ok(credits.includes(name), `${name} is credited`);
    const page = (await (await get('/page.js')).text()) + (await (await get('/page.css')).text());
    const addresses = [...page.matchAll(/https?:\/\/[\w.-]+/g)].map(String);
    assert.deepEqual([...new Set(addresses)], ['http://www.w3.org'], 'names of XML, no addresses');
  });

  it('tells the bot where its Telegram is', async (t) => {
    const folder = await makeFolder();
    const sandbox = await startSandbox(options(folder));
    t.after(() => sandbox.close());
    let log = '';
    while (!log.includes('up')) log = await readFile(join(folder, 'sandbox/bot.log'), 'utf8');
    assert.match(log, /^http:\/\/127\.0\.0\.1:\d+ Morphogram is up/);
  });

  it('keeps its data from other users of the machine', async (t) => {
    const folder = await makeFolder();
    const sandbox = await startSandbox(options(folder));
    t.after(() => sandbox.close());
    const { mode } = await stat(join(folder, 'sandbox'));
    assert.equal(mode & 0o777, 0o700);
  });

  it('goes on without a log that cannot be written', async (t) => {
    const folder = await makeFolder();
    await mkdir(join(folder, 'sandbox/bot.log'), { recursive: true });
    const sandbox = await startSandbox(options(folder));
    t.after(() => sandbox.close());
    const page = await fetch(sandbox.url.replace('localhost', '127.0.0.1'));
    assert.equal(page.status, 200);
  });

  it('says so when the port is taken, and leaves nothing behind', async (t) => {
    const folder = await makeFolder();
    const other = createServer().listen(0, '127.0.0.1');
    t.after(() => other.close());
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    await assert.rejects(startSandbox(options(folder, port)), {
      name: 'SandboxError',
      message: new RegExp(`^Port ${port} is taken: .*SANDBOX_PORT`),
    });
    const sandbox = await startSandbox(options(folder));
    await sandbox.close();
  });

  it('says so when it runs already', async (t) => {
    const folder = await makeFolder();
    const sandbox = await startSandbox(options(folder));
    t.after(() => sandbox.close());
    await assert.rejects(startSandbox(options(folder)), {
      name: 'SandboxError',
      message: /in use by another/,
    });
  });
});
