import { stringify } from 'csv-stringify/sync';
import type { Cell, ExportTable } from '../ledger/exports.ts';

/** Part of a table as a file of its own. */
export interface CsvFile {
  readonly bytes: Buffer;
  /** Without the line of names. */
  readonly rows: number;
}

/** Lines that are turned into text at once. */
const CHUNK = 500;

/** Tells spreadsheets that the letters are UTF-8. */
const MARK = '\uFEFF';

/**
 * A table as CSV (RFC 4180): in one file, or in several of about this size, each with the names of the
 * columns. Cells that a spreadsheet would take for a formula are made text.
 */
export async function* writeCsv(
  { columns, rows }: ExportTable,
  fileBytes: number,
): AsyncGenerator<CsvFile> {
  const head = Buffer.from(MARK + stringify([columns.map(harmless)]));
  let parts = [head];
  let size = head.length;
  let count = 0;
  let lines: Cell[][] = [];

  const flush = () => {
    const bytes = Buffer.from(stringify(lines));
    parts.push(bytes);
    size += bytes.length;
    count += lines.length;
    lines = [];
  };

  for await (const row of rows) {
    lines.push(row.map(harmless));
    if (lines.length < CHUNK) continue;
    flush();
    if (size < fileBytes) continue;
    yield { bytes: Buffer.concat(parts), rows: count };
    parts = [head];
    size = head.length;
    count = 0;
  }
  flush();
  if (count > 0) yield { bytes: Buffer.concat(parts), rows: count };
}

/** What people wrote must not calculate anything: https://owasp.org/www-community/attacks/CSV_Injection */
function harmless(cell: Cell): Cell {
  if (typeof cell !== 'string' || /^-?\d+(?:\.\d+)?$/.test(cell)) return cell;
  return /^\s*[=+\-@＝＋－＠\t\r\n]/.test(cell) ? `'${cell}` : cell;
}
