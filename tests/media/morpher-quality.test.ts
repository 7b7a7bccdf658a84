import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import sharp, { type Sharp } from 'sharp';
import { createFaceMesh } from '../../src/media/morpher/face-mesh.ts';
import { type FaceLandmarks, matchFaces } from '../../src/media/morpher/landmarks.ts';
import type { RgbPicture } from '../../src/media/morpher/morpher.ts';
import { describePhoto, gridOf } from '../../src/media/morpher/photo.ts';
import { planMorph } from '../../src/media/morpher/plan.ts';
import type { PlaneSize } from '../../src/media/morpher/plane.ts';
import { createFrameRenderer } from '../../src/media/morpher/render-frame.ts';
import { frameBytes } from '../../src/media/morpher/yuv.ts';
import { drawPicture } from '../support/pictures.ts';
import {
  crossFade,
  landmarkError,
  largestDifference,
  meanDifference,
  measureCrispness,
  measureGap,
  measureGhosts,
  middleOf,
  toVideo,
} from './morpher-metrics.ts';
import { cutGroup, cutPortrait, type Person, toRgb } from './morpher-pictures.ts';

// What the suite does without (quick-start.ts): frames are drawn and compared here pixel by pixel.
setFlagsFromString('--turbofan');

const PORTRAIT = { width: 360, height: 480 };
const LANDSCAPE = { width: 640, height: 360 };

const faceMesh = createFaceMesh();

interface Morph {
  readonly size: PlaneSize;
  readonly faces: readonly { readonly from: FaceLandmarks; readonly to: FaceLandmarks }[];
  /** How far each leading pair stays apart, as a share of the inter-ocular distance. */
  readonly straying: readonly number[];
  /** The two photos as frames of a video. */
  ends(): readonly [Uint8Array, Uint8Array];
  draw(time: number): Uint8Array;
  drawLuma(time: number): Uint8Array;
}

async function makeMorph(from: Sharp, to: Sharp): Promise<Morph> {
  const [a, b] = [await study(await toRgb(from)), await study(await toRgb(to))];
  const { size } = a;
  const plan = planMorph(a.photo, b.photo, size, matchFaces(a.faces, b.faces, size));
  const render = createFrameRenderer({ size, from: a.photo, to: b.photo, plan });
  const draw = (time: number) => {
    const frame = new Uint8ClampedArray(frameBytes(size));
    render(time, frame);
    return new Uint8Array(frame.buffer);
  };
  const drawLuma = (time: number) => draw(time).subarray(0, size.width * size.height);
  const straying = plan.faces.map((pair) => measureGap(pair, plan.field, size));
  return {
    size,
    faces: plan.faces,
    straying,
    ends: () => [toVideo(a.picture), toVideo(b.picture)],
    draw,
    drawLuma,
  };
}

async function study(picture: RgbPicture) {
  const { data: pixels, width, height } = picture;
  const size = { width, height };
  const samples = await sharp(pixels, { raw: { ...size, channels: 3 } })
    .resize({ ...gridOf(size), fit: 'fill' })
    .raw()
    .toBuffer();
  const faces = await faceMesh.findLandmarks(picture);
  return { size, faces, picture, photo: describePhoto({ pixels, samples }, size) };
}

/** Only the brightness: that is what faces are found by. */
function findInLuma(luma: Uint8Array, size: PlaneSize): Promise<readonly FaceLandmarks[]> {
  const data = Uint8Array.from({ length: luma.length * 3 }, (_, i) => luma[Math.floor(i / 3)] ?? 0);
  return faceMesh.findLandmarks({ data, ...size });
}

/** What leads must lie on each other, or there would be two mouths. */
function assertTogether({ straying }: Morph): void {
  for (const gap of straying) assert.ok(gap <= 0.06, `${gap} of the inter-ocular distance apart`);
}

const portraits = [
  once(() => makePortraits('nurse', 'hostess')),
  once(() => makePortraits('reader', 'nurse')),
  once(() => makePortraits('curls', 'hostess')),
] as const;
const pictures = [
  once(() => makeMorph(picture(LANDSCAPE, 3), picture(LANDSCAPE, 9))),
  once(() => makeMorph(picture(LANDSCAPE, 4), cutGroup(4, LANDSCAPE))),
] as const;

