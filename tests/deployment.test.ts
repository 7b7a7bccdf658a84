import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { loadConfig } from '../src/config.ts';

const ROOT = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

const dockerfile = read('Dockerfile');
const fly = read('fly.toml');
const manifest = JSON.parse(read('package.json'));
const config = loadConfig({ BOT_TOKEN: '123456:ABC', REPLICATE_API_TOKEN: 'r8_secret' });

describe('the image', () => {
  test('listens where the configuration does, and is asked for its health there', () => {
    assert.equal(one(dockerfile, /\bPORT=(\d+)/), String(config.PORT));
    assert.equal(one(dockerfile, /^EXPOSE (\d+)$/m), String(config.PORT));
    assert.match(one(dockerfile, /HEALTHCHECK[^\n]*\\\n(.*)/), /process\.env\.PORT\}\/healthz`/);
  });

  test('keeps its data on the volume', () => {
    assert.equal(one(dockerfile, /\bDATA_DIR=(\S+)/), one(dockerfile, /^VOLUME (\S+)$/m));
  });

  test('runs the entry that `npm start` runs, as nobody special, on the same major of Node', () => {
    assert.match(manifest.scripts.start, /node .*src\/main\.ts$/);
    assert.match(dockerfile, /^CMD \["node", "src\/main\.ts"\]$/m);
    assert.match(dockerfile, /^USER node$/m);
    const major = manifest.devDependencies.node.split('.')[0];
    for (const [, tag] of dockerfile.matchAll(/^FROM node:(\d+)/gm)) assert.equal(tag, major);
  });

  test('gets every file it copies, and all that the sources read from', () => {
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, names]) =>
      (names ?? '').split(' '),
    );
    const kept = [...read('.dockerignore').matchAll(/^!(.+)$/gm)].map(([, name]) => name);
    assert.deepEqual([...new Set(copied)].sort(), [...kept].sort());
    for (const folder of ['drizzle', 'locales', 'src']) assert.ok(copied.includes(folder), folder);
  });

  test('has every package that the sources import, without those for development', () => {
    const names = globSync('src/**/*.ts', { cwd: ROOT }).flatMap((path) =>
      [...read(path).matchAll(/^import (?!type)[^;]*?from '([^.][^']*)'/gm)].map(
        ([, name]) => name,
      ),
    );
    const packages = new Set(
      names.flatMap((name) =>
        name && !name.startsWith('node:')
          ? [
              name
                .split('/')
                .slice(0, name.startsWith('@') ? 2 : 1)
                .join('/'),
            ]
          : [],
      ),
    );
    const missing = [...packages].filter((name) => !(name in manifest.dependencies));
    assert.deepEqual(missing, []);
    assert.ok(packages.size > 5, 'the imports were found');
  });
});

describe('on Fly', () => {
  test('traffic and health checks go where the bot listens', () => {
    assert.equal(one(fly, /^PORT = "(\d+)"$/m), one(fly, /^internal_port = (\d+)$/m));
    assert.equal(one(fly, /^path = "(.+)"$/m), '/healthz');
  });

  test('the data lies on the mounted volume', () => {
    assert.equal(one(fly, /^DATA_DIR = "(.+)"$/m), one(fly, /^destination = "(.+)"$/m));
  });

  test('the machine is never stopped for being idle, and has time to stop in order', () => {
    assert.equal(one(fly, /^auto_stop_machines = (.+)$/m), '"off"');
    assert.equal(one(fly, /^min_machines_running = (.+)$/m), '1');
    assert.equal(one(fly, /^kill_signal = (.+)$/m), '"SIGTERM"');
    const stopMs = Number(one(read('src/main.ts'), /STOP_DEADLINE_MS = ([\d_]+)/).replace('_', ''));
    assert.ok(Number(one(fly, /^kill_timeout = (\d+)$/m)) * 1000 >= stopMs + 5_000);
  });
});

function one(text: string, pattern: RegExp): string {
  const value = pattern.exec(text)?.[1];
  assert.ok(value !== undefined, `${pattern} is not there`);
  return value;
}
