import { readFile } from 'node:fs/promises';
import type { PhotoLook } from '../../src/domain/photo-look.ts';
import { createPhotos, type PhotoInspection, type Photos } from '../../src/media/photos.ts';
import { writeWhole } from '../../src/media/storage.ts';
import { rememberFiles, rememberResults } from './remembered.ts';

/** The share of a canvas's sides that is drawn. */
const SHARE = 1 / 4;

/**
 * For tests of something else: photos are drawn on a canvas of a quarter of the sides, those with the same
 * bytes once, and the first one alone is the contact sheet. What is left takes a tenth of the time.
 */
export function createQuickPhotos(...args: Parameters<typeof createPhotos>): Photos {
  const photos = createPhotos(...args);
  const inspected = rememberResults<PhotoInspection>();
  const onCanvas = rememberFiles<PhotoLook>();
  const upright = rememberFiles<PhotoLook>();
  return {
    inspectPhoto: (path) => inspected({ inputs: [path], work: () => photos.inspectPhoto(path) }),
    toCanvas({ canvas: { width, height }, ...job }) {
      const canvas = { width: width * SHARE, height: height * SHARE };
      const { input, output } = job;
      const work = () => photos.toCanvas({ ...job, canvas });
      return onCanvas({ inputs: [input], output, how: canvas, work });
    },
    toUpright(job) {
      const { input, output } = job;
      return upright({ inputs: [input], output, work: () => photos.toUpright(job) });
    },
    async contactSheet({ photos: [first], output }) {
      if (!first) throw new RangeError('A contact sheet shows at least one photo');
      await writeWhole(output, await readFile(first.path));
      return [output];
    },
  };
}
