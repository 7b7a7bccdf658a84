import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import {
  CONFIG_NAMES,
  chooseEngine,
  describeFatal,
  loadConfig,
  loadDatabaseConfig,
  StartError,
  secretsOf,
} from '../src/config.ts';

const NEEDED = { BOT_TOKEN: '123456:ABC-def_1', REPLICATE_API_TOKEN: 'r8_secret' };

test('two tokens are enough; everything else has its default', () => {
  assert.deepEqual(loadConfig(NEEDED), {
    ...NEEDED,
    TELEGRAM_API_ROOT: 'https://api.telegram.org',
    REPLICATE_BASE_URL: 'https://api.replicate.com/v1',
    BFL_BASE_URL: 'https://api.bfl.ai',
    DATA_DIR: resolve('data'),
    ADMIN_IDS: [],
    PORT: 3000,
    MORPH_MODEL: 'kwaivgi/kling-v1.6-pro',
    RENDER_CONCURRENCY: 16,
    MAX_PHOTOS: 200,
    STAR_USD: 0.016,
    MARKUP: 1.5,
    TOP_UP_PACKS: [50, 100, 250, 500, 1000, 2500],
    REFUND_DAYS: 14,
    WELCOME_STARS: '0',
    REFERRAL_BONUS_STARS: '0',
    RETENTION_HOURS: 72,
    PREVIEWS_PER_DAY: 10,
    LOG_LEVEL: 'info',
  });
});

test('an empty variable counts as unset, and blanks around a value are dropped', () => {
  const config = loadConfig({ ...NEEDED, PORT: '', MARKUP: '  ', BOT_TOKEN: ' 1:a\n' });
  assert.deepEqual([config.PORT, config.MARKUP, config.BOT_TOKEN], [3000, 1.5, '1:a']);
});

test('values are read as people write them', () => {
  const config = loadConfig({
    ...NEEDED,
    ADMIN_IDS: '12, 8589934592,',
    PORT: '0',
    PUBLIC_URL: 'https://bot.example.com/',
    DATABASE_URL: 'postgresql://user:pass@db:5432/morphogram',
    STAR_USD: '0.013',
    WELCOME_STARS: '7.50',
  });
  assert.deepEqual(config.ADMIN_IDS, [12, 8_589_934_592]);
  assert.equal(config.PORT, 0);
  assert.equal(config.PUBLIC_URL, 'https://bot.example.com');
  assert.equal(config.DATABASE_URL, 'postgresql://user:pass@db:5432/morphogram');
  assert.equal(config.STAR_USD, 0.013);
  assert.equal(config.WELCOME_STARS, '7.50');
});

test('what is not a variable of ours is not in the configuration', () => {
  assert.deepEqual(
    Object.keys(loadConfig({ ...NEEDED, PATH: '/bin', HOME: '/root' })).filter(
      (name) => !CONFIG_NAMES.includes(name),
    ),
    [],
  );
});

describe('a bad value ends the start with one sentence that names it:', () => {
  const bad: Readonly<Record<string, readonly string[]>> = {
    BOT_TOKEN: ['', 'abc', '123456'],
    TELEGRAM_API_ROOT: ['api.telegram.org', 'ftp://example.com'],
    REPLICATE_API_TOKEN: ['r8_a b', 'r8_a\nb', 'r8_a\u0007b', 'r8_ключ'],
    REPLICATE_BASE_URL: ['nowhere'],
    DATABASE_URL: ['mysql://db/x', 'localhost'],
    ADMIN_IDS: ['@me', '1;2', '1 2', '-5', '99999999999999999999'],
    MORPH_ENGINE: ['kling', 'Local'],
    PUBLIC_URL: ['bot.example.com'],
    PORT: ['-1', '65536', 'http', '80.5', '1e3', '0x10'],
    MORPH_MODEL: ['kling', 'openai/sora'],
    RENDER_CONCURRENCY: ['0', '1.5', 'many', '-1', '101'],
    MAX_PHOTOS: ['1', '1001', 'two'],
    STAR_USD: ['0', '-1', 'free', '0.0000000001', 'Infinity', '1e10'],
    MARKUP: ['0', '-0.5', '1,5'],
    TOP_UP_PACKS: ['0', '50;100', '50,', '1.5', '10001', 'many'],
    REFUND_DAYS: ['-1', '1.5', '366', 'two weeks'],
    WELCOME_STARS: ['-1', '1.234', 'ten', '10000000'],
    REFERRAL_BONUS_STARS: ['-1', '1.234', 'ten'],
    RETENTION_HOURS: ['0', 'forever'],
    PREVIEWS_PER_DAY: ['-1', '1.5', 'all'],
    LOG_LEVEL: ['verbose'],
  };
  for (const [name, values] of Object.entries(bad)) {
    test(name, () => {
      for (const value of values) {
        assert.throws(
          () => loadConfig({ ...NEEDED, [name]: value }),
          (error) => {
            assert.ok(error instanceof StartError);
            assert.equal(error.variable, name);
            assert.match(error.message, new RegExp(`^${name} .+\\. Set it .+\\.$`));
            assert.doesNotMatch(error.message, /Invalid|undefined|expected/, 'words of our own');
            return true;
          },
          `${name}=${value}`,
        );
      }
    });
  }
});

