import type { Plane, PlaneSize } from './plane.ts';

/**
 * How two photos correspond, seen from half-way between them: what the middle picture shows at p stands in
 * the first photo at p - (x, y) and in the second at p + (x, y). In samples of the grid.
 */
export interface Field {
  readonly size: PlaneSize;
  readonly x: Plane;
  readonly y: Plane;
}

/** A field that some samples insist on. */
export interface Guide extends Field {
  /** From 0, where the photos decide, to 1, where the guide does. */
  readonly strength: Plane;
}
