import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { parseEnv } from 'node:util';
import { CONFIG_NAMES, loadConfig } from '../src/config.ts';

const NEEDED = { BOT_TOKEN: '123456:ABC', REPLICATE_API_TOKEN: 'r8_secret' };
const text = readFileSync(join(import.meta.dirname, '../.env.example'), 'utf8');
const lines = text.split('\n');

/** `NAME=value`, switched on or off, with the line it stands on. */
const variables = lines.flatMap((line, index) => {
  const match = /^(?:# )?([A-Z][A-Z0-9_]*)=(.*)$/.exec(line);
  return match
    ? [{ name: match[1] ?? '', value: match[2] ?? '', index, off: line[0] === '#' }]
    : [];
});

test('names every variable once, and no other', () => {
  assert.deepEqual(variables.map(({ name }) => name).sort(), [...CONFIG_NAMES].sort());
});

test('explains each in a comment of its own, or of the group it stands in', () => {
  for (const { name, index } of variables) {
    let above = index - 1;
    while (variables.some((other) => other.index === above)) above--;
    assert.match(lines[above] ?? '', /^# [^-].*\w/, `${name} has no comment above it`);
  }
});

test('shows the defaults that are really used', () => {
  const defaults: Readonly<Record<string, unknown>> = loadConfig(NEEDED);
  for (const { name, value } of variables.filter(({ off }) => off)) {
    const real = defaults[name];
    const shown = name === 'DATA_DIR' ? resolve(value) : value;
    assert.equal(shown, real === undefined ? '' : String(real), name);
  }
});

test('switches on only what has no default', () => {
  assert.deepEqual(
    variables.filter(({ off }) => !off).map(({ name }) => name),
    Object.keys(NEEDED),
  );
});

test('filled in and with everything switched on, is a configuration that starts', () => {
  const on = text.replaceAll(/^# (?=[A-Z][A-Z0-9_]*=)/gm, '');
  assert.deepEqual(loadConfig({ ...parseEnv(on), ...NEEDED }), loadConfig(NEEDED));
});
