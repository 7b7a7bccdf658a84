import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { explainDatabaseError, openConfiguredDatabase } from '../../src/app.ts';
import { StartError } from '../../src/config.ts';
import { prepareTestDatabase } from '../support/database.ts';
import { asked, until } from '../support/morphs.ts';
import { startProcess } from '../support/processes.ts';
import { startSandbox } from '../support/sandbox.ts';
import { prepareWhole } from '../support/whole.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const NEEDED = { BOT_TOKEN: '1:a', REPLICATE_API_TOKEN: 'r8_x', PORT: '0' };

/** A database to start with: making one takes seconds. */
async function preparedDirectory(t: TestContext): Promise<string> {
  const place = await prepareTestDatabase();
  t.after(() => place.remove());
  return place.options.dataDir;
}

async function makeFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'start-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

/** The start ended with one sentence, which names the variable. */
async function assertOneSentence(
  variable: string,
  env: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Promise<string> {
  const bot = startProcess(MAIN, { args, env: { ...NEEDED, LOG_LEVEL: 'silent', ...env } });
  assert.equal((await bot.exited).code, 1, variable);
  assert.match(bot.output(), new RegExp(`^[^\n]*${variable}[^\n]*\n$`));
  assert.doesNotMatch(bot.output(), /Error|node:|\.ts:/);
  return bot.output();
}

describe('the start ends with one sentence that names the variable', () => {
  it('when the provider token cannot be sent', async () => {
    const token = 'r8_a\tb';
    const output = await assertOneSentence('REPLICATE_API_TOKEN', { REPLICATE_API_TOKEN: token });
    assert.ok(!output.includes('r8_a'));
  });

  it('when DATA_DIR is a file, or inside one', async (t) => {
    const file = join(await makeFolder(t), 'file');
    await writeFile(file, '');
    await assertOneSentence('DATA_DIR', { DATA_DIR: file });
    await assertOneSentence('DATA_DIR', { DATA_DIR: join(file, 'data') }, 'ledger:audit');
  });

  it('when a program that is named does not run', async (t) => {
    const DATA_DIR = await makeFolder(t);
    const missing = join(DATA_DIR, 'missing');
    await assertOneSentence('FFMPEG_PATH', { DATA_DIR, FFMPEG_PATH: missing });
    await assertOneSentence('FFPROBE_PATH', { DATA_DIR, FFPROBE_PATH: missing });
  });

  it('when the port is in use', async (t) => {
    const holder = createServer().listen(0);
    t.after(() => holder.close());
    await new Promise((resolve) => holder.once('listening', resolve));
    const address = holder.address();
    const port = typeof address === 'object' && address ? address.port : assert.fail();
    const DATA_DIR = await preparedDirectory(t);
    await assertOneSentence('PORT', { DATA_DIR, PORT: String(port) });
  });

  it('when Telegram does not accept the token, in a directory that begins to be', async (t) => {
    const telegram = await startSandbox(t);
    const output = await assertOneSentence('BOT_TOKEN', {
      DATA_DIR: join(await makeFolder(t), 'new', 'data'),
      BOT_TOKEN: '4201:unknown-token',
      TELEGRAM_API_ROOT: telegram.url,
    });
    assert.ok(!output.includes('unknown-token'));
  });
});

describe('a database that cannot be opened', () => {
  const DATABASE_URL = 'postgres://user:hunter2@db/morphogram';
  const failing = (code: string) =>
    new Error('Failed query', { cause: Object.assign(new Error('no'), { code }) });
  const explain = (code: string, url: string | undefined = DATABASE_URL) =>
    explainDatabaseError(failing(code), { DATABASE_URL: url, DATA_DIR: '/data' });

  for (const code of ['ECONNREFUSED', 'ENOTFOUND', '28P01', '3D000', '42501']) {
    it(`is told with the name of its variable and no password (${code})`, () => {
      const error = explain(code);
      assert.ok(error instanceof StartError);
      assert.equal(error.variable, 'DATABASE_URL');
      assert.match(error.message, new RegExp(`^DATABASE_URL [^\n]+\\(${code}\\)\\.$`));
      assert.ok(!error.message.includes('hunter2'));
    });
  }

  it('is a bug when only its migration broke', () => {
    const error = failing('42P01');
    assert.equal(explainDatabaseError(error, { DATABASE_URL, DATA_DIR: '/data' }), error);
  });

  it('is told with DATA_DIR when it is embedded and its files cannot be written', () => {
    const error = explainDatabaseError(failing('EACCES'), {
      DATABASE_URL: undefined,
      DATA_DIR: '/data',
    });
    assert.ok(error instanceof StartError);
    assert.equal(error.variable, 'DATA_DIR');
  });

  it('leaves its directory free to be used', async (t) => {
    const DATA_DIR = await preparedDirectory(t);
    for (let n = 0; n < 2; n += 1) {
      const database = await openConfiguredDatabase({ DATABASE_URL: undefined, DATA_DIR });
      await assert.rejects(
        openConfiguredDatabase({ DATABASE_URL: undefined, DATA_DIR }),
        (error) => error instanceof StartError && error.variable === 'DATA_DIR',
      );
      await database.close();
    }
  });
});

it('the audit needs nothing but the database', async (t) => {
  const audit = startProcess(MAIN, {
    args: ['ledger:audit'],
    env: { BOT_TOKEN: '', PORT: 'none', DATA_DIR: await preparedDirectory(t) },
  });
  assert.equal((await audit.exited).code, 0, audit.output());
  assert.match(audit.output(), /^Accounts: 0, [\s\S]+\nNo differences\.\n$/);
});

it('a stop in order takes less than the ten seconds that Docker gives, whatever hangs', async (t) => {
  const whole = await prepareWhole(t);
  await whole.start();
  const { telegram } = whole;
  const ann = whole.person();
  telegram.faults.add({ kind: 'delay', ms: 30_000, method: 'sendMessage' });
  ann.say('/help');
  await until(() => asked(telegram, 'sendMessage', ann.id).length > 0, 'the answer is on its way');
  const askedAt = Date.now();
  await whole.stop();
  assert.ok(Date.now() - askedAt < 10_000, `${Date.now() - askedAt} ms`);
});
