import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp, { type Sharp } from 'sharp';
import type { RgbPicture } from '../../src/media/morpher/morpher.ts';
import type { PlaneSize } from '../../src/media/morpher/plane.ts';

/** Group photos that come with @vladmandic/face-api (MIT), by number, and the middle and width of some faces. */
const PEOPLE = {
  clown: { photo: 1, x: 518, y: 499, width: 352 },
  nurse: { photo: 1, x: 1577, y: 342, width: 279 },
  reader: { photo: 2, x: 1564, y: 293, width: 347 },
  hostess: { photo: 3, x: 1186, y: 374, width: 367 },
  curls: { photo: 3, x: 694, y: 481, width: 361 },
} as const;

export type Person = keyof typeof PEOPLE;

/** How many faces each of the photos shows. */
export const FACES_IN_GROUP = { 1: 3, 2: 3, 3: 3, 4: 4, 5: 5, 6: 4 } as const;

export type GroupNumber = keyof typeof FACES_IN_GROUP;

/** A group photo cut to a size. */
export function cutGroup(number: GroupNumber, size: PlaneSize) {
  return sharp(groupPath(number)).resize({ ...size, fit: 'cover' });
}

/** One person of a group photo, the face about half as wide as the picture. */
export async function cutPortrait(person: Person, size: PlaneSize) {
  const { photo, x, y, width: face } = PEOPLE[person];
  const whole = await sharp(groupPath(photo)).metadata();
  const width = 2 * face;
  const height = Math.round((width * size.height) / size.width);
  return sharp(groupPath(photo))
    .extract({
      left: Math.max(0, Math.min(whole.width - width, Math.round(x - width / 2))),
      top: Math.max(0, Math.min(whole.height - height, Math.round(y - height * 0.48))),
      ...{ width, height },
    })
    .resize({ ...size, fit: 'fill' });
}

/** A picture as its pixels. */
export async function toRgb(picture: Sharp): Promise<RgbPicture> {
  const { data, info } = await picture.removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}

function groupPath(number: GroupNumber): string {
  const library = fileURLToPath(import.meta.resolve('@vladmandic/face-api/package.json'));
  return join(library, '..', 'demo', `sample${number}.jpg`);
}
