import { guideByFaces, measureStraying } from './face-guide.ts';
import type { Field, Guide } from './field.ts';
import type { FaceLandmarks, FacePair, Point } from './landmarks.ts';
import { gridOf, type Photo, share } from './photo.ts';
import type { Plane, PlaneSize } from './plane.ts';
import { borderWindow, solveField } from './solve-field.ts';
import { timeSwitches } from './switches.ts';

/**
 * A pair whose landmarks stay further apart than this share of the inter-ocular distance would show two
 * mouths: its neighbours or the border ask for another direction.
 */
const MAX_STRAYING = 0.06;

/** How one photo becomes the other; all of it is in shared memory. */
export interface MorphPlan {
  readonly field: Field;
  /** When each sample of the half-way picture turns from the first photo into the second, from 0 to 1. */
  readonly switchTime: Plane;
  /** How long before and after that time it is both. */
  readonly switchReach: Plane;
  /** The pairs of faces that lead the morph, in pixels of the clip. */
  readonly faces: readonly FacePair[];
}

/**
 * @param size of the clip.
 * @param pairs faces that become one another, the most important first.
 */
export function planMorph(
  from: Photo,
  to: Photo,
  size: PlaneSize,
  pairs: readonly FacePair[],
): MorphPlan {
  const grid = gridOf(size);
  const { field, guide, faces } = solveWithFaces(from, to, { size, grid, pairs });
  const switches = timeSwitches(from.features, to.features, field, guide);
  return {
    field: { size: grid, x: share(field.x), y: share(field.y) },
    switchTime: share(switches.time),
    switchReach: share(switches.reach),
    faces,
  };
}

interface Task {
  readonly size: PlaneSize;
  readonly grid: PlaneSize;
  readonly pairs: readonly FacePair[];
}

interface Solution {
  readonly field: Field;
  readonly guide: Guide | undefined;
  readonly faces: readonly FacePair[];
}

/**
 * Without the pairs that would not come to lie on each other: those whose neighbours or the border already
 * forbid it, then, by solving again, those that the photos pull apart.
 */
function solveWithFaces(from: Photo, to: Photo, { size, grid, pairs }: Task): Solution {
  let faces = pairs;
  for (;;) {
    const onGrid = faces.map((pair) => scalePair(pair, size, grid));
    const guide = onGrid.length > 0 ? guideByFaces(onGrid, grid) : undefined;
    const forbidden = guide && findStray(onGrid, withStillBorder(guide));
    const field =
      forbidden === undefined ? solveField(from.features, to.features, grid, guide) : undefined;
    const stray = field ? findStray(onGrid, field) : forbidden;
    if (field && stray === undefined) return { field, guide, faces };
    faces = faces.filter((_, index) => index !== stray);
  }
}

/** The pair that strays most, when it strays too far. */
function findStray(pairs: readonly FacePair[], field: Field): number | undefined {
  const straying = pairs.map((pair) => measureStraying(pair, field));
  const worst = straying.reduce((max, value) => (value <= max ? max : value), MAX_STRAYING);
  const index = straying.indexOf(worst);
  return index < 0 ? undefined : index;
}

function withStillBorder({ size, x, y }: Field): Field {
  const mobility = borderWindow(size);
  const still = (plane: Plane) => plane.map((value, i) => value * (mobility[i] ?? 0));
  return { size, x: still(x), y: still(y) };
}

function scalePair({ from, to }: FacePair, size: PlaneSize, grid: PlaneSize): FacePair {
  return { from: scaleFace(from, size, grid), to: scaleFace(to, size, grid) };
}

function scaleFace(face: FaceLandmarks, size: PlaneSize, grid: PlaneSize): FaceLandmarks {
  const toGrid = ([x, y]: Point): Point => [
    ((x + 0.5) * grid.width) / size.width - 0.5,
    ((y + 0.5) * grid.height) / size.height - 0.5,
  ];
  return {
    points: face.points.map(toGrid),
    width: (face.width * grid.width) / size.width,
    centre: toGrid(face.centre),
  };
}
