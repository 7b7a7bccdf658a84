import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { MAX_PICTURE_PIXELS } from '../../src/domain/skip-reason.ts';
import { createLimiter } from '../../src/media/concurrency.ts';
import { createPhotos } from '../../src/media/photos.ts';
import { createFileStorage } from '../../src/media/storage.ts';
import { unpackArchive } from '../../src/orders/unpack-archive.ts';
import { timed } from './measure.ts';
import { report } from './run-child.ts';

const CANVAS = { width: 1920, height: 1080 };
/** What `Photos` has in work at once. */
const AT_ONCE = 2;

const [mode, work = '', source = ''] = process.argv.slice(2);
report({ seconds: await timed(mode === 'ours' ? bringFromZip : bringBare) });

async function bringFromZip(): Promise<void> {
  const photos = createPhotos();
  const storage = createFileStorage(work);
  const unpacked = await unpackArchive({ storage, photos }, source, (position) => `${position}`);
  if (unpacked.kind !== 'unpacked') throw new Error(`Refused: ${unpacked.reason}`);
  await Promise.all(
    unpacked.entries.map(async (entry) => {
      if (entry.kind !== 'photo') throw new Error(`${entry.name} was skipped: ${entry.reason}`);
      const output = join(work, `canvas-${entry.position}.jpg`);
      await photos.toCanvas({ input: storage.pathOf(entry.key), output, canvas: CANVAS });
    }),
  );
}

async function bringBare(): Promise<void> {
  sharp.cache(false);
  const limit = createLimiter(AT_ONCE);
  const bring = async (name: string) => {
    await sharp(join(source, name), { failOn: 'error', limitInputPixels: MAX_PICTURE_PIXELS })
      .autoOrient()
      .resize({ ...CANVAS, fit: 'cover' })
      .jpeg({ quality: 92, chromaSubsampling: '4:4:4' })
      .toFile(join(work, name));
  };
  await Promise.all((await readdir(source)).map((name) => limit(() => bring(name))));
}
