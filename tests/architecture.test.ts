import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { findBreaches, type SourceFile } from './support/architecture.ts';

const ROOT = join(import.meta.dirname, '..');

test('the sources keep the house rules', () => {
  const paths = globSync('src/**/*.{ts,tsx}', { cwd: ROOT }).sort();
  assert.ok(paths.length > 20, 'the sources were found');
  const files = paths.map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
  const breaches = findBreaches(files);
  assert.equal(breaches.length, 0, `\n${breaches.join('\n')}\n`);
});

test('no file names a path outside of the project', () => {
  const outside = [['..', 'shared'].join('/'), ['', 'work', ''].join('/')];
  const paths = globSync(
    [
      '{src,tests,locales,drizzle}/**/*.{ts,tsx,css,svg,json,sql,html}',
      '*.{ts,json,md,toml}',
      'Dockerfile',
    ],
    { cwd: ROOT },
  );
  const breaches = paths.filter((path) => {
    const text = readFileSync(join(ROOT, path), 'utf8');
    return outside.some((name) => text.includes(name));
  });
  assert.deepEqual(breaches, []);
});

describe('a breach is found, and told with what to do instead:', () => {
  finds(
    'a room that imports one it may not',
    [
      ['src/bot/a.ts', `import type { Db } from '../db/database.ts';`],
      ['src/db/database.ts', ''],
    ],
    /^src\/bot\/a\.ts imports src\/db\/database\.ts: bot may not import db; declare the interface/,
  );
  finds(
    'a re-export, an import over several lines, a lazy import and a worker',
    [
      ['src/domain/a.ts', `export { x } from '../media/x.ts';`],
      ['src/domain/b.ts', `import {\n  x,\n} from '../media/x.ts';`],
      ['src/domain/c.ts', `const x = () => import('../media/x.ts');`],
      ['src/domain/d.ts', `const x = new URL('../media/x.ts', import.meta.url);`],
    ],
    ...['a', 'b', 'c', 'd'].map((name) => new RegExp(`^src/domain/${name}.ts imports src/media`)),
  );
  finds(
    'the configuration read by a room',
    [['src/orders/a.ts', `import { loadConfig } from '../config.ts';`]],
    /only app\.ts and main\.ts may; take the values you need as deps/,
  );
  finds(
    'a vendor package outside its room, and one that has none',
    [
      ['src/bot/a.ts', `import sharp from 'sharp';`],
      ['src/ledger/a.ts', `import { pgTable } from 'drizzle-orm/pg-core';`],
      ['src/domain/a.ts', `import _ from 'lodash';`],
    ],
    /sharp: it lives in media/,
    /pg-core: it lives in db/,
    /lodash: no room is named/,
  );
  finds('a file in no room', [['src/helpers/a.ts', `import 'node:fs';`]], /stands in no room/);
  finds(
    'a cycle between files, also one of types',
    [
      ['src/media/a.ts', `import type { B } from './b.ts';`],
      ['src/media/b.ts', `import { c } from './c.ts';`],
      ['src/media/c.ts', `import { a } from './a.ts';`],
    ],
    /^src\/media\/a\.ts → src\/media\/b\.ts → src\/media\/c\.ts → src\/media\/a\.ts is a cycle/,
  );
  finds(
    'the environment and the end of the process, outside main.ts',
    [['src/media/a.ts', `export const f = () => process.env['X'] ?? process.exit(1);`]],
    /process\.env: only main\.ts may; take the value as a dep/,
    /process\.exit: only main\.ts may; return or throw/,
  );
  finds(
    'instances and state at module level',
    [
      ['src/bot/a.ts', `export const bot = new Bot('token');`],
      ['src/bot/b.ts', `const cache = new Map<string, number>();`],
      ['src/bot/c.ts', `let count = 0;`],
      ['src/bot/d.ts', `const ledger = createLedger({ db });`],
      ['src/bot/e.ts', `await start();`],
    ],
    ...['a', 'b', 'c', 'd', 'e'].map(
      (name) => new RegExp(`^src/bot/${name}\\.ts has ".*at module`),
    ),
  );

  test('and what is allowed is no breach', () => {
    assert.deepEqual(
      findBreaches([
        file('src/domain/a.ts', `const TABLE = new Set(['a']);\nconst MAP = new Map([[1, 2]]);`),
        file('src/domain/b.ts', `// process.env is main's\nimport { a } from './a.ts';`),
        file('src/services/a.ts', `import { z } from 'zod';\nimport '../domain/a.ts';`),
        file('src/sandbox/a.ts', `import type { Update } from 'grammy/types';`),
        file('src/app.ts', `import { pino } from 'pino';\nimport { c } from './config.ts';`),
        file('src/main.ts', `import './app.ts';\nawait main(process.env);\nprocess.exit(1);`),
        file('src/bot/a.ts', `export function f() {\n  let x = new Map();\n  return x;\n}`),
      ]),
      [],
    );
  });
});

function finds(
  title: string,
  files: readonly (readonly [path: string, text: string])[],
  ...expected: readonly RegExp[]
): void {
  test(title, () => {
    const breaches = findBreaches(files.map(([path, text]) => file(path, text)));
    assert.equal(breaches.length, expected.length, breaches.join('\n'));
    expected.forEach((pattern, index) => {
      assert.match(breaches[index] ?? '', pattern);
    });
  });
}

function file(path: string, text: string): SourceFile {
  return { path, text };
}
