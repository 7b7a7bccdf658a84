import { charges } from './charges.ts';
import { makespan } from './makespan.ts';
import { type Bench, type Finding, isReached } from './measure.ts';
import { morph } from './morph.ts';
import { photos } from './photos.ts';
import { sandbox } from './sandbox.ts';
import { stitch } from './stitch.ts';
import { updates } from './updates.ts';

const BENCHES: readonly Bench[] = [makespan, stitch, morph, photos, sandbox, updates, charges];

interface Line {
  readonly cells: readonly string[];
}

const HEADINGS = ['bench', 'what', 'ours', 'baseline', 'ratio', 'spread', 'goal', ''];

/** The named benches, or all; several parts of a name choose several. */
async function main(names: readonly string[]): Promise<void> {
  const chosen = BENCHES.filter(
    ({ name }) => names.length === 0 || names.some((part) => name.includes(part)),
  );
  if (chosen.length === 0) {
    const known = BENCHES.map(({ name }) => name).join(', ');
    throw new Error(`There is no such bench; there are: ${known}`);
  }
  const lines: Line[] = [];
  for (const bench of chosen) {
    console.error(`${bench.name}: ${bench.about} …`);
    lines.push(...(await bench.run()).map((finding) => toLine(bench, finding)));
  }
  console.log(formatTable(lines));
}

function toLine({ name }: Bench, { what, ours, baseline, ratio, goal }: Finding): Line {
  const goalText = goal && ('atMost' in goal ? `≤ ${goal.atMost}` : `≥ ${goal.atLeast}`);
  const mark = goal ? (isReached(ratio.median, goal) ? '✓' : '✗ missed') : '';
  const range = `${ratio.min.toFixed(2)}–${ratio.max.toFixed(2)}`;
  const cells = [name, what, ours, baseline, ratio.median.toFixed(2), range, goalText ?? '', mark];
  return { cells };
}

/** In Markdown, so that it can be pasted; the columns also line up as plain text. */
function formatTable(lines: readonly Line[]): string {
  const rows = [HEADINGS, ...lines.map(({ cells }) => cells)];
  const widths = HEADINGS.map((_, column) =>
    Math.max(...rows.map((cells) => cells[column]?.length ?? 0)),
  );
  const format = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  const [headings = [], ...rest] = rows;
  return [format(headings), rule, ...rest.map(format)].join('\n');
}

await main(process.argv.slice(2));
