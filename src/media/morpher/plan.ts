import { guideByFaces, measureStraying } from './face-guide.ts';
import type { Field, Guide } from './field.ts';
import type { FaceLandmarks, FacePair, Point } from './landmarks.ts';
import { gridOf, type Photo, share } from './photo.ts';
import type { Plane, PlaneSize } from './plane.ts';
import { solveField } from './solve-field.ts';
import { timeSwitches } from './switches.ts';

/**
 * A pair whose landmarks stay further apart than this share of the inter-ocular distance would show two
 * mouths: its neighbours or the border ask for another direction.
 */
const MAX_STRAYING = 0.08;

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

/** Solves again without the pair that fared worst, until all that are left stay where they belong. */
function solveWithFaces(
  from: Photo,
  to: Photo,
  { size, grid, pairs }: Task,
): {
  readonly field: Field;
  readonly guide: Guide | undefined;
  readonly faces: readonly FacePair[];
} {
  let faces = pairs;
  for (;;) {
    const onGrid = faces.map((pair) => scalePair(pair, size, grid));
    const guide = onGrid.length > 0 ? guideByFaces(onGrid, grid) : undefined;
    const field = solveField(from.features, to.features, grid, guide);
    const straying = onGrid.map((pair) => measureStraying(pair, field));
    const worst = straying.reduce((max, value) => (value <= max ? max : value), MAX_STRAYING);
    const dropped = straying.indexOf(worst);
    if (dropped < 0) return { field, guide, faces };
    faces = faces.filter((_, index) => index !== dropped);
  }
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
