import type { Field, Guide } from './field.ts';
import { type FacePair, interOcularDistance, type Point } from './landmarks.ts';
import { type PlaneSize, sampleAt } from './plane.ts';

/** All distances around a face are in its radius, the root mean square distance of its landmarks. */
const RESIDUAL_KERNEL = 0.38;
/** The face, its hair and shoulders move as one up to here, then less and less. */
const HEAD_REACH = 2.2;
const HEAD_FADE = 2;
/** A head is higher than it is wide. */
const HEAD_FLATTEN = 0.85;
/** Inside a face, and so far around its landmarks, the landmarks decide; then less and less. */
const PIN_REACH = 0.25;
const PIN_FADE = 0.35;
const PIN_STRENGTH = 0.97;

/** One face on its way: where its landmarks are half-way, and how far they go to either side. */
interface MovingFace {
  readonly middle: readonly Point[];
  readonly shift: readonly Point[];
  /** What of the shift of each landmark the face as a whole does not explain. */
  readonly rest: readonly Point[];
  readonly centre: Point;
  readonly radius: number;
  /** How the face moves as a whole: turned, scaled and shifted, nothing else. */
  moveRigidly(x: number, y: number): Point;
}

/**
 * The field that the landmarks of faces ask for: each face as a whole turns, grows and moves with its head,
 * and the remaining differences between the faces are interpolated between the landmarks.
 * @param pairs in samples of the grid.
 */
export function guideByFaces(pairs: readonly FacePair[], size: PlaneSize): Guide {
  const { width, height } = size;
  const guide = {
    size,
    x: new Float32Array(width * height),
    y: new Float32Array(width * height),
    strength: new Float32Array(width * height),
  };
  const faces = pairs.map(toMovingFace);
  for (let y = 0, i = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, i += 1) {
      let total = 0;
      let sumX = 0;
      let sumY = 0;
      for (const face of faces) {
        const { vx, vy, weight, strength } = moveSample(face, x, y);
        total += weight;
        sumX += weight * vx;
        sumY += weight * vy;
        guide.strength[i] = Math.max(guide.strength[i] ?? 0, strength);
      }
      guide.x[i] = sumX / total;
      guide.y[i] = sumY / total;
    }
  }
  return guide;
}

/**
 * How far apart a field leaves the landmarks that should lie on each other, on average, as a share of the
 * inter-ocular distance.
 */
export function measureStraying(pair: FacePair, field: Field): number {
  const { middle, shift } = toMovingFace(pair);
  const errors = middle.map(([x, y], k) => {
    const [dx, dy] = shift[k] ?? [0, 0];
    const { size } = field;
    return Math.hypot(sampleAt(field.x, size, x, y) - dx, sampleAt(field.y, size, x, y) - dy);
  });
  const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
  // The field goes half of the way from either side.
  return (2 * mean) / interOcularDistance(middle);
}

function toMovingFace({ from, to }: FacePair): MovingFace {
  const middle: Point[] = [];
  const shift: Point[] = [];
  for (const [k, [ax, ay]] of from.points.entries()) {
    const [bx, by] = to.points[k] ?? [ax, ay];
    middle.push([(ax + bx) / 2, (ay + by) / 2]);
    shift.push([(bx - ax) / 2, (by - ay) / 2]);
  }
  const centre = meanOf(middle);
  const [shiftX, shiftY] = meanOf(shift);
  // The similarity that fits best, by least squares: v = (a, b) * (p - centre) + mean, as complex numbers.
  let a = 0;
  let b = 0;
  let squares = 0;
  for (const [k, [x, y]] of middle.entries()) {
    const [vx, vy] = shift[k] ?? [0, 0];
    const [px, py, ux, uy] = [x - centre[0], y - centre[1], vx - shiftX, vy - shiftY];
    a += px * ux + py * uy;
    b += px * uy - py * ux;
    squares += px * px + py * py;
  }
  a /= squares;
  b /= squares;
  const moveRigidly = (x: number, y: number): Point => [
    a * (x - centre[0]) - b * (y - centre[1]) + shiftX,
    b * (x - centre[0]) + a * (y - centre[1]) + shiftY,
  ];
  const rest = middle.map(([x, y], k): Point => {
    const [vx, vy] = shift[k] ?? [0, 0];
    const [rigidX, rigidY] = moveRigidly(x, y);
    return [vx - rigidX, vy - rigidY];
  });
  const radius = Math.sqrt(squares / middle.length);
  return { middle, shift, rest, centre, radius, moveRigidly };
}

function moveSample(face: MovingFace, x: number, y: number) {
  const { middle, rest, centre, radius } = face;
  const kernel = (radius * RESIDUAL_KERNEL) ** 2;
  let total = 1e-6;
  let restX = 0;
  let restY = 0;
  let nearest = Number.POSITIVE_INFINITY;
  for (let k = 0; k < middle.length; k += 1) {
    const [mx, my] = middle[k] ?? centre;
    const square = (x - mx) ** 2 + (y - my) ** 2;
    const weight = 1 / (square ** 2 / kernel + 0.02 * kernel);
    const [beyondX, beyondY] = rest[k] ?? [0, 0];
    nearest = Math.min(nearest, square);
    total += weight;
    restX += weight * beyondX;
    restY += weight * beyondY;
  }
  const away = Math.sqrt(nearest) / radius;
  const near = Math.exp(-1.2 * away ** 2) / total;
  const fromCentre = Math.hypot(x - centre[0], (y - centre[1]) * HEAD_FLATTEN) / radius;
  const head = fadeBeyond(fromCentre, HEAD_REACH, HEAD_FADE);
  const [rigidX, rigidY] = face.moveRigidly(x, y);
  return {
    vx: rigidX * head + restX * near,
    vy: rigidY * head + restY * near,
    /** Among several faces. */
    weight: 1 / (fromCentre ** 4 + 0.02) + 1e-6,
    strength: PIN_STRENGTH * fadeBeyond(away, PIN_REACH, PIN_FADE),
  };
}

/** 1 up to `reach`, then falling like a bell curve. */
function fadeBeyond(distance: number, reach: number, sigma: number): number {
  return distance < reach ? 1 : Math.exp(-((distance - reach) ** 2) / (2 * sigma * sigma));
}

function meanOf(points: readonly Point[]): Point {
  const sum = points.reduce<Point>(([sx, sy], [x, y]) => [sx + x, sy + y], [0, 0]);
  return [sum[0] / points.length, sum[1] / points.length];
}
