import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { writeWhole } from '../../src/media/storage.ts';

/** Work on files that gives the same for the same bytes. */
interface Work<T> {
  readonly inputs: readonly string[];
  /** Whatever else the result depends on. */
  readonly how?: unknown;
  readonly work: () => Promise<T>;
}

/** Looks at files with the same bytes once; what fails is tried every time. */
export function rememberResults<T>(): (job: Work<T>) => Promise<T> {
  const known = new Map<string, { readonly result: T }>();
  return async ({ inputs, how, work }) => {
    const key = await keyOf(inputs, how);
    const before = known.get(key ?? '');
    if (before) return before.result;
    const result = await work();
    if (key !== undefined) known.set(key, { result });
    return result;
  };
}

/** The same for work that writes a file. */
export function rememberFiles<T>(): (job: Work<T> & { readonly output: string }) => Promise<T> {
  const known = new Map<string, { readonly result: T; readonly bytes: Buffer }>();
  return async ({ inputs, output, how, work }) => {
    const key = await keyOf(inputs, how);
    const before = known.get(key ?? '');
    if (before) {
      await writeWhole(output, before.bytes);
      return before.result;
    }
    const result = await work();
    if (key !== undefined) known.set(key, { result, bytes: await readFile(output) });
    return result;
  };
}

/** Undefined when a file is not there: whoever does the work knows what that means. */
async function keyOf(inputs: readonly string[], how: unknown): Promise<string | undefined> {
  const hash = createHash('sha1').update(JSON.stringify(how ?? null));
  try {
    for (const bytes of await Promise.all(inputs.map((path) => readFile(path)))) {
      hash.update(`\n${bytes.length}\n`).update(bytes);
    }
  } catch {
    return undefined;
  }
  return hash.digest('hex');
}
