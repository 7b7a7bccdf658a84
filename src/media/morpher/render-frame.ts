import type { Photo, Tones } from './photo.ts';
import type { MorphPlan } from './plan.ts';
import { type Plane, type PlaneSize, sampleAt, smoothStep } from './plane.ts';
import { planesOf, type YuvPlane } from './yuv.ts';

/** At half-time the picture is this much larger: a slow breath that makes the movement one. */
export const BREATH = 0.04;
/** Broad tones change over a longer time than details. */
const TONE_REACH = 2.4;
const LONGEST_TONE_REACH = 0.42;
/** Rounds of the search for the half-way sample that a pixel shows. */
const INVERSION_ROUNDS = 6;
/** Shares smaller than this are not seen. */
const SMALLEST_SHARE = 0.004;

/** What of a photo is drawn. */
export type DrawnPhoto = Pick<Photo, 'frame' | 'tones'>;

export interface MorphSource {
  /** Of the clip, in pixels. */
  readonly size: PlaneSize;
  readonly from: DrawnPhoto;
  readonly to: DrawnPhoto;
  readonly plan: MorphPlan;
}

/**
 * Draws the frame at `time`, from 0 to 1, in full into `frame`. At 0 and 1 it is the photo itself.
 */
export type FrameRenderer = (time: number, frame: Uint8ClampedArray) => void;

/** What each sample of the grid shows at one moment. */
interface Moment {
  /** Where it comes from in either photo, in samples of the grid. */
  readonly fromX: Plane;
  readonly fromY: Plane;
  readonly toX: Plane;
  readonly toY: Plane;
  /** The share of the second photo's details. */
  readonly shareTo: Plane;
  /** What is added to the details of both so that the broad tones change at their own pace: Y, U, V. */
  readonly toneShift: readonly [Plane, Plane, Plane];
}

/** @see FrameRenderer */
export function createFrameRenderer(source: MorphSource): FrameRenderer {
  const { size, from, to, plan } = source;
  const grid = plan.field.size;
  const moment = createMoment(grid);
  const planes = planesOf(size).map((plane, channel) =>
    createPlaneRenderer(plane, grid, moment.toneShift[channel] ?? moment.shareTo),
  );
  return (time, frame) => {
    if (time <= 0 || time >= 1) {
      frame.set(time <= 0 ? from.frame : to.frame);
      return;
    }
    takeMoment(source, time, moment);
    for (const render of planes) render(moment, from.frame, to.frame, frame);
  };
}

function createMoment({ width, height }: PlaneSize): Moment {
  const plane = () => new Float32Array(width * height);
  return {
    ...{ fromX: plane(), fromY: plane(), toX: plane(), toY: plane() },
    shareTo: plane(),
    toneShift: [plane(), plane(), plane()],
  };
}

/** Slow at both ends, without a jolt: 6t⁵ − 15t⁴ + 10t³. */
function ease(time: number): number {
  return time * time * time * (time * (6 * time - 15) + 10);
}

function takeMoment({ plan, from, to }: MorphSource, time: number, moment: Moment): void {
  const { size, x: fieldX, y: fieldY } = plan.field;
  // From -1 at the first photo to 1 at the second.
  const progress = 2 * ease(time) - 1;
  const zoom = 1 / (1 + BREATH * Math.sin(Math.PI * time) ** 2);
  const middleX = (size.width - 1) / 2;
  const middleY = (size.height - 1) / 2;
  for (let row = 0, i = 0; row < size.height; row += 1) {
    const y = middleY + (row - middleY) * zoom;
    for (let column = 0; column < size.width; column += 1, i += 1) {
      const x = middleX + (column - middleX) * zoom;
      // The half-way sample h that has moved here: h + progress * field(h) = (x, y), by fixed-point iteration.
      let hx = x;
      let hy = y;
      let vx = 0;
      let vy = 0;
      for (let round = 0; round <= INVERSION_ROUNDS; round += 1) {
        hx = x - progress * vx;
        hy = y - progress * vy;
        vx = sampleAt(fieldX, size, hx, hy);
        vy = sampleAt(fieldY, size, hx, hy);
      }
      // What the iteration has left undone must not move the photos at their own ends of the clip.
      const restX = hx + progress * vx - x;
      const restY = hy + progress * vy - y;
      moment.fromX[i] = hx - vx - restX;
      moment.fromY[i] = hy - vy - restY;
      moment.toX[i] = hx + vx - restX;
      moment.toY[i] = hy + vy - restY;
      const middle = sampleAt(plan.switchTime, size, hx, hy);
      const reach = sampleAt(plan.switchReach, size, hx, hy);
      const share = smoothStep(middle - reach, middle + reach, time);
      moment.shareTo[i] = share;
      const toneReach = Math.min(LONGEST_TONE_REACH, reach * TONE_REACH);
      const toneShare = smoothStep(middle - toneReach, middle + toneReach, time);
      shiftTones(from.tones, to.tones, size, i, toneShare - share, moment);
    }
  }
}