describe('what is paid for is rendered', () => {
  const { BOT_TOKEN } = NEEDED;
  const engineOf = (env: Record<string, string>) => chooseEngine(loadConfig({ BOT_TOKEN, ...env }));
  const replicate = { kind: 'replicate', token: 'r8_secret' };
  const { REPLICATE_API_TOKEN } = NEEDED;

  test('by Replicate where there is a token, unless this machine is asked for', () => {
    assert.deepEqual(engineOf({ REPLICATE_API_TOKEN }), replicate);
    assert.deepEqual(engineOf({ REPLICATE_API_TOKEN, MORPH_ENGINE: 'replicate' }), replicate);
    assert.deepEqual(engineOf({ REPLICATE_API_TOKEN, MORPH_ENGINE: 'local' }), { kind: 'local' });
  });

  test('by this machine where there is none, unless Replicate is asked for', () => {
    assert.deepEqual(engineOf({ REPLICATE_API_TOKEN: ' ' }), { kind: 'local' });
    assert.throws(
      () => engineOf({ MORPH_ENGINE: 'replicate' }),
      /^StartError: REPLICATE_API_TOKEN is missing: .+\. Set it .+\.$/,
    );
  });
});

test('a secret is never part of the complaint', () => {
  assert.throws(
    () => loadConfig({ ...NEEDED, BOT_TOKEN: 'hunter2' }),
    (error: Error) => !error.message.includes('hunter2'),
  );
});

test('where the database is can be read without anything else', () => {
  const url = 'postgres://user:pass@db/morphogram';
  const wrong = { BOT_TOKEN: '', PORT: 'none' };
  assert.deepEqual(loadDatabaseConfig({ ...wrong, DATABASE_URL: url, DATA_DIR: 'here' }), {
    DATABASE_URL: url,
    DATA_DIR: resolve('here'),
  });
  assert.deepEqual(loadDatabaseConfig(wrong), { DATA_DIR: resolve('data') });
  assert.throws(
    () => loadDatabaseConfig({ DATABASE_URL: 'mysql://db' }),
    /^StartError: DATABASE_URL/,
  );
});

test('the secrets are the tokens and the password of the database, as far as they are set', () => {
  assert.deepEqual(
    secretsOf({ BOT_TOKEN: ' 1:a ', REPLICATE_API_TOKEN: '', DATABASE_URL: 'junk' }),
    ['1:a', 'junk'],
  );
  const url = 'postgres://user:p%40ss@db/morphogram';
  assert.deepEqual(secretsOf({ DATABASE_URL: url }), [url, ':p%40ss@']);
});

describe('an error that nobody expected', () => {
  test('is told whole, down to its causes', () => {
    const cause = Object.assign(new RangeError('too far'), { code: 'E1' });
    const text = describeFatal(new Error('no way', { cause }), []);
    assert.match(
      text,
      /^Error: no way\n {4}at [\s\S]+\ncaused by RangeError: too far \(E1\)\n {4}at /,
    );
    assert.equal(describeFatal('a string', []), 'a string');
  });

  test('is told without secrets and without the values of a query', () => {
    const name = 'Ann\n    at home';
    const error = new Error(`Failed query: insert into people\nparams: 7,${name}`, {
      cause: new Error('no connection to postgres://user:pass@db/x with 1:a'),
    });
    const secrets = secretsOf({ BOT_TOKEN: '1:a', DATABASE_URL: 'postgres://user:pass@db/y' });
    const text = describeFatal(error, secrets);
    assert.match(text, /insert into people\n {4}at /);
    assert.match(text, /no connection to postgres:\/\/user\[secret\]db\/x with \[secret\]/);
    assert.doesNotMatch(text, /params|Ann|home|pass|1:a/);
  });
});