/** The same answer each time. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

async function makePortraits(a: Person, b: Person): Promise<Morph> {
  return makeMorph(await cutPortrait(a, PORTRAIT), await cutPortrait(b, PORTRAIT));
}

function picture(size: PlaneSize, seed: number) {
  return drawPicture({ ...size, seed });
}

describe('half-way', () => {
  test('a face stands between both faces, nearer than in a cross-fade', async () => {
    for (const make of portraits) {
      const morph = await make();
      const [pair] = morph.faces;
      assert.ok(pair, 'the faces lead');
      assertTogether(morph);
      const found = await findInLuma(morph.drawLuma(0.5), morph.size);
      const error = landmarkError(found, middleOf(pair.from, pair.to, morph.size));
      assert.ok(error < 0.04, `${error} of the inter-ocular distance`);
      const faded = crossFade(morph.drawLuma(0), morph.drawLuma(1));
      const fade = await findInLuma(faded, morph.size);
      const fadeError = landmarkError(fade, middleOf(pair.from, pair.to, morph.size, 0));
      assert.ok(error < fadeError, `${error}, and ${fadeError} in a cross-fade`);
    }
  });

  test('most of the picture is crisp and shows one photo, not half of each', async () => {
    const crispness: number[] = [];
    for (const make of [...portraits, ...pictures]) {
      const morph = await make();
      const [first, middle, last] = [0, 0.5, 1].map((time) => morph.drawLuma(time));
      assert.ok(first && middle && last);
      const ghosts = measureGhosts(middle, first, last);
      assert.ok(ghosts < 0.55, `${ghosts} of what differs is a ghost`);
      const crisp = measureCrispness(middle, first, last, morph.size);
      assert.ok(crisp > 0.53, `${crisp} of the detail is left`);
      crispness.push(crisp);
    }
    const mean = crispness.reduce((sum, value) => sum + value, 0) / crispness.length;
    assert.ok(mean > 0.6, `${mean} of the detail is left on average`);
  });
});

test('a morph begins with the one photo and ends on the other, without a step to its neighbours', async () => {
  for (const make of [portraits[0], pictures[1]]) {
    const morph = await make();
    const ends = morph.ends();
    for (const end of [0, 1] as const) {
      assert.ok(largestDifference(morph.draw(end), ends[end]) <= 1, 'the photo itself');
      const inside = morph.draw(Math.abs(end - 1e-6));
      assert.ok(largestDifference(inside, morph.draw(end)) <= 1);
    }
  }
});

test('no frame jumps', async () => {
  for (const make of [portraits[1], pictures[0]]) {
    const morph = await make();
    const frames = Array.from({ length: 24 }, (_, index) => morph.drawLuma(index / 23));
    const steps = frames
      .slice(1)
      .map((frame, index) => meanDifference(frame, frames[index] ?? frame))
      .sort((a, b) => a - b);
    const ratio = (steps.at(-1) ?? 0) / (steps[11] ?? 1);
    assert.ok(ratio < 4, `the largest step is ${ratio} times the middle one`);
  }
});

test('in groups, faces that can meet lead, three at most, and the others let go', async () => {
  const groups = [
    [3, 4],
    [5, 6],
    [1, 2],
  ] as const;
  let leading = 0;
  for (const [a, b] of groups) {
    const morph = await makeMorph(cutGroup(a, LANDSCAPE), cutGroup(b, LANDSCAPE));
    leading += morph.faces.length;
    assertTogether(morph);
    assert.ok(morph.faces.length <= 3);
    const middle = morph.drawLuma(0.5);
    assert.ok(measureGhosts(middle, morph.drawLuma(0), morph.drawLuma(1)) < 0.55);
  }
  assert.ok(leading >= 2, `${leading} faces lead`);
});

test('the same photos give the same frames', async () => {
  const a = await pictures[0]();
  const b = await makeMorph(picture(LANDSCAPE, 3), picture(LANDSCAPE, 9));
  assert.equal(largestDifference(a.draw(0.4), b.draw(0.4)), 0);
});