function shiftTones(
  from: Tones,
  to: Tones,
  size: PlaneSize,
  i: number,
  lead: number,
  moment: Moment,
): void {
  const ax = moment.fromX[i] ?? 0;
  const ay = moment.fromY[i] ?? 0;
  const bx = moment.toX[i] ?? 0;
  const by = moment.toY[i] ?? 0;
  for (const channel of [0, 1, 2] as const) {
    const difference = sampleAt(to[channel], size, bx, by) - sampleAt(from[channel], size, ax, ay);
    moment.toneShift[channel][i] = lead * difference;
  }
}

type PlaneRenderer = (
  moment: Moment,
  from: Uint8Array,
  to: Uint8Array,
  frame: Uint8ClampedArray,
) => void;

/**
 * Draws one plane of a frame. The moment is interpolated from the grid to the plane's pixels: down the columns
 * into one line of grid samples, then along the line.
 */
function createPlaneRenderer(
  { width, height, offset }: YuvPlane,
  grid: PlaneSize,
  toneShift: Plane,
): PlaneRenderer {
  const stepX = width / grid.width;
  const stepY = height / grid.height;
  const line = () => new Float32Array(grid.width);
  const lines = [line(), line(), line(), line(), line(), line()] as const;
  const [lineAx, lineAy, lineBx, lineBy, lineShare, lineTone] = lines;
  // Just inside, so that the next pixel to the right and below exists.
  const maxX = width - 1.001;
  const maxY = height - 1.001;

  return (moment, from, to, frame) => {
    for (let y = 0; y < height; y += 1) {
      const gridY = (y + 0.5) / stepY - 0.5;
      const row = Math.max(0, Math.min(grid.height - 2, Math.floor(gridY)));
      const share = gridY - row;
      interpolateLine(moment.fromX, row, share, lineAx, stepX);
      interpolateLine(moment.fromY, row, share, lineAy, stepY);
      interpolateLine(moment.toX, row, share, lineBx, stepX);
      interpolateLine(moment.toY, row, share, lineBy, stepY);
      interpolateLine(moment.shareTo, row, share, lineShare);
      interpolateLine(toneShift, row, share, lineTone);
      drawLine(from, to, frame, offset + y * width);
    }
  };

  /** @param step pixels to a sample, to turn places on the grid into places on the plane. */
  function interpolateLine(
    plane: Plane,
    row: number,
    share: number,
    into: Float32Array,
    step?: number,
  ): void {
    const scale = step ?? 1;
    const shift = step === undefined ? 0 : step / 2 - 0.5;
    const start = row * grid.width;
    for (let x = 0; x < grid.width; x += 1) {
      const upper = plane[start + x] ?? 0;
      const lower = plane[start + grid.width + x] ?? 0;
      into[x] = (upper + (lower - upper) * share) * scale + shift;
    }
  }

  function drawLine(
    from: Uint8Array,
    to: Uint8Array,
    frame: Uint8ClampedArray,
    start: number,
  ): void {
    let x = 0;
    for (let cell = 0; cell < grid.width - 1; cell += 1) {
      const last = cell === grid.width - 2;
      const end = last ? width : Math.min(width, Math.ceil((cell + 1.5) * stepX - 0.5));
      // Left of the first sample and right of the last one the line goes on as it began.
      const into = (x + 0.5) / stepX - 0.5 - cell;
      const slope = (line: Float32Array) => (line[cell + 1] ?? 0) - (line[cell] ?? 0);
      const stepAx = slope(lineAx) / stepX;
      const stepAy = slope(lineAy) / stepX;
      const stepBx = slope(lineBx) / stepX;
      const stepBy = slope(lineBy) / stepX;
      const stepShare = slope(lineShare) / stepX;
      const stepTone = slope(lineTone) / stepX;
      let ax = (lineAx[cell] ?? 0) + slope(lineAx) * into;
      let ay = (lineAy[cell] ?? 0) + slope(lineAy) * into;
      let bx = (lineBx[cell] ?? 0) + slope(lineBx) * into;
      let by = (lineBy[cell] ?? 0) + slope(lineBy) * into;
      let shareTo = (lineShare[cell] ?? 0) + slope(lineShare) * into;
      let tone = (lineTone[cell] ?? 0) + slope(lineTone) * into;
      for (; x < end; x += 1) {
        const shareFrom = 1 - shareTo;
        let value = tone;
        if (shareFrom > SMALLEST_SHARE) value += shareFrom * pick(from, ax, ay);
        if (shareTo > SMALLEST_SHARE) value += shareTo * pick(to, bx, by);
        frame[start + x] = value;
        ax += stepAx;
        ay += stepAy;
        bx += stepBx;
        by += stepBy;
        shareTo += stepShare;
        tone += stepTone;
      }
    }
  }

  function pick(photo: Uint8Array, x: number, y: number): number {
    const px = x < 0 ? 0 : x > maxX ? maxX : x;
    const py = y < 0 ? 0 : y > maxY ? maxY : y;
    const left = px | 0;
    const top = py | 0;
    const fx = px - left;
    const fy = py - top;
    const i = offset + top * width + left;
    const j = i + width;
    const upper = (photo[i] ?? 0) * (1 - fx) + (photo[i + 1] ?? 0) * fx;
    const lower = (photo[j] ?? 0) * (1 - fx) + (photo[j + 1] ?? 0) * fx;
    return upper * (1 - fy) + lower * fy;
  }
}
