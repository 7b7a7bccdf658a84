import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writeCsv } from '../../src/bot/csv.ts';
import type { Cell } from '../../src/ledger/exports.ts';

async function filesOf(rows: readonly (readonly Cell[])[], fileBytes = 1e6) {
  async function* each() {
    yield* rows;
  }
  const files: { text: string; rows: number }[] = [];
  const table = { columns: ['name', 'amount'], rows: each() };
  for await (const { bytes, rows: count } of writeCsv(table, fileBytes)) {
    files.push({ text: bytes.toString(), rows: count });
  }
  return files;
}

test('a table is CSV with the names of its columns, marked as UTF-8', async () => {
  const [file] = await filesOf([
    ['Олег, "the first"', 7],
    ['two\nlines', null],
  ]);
  assert.equal(file?.text, '\uFEFFname,amount\n"Олег, ""the first""",7\n"two\nlines",\n');
  assert.equal(file?.rows, 2);
});

test('what a spreadsheet would calculate is text, and amounts stay amounts', async () => {
  const formulas = ['=1+1', '+1-1', '-2+3', '@SUM(A1)', '\t=1', '\r=1', ' =1', '＝1', '-cmd|x'];
  const plain = ['-44.53', '12', '0.00', 'a=b', 'x@y', '2026-11-22T10:00:00.000Z'];
  const [file] = await filesOf([...formulas, ...plain].map((text) => [text, -1]));
  const cells = (file?.text ?? '').replace('\uFEFFname,amount\n', '');
  for (const text of formulas) assert.ok(cells.includes(`'${text}`), JSON.stringify(text));
  for (const text of plain) assert.match(cells, new RegExp(`^${text},-1$`, 'm'));
});

test('a long table becomes several files, each complete in itself, and nothing is lost', async () => {
  const rows = Array.from({ length: 2_300 }, (_, index) => [`row ${index}`, index] as const);
  const files = await filesOf(rows, 5_000);
  assert.deepEqual(
    files.map(({ rows: count }) => count),
    [500, 500, 500, 500, 300],
  );
  assert.ok(files.every(({ text }) => text.startsWith('\uFEFFname,amount\nrow ')));
  assert.match(files[4]?.text ?? '', /row 2299,2299\n$/);
});

test('an empty table is no file', async () => {
  assert.deepEqual(await filesOf([]), []);
});
