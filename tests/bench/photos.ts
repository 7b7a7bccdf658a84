import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { z } from 'zod';
import { useDirectory } from '../support/pictures.ts';
import { type Bench, measurePairs, spread } from './measure.ts';
import { runChild } from './run-child.ts';
import { seededRandom } from './seeded-random.ts';
import { writeStoredZip } from './stored-zip.ts';

const REPETITIONS = 3;
const PHOTOS = 100;
/** Of those that are really drawn; the others are the same bytes under another name. */
const DIFFERENT_PHOTOS = 5;
const WIDTH = 4032;
const HEIGHT = 3024;
const GOAL = 1.25;
const MEMORY_MB = 450;

const childReport = z.object({ seconds: z.number(), maxRssMb: z.number() });

/** From the archive as it was sent to JPEGs of 1920x1080: unpacked, each proven whole, cropped. */
export const photos: Bench = {
  name: 'photos',
  about: `${PHOTOS} photos of 12 megapixels from a ZIP to their canvas, against bare sharp on the same files`,
  async run() {
    await using directory = await useDirectory();
    const originals = join(directory.path, 'originals');
    await mkdir(originals);
    const zip = join(directory.path, 'photos.zip');
    await makePhotos(originals, zip);

    const memory: number[] = [];
    const runIn = async (mode: 'ours' | 'bare') => {
      const work = join(directory.path, mode);
      await mkdir(work);
      try {
        const args = [mode, work, mode === 'ours' ? zip : originals];
        return childReport.parse(await runChild('photos-child.ts', args));
      } finally {
        await rm(work, { recursive: true, force: true });
      }
    };
    const pairs = await measurePairs(REPETITIONS, {
      ours: async () => {
        const { seconds, maxRssMb } = await runIn('ours');
        memory.push(maxRssMb);
        return seconds;
      },
      bare: async () => (await runIn('bare')).seconds,
    });
    const peak = spread(memory);
    return [
      {
        what: 'time',
        ours: `${pairs.ours.median.toFixed(1)} s`,
        baseline: `${pairs.bare.median.toFixed(1)} s`,
        ratio: pairs.ratio,
        goal: { atMost: GOAL },
      },
      {
        what: 'peak memory of the process',
        ours: `${peak.max.toFixed(0)} MB`,
        baseline: `${MEMORY_MB} MB`,
        ratio: spread(memory.map((mb) => mb / MEMORY_MB)),
        goal: { atMost: 1 },
      },
    ];
  },
};

/** Soft colours with grain, about 1.5 MB each, so that the archive is near the largest that is taken. */
async function makePhotos(directory: string, zip: string): Promise<void> {
  const drawn: Buffer[] = [];
  for (let seed = 1; seed <= DIFFERENT_PHOTOS; seed += 1) drawn.push(await drawPhoto(seed));
  const files = Array.from({ length: PHOTOS }, (_, index) => ({
    name: `${index + 1}.jpg`,
    data: drawn[index % drawn.length] ?? Buffer.alloc(0),
  }));
  for (const { name, data } of files) await writeFile(join(directory, name), data);
  await writeStoredZip(zip, files);
}

async function drawPhoto(seed: number): Promise<Buffer> {
  const random = seededRandom(seed);
  const small = Buffer.from(Array.from({ length: 24 * 18 * 3 }, () => Math.floor(random() * 256)));
  const grain = await sharp({
    create: {
      width: WIDTH,
      height: HEIGHT,
      channels: 3,
      background: '#808080',
      noise: { type: 'gaussian', mean: 128, sigma: 9 },
    },
  })
    .jpeg({ quality: 95 })
    .toBuffer();
  return sharp(small, { raw: { width: 24, height: 18, channels: 3 } })
    .resize(WIDTH, HEIGHT, { fit: 'fill', kernel: 'cubic' })
    .composite([{ input: grain, blend: 'soft-light' }])
    .jpeg({ quality: 85 })
    .toBuffer();
}
