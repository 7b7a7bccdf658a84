import { readFile, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import JSZip from 'jszip';
import { writeWhole } from './storage.ts';

/** The library writes no ZIP64: sizes and offsets must stay below 2 GiB. */
const MAX_BYTES = 2 ** 31 - 1;
/** Plain names alone, so that nobody who unpacks it can be led elsewhere. */
const NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/;
/** One moment for all, the earliest that a ZIP can tell: equal files make equal archives. */
const DATE = '1980-01-01T00:00:00Z';

export interface PackJob {
  readonly files: readonly {
    /** Absolute. */
    readonly path: string;
    /** What it is called in the archive: one plain name, used once. */
    readonly name: string;
  }[];
  readonly output: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Packs files into a ZIP, in their order and as they are: photos do not get smaller. One file is in memory
 * at a time. The archive appears whole or not at all; equal files and names make equal bytes.
 * @returns Its size in bytes.
 * @throws RangeError for no files, a name that is not plain or used twice, or more than 2 GiB;
 * StorageFullError; the signal's reason.
 */
export async function packArchive({ files, output, signal }: PackJob): Promise<number> {
  signal?.throwIfAborted();
  checkNames(files.map(({ name }) => name));
  const sizes = await Promise.all(files.map(async ({ path }) => (await stat(path)).size));
  if (sizes.reduce((sum, size) => sum + size, 0) > MAX_BYTES) {
    throw new RangeError('The files are too large for one archive');
  }
  await writeWhole(output, pack(files, signal));
  return (await stat(output)).size;
}

function checkNames(names: readonly string[]): void {
  if (names.length === 0) throw new RangeError('There is nothing to pack');
  if (!names.every((name) => NAME.test(name))) {
    throw new RangeError('A name in an archive is made of plain characters');
  }
  if (new Set(names).size < names.length) throw new RangeError('A name is used twice');
}

async function* pack(files: PackJob['files'], signal: AbortSignal | undefined) {
  let failure: unknown;
  async function* read(path: string) {
    try {
      yield await readFile(path, { signal });
    } catch (error) {
      // The library forgets an error that comes while it waits, and then waits for ever.
      failure = error;
    }
  }
  const stopIfFailed = () => {
    signal?.throwIfAborted();
    if (failure) throw failure;
  };
  const zip = new JSZip();
  for (const { path, name } of files) {
    // Read when its turn comes.
    zip.file(name, Readable.from(read(path)), { date: new Date(DATE) });
  }
  // Each file is held back until its checksum is known: readers of streams want it in front.
  const packed = zip.generateNodeStream({ compression: 'STORE', streamFiles: false });
  for await (const piece of new Readable().wrap(packed)) {
    stopIfFailed();
    yield piece;
  }
  stopIfFailed();
}
