/** A point of a picture, in pixels or in samples of a grid. */
export type Point = readonly [x: number, y: number];

/** A face by the landmarks of `LANDMARKS`, in their order, in pixels of the clip. */
export interface FaceLandmarks {
  readonly points: readonly Point[];
  /** Of its bounding box. */
  readonly width: number;
  readonly centre: Point;
}

/** The outline of a face, clockwise from the top. */
const OVAL = [
  10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148,
  176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
] as const;
const RIGHT_EYE = [33, 160, 158, 133, 153, 144] as const;
const LEFT_EYE = [362, 385, 387, 263, 373, 380] as const;
const BROWS = [70, 63, 105, 66, 107, 336, 296, 334, 293, 300] as const;
const NOSE = [168, 6, 197, 195, 5, 4, 1, 2, 98, 327] as const;
const LIPS = [61, 40, 37, 0, 267, 270, 291, 321, 314, 17, 84, 91, 13, 14, 78, 308] as const;
const CHEEKS = [50, 280, 205, 425, 151, 9] as const;

/**
 * Which of the 468 points of the MediaPipe face mesh lead a morph. The numbering:
 * https://github.com/google-ai-edge/mediapipe/blob/master/mediapipe/modules/face_geometry/data/canonical_face_model_uv_visualization.png
 */
export const LANDMARKS: readonly number[] = [
  ...[...OVAL, ...RIGHT_EYE, ...LEFT_EYE],
  ...[...BROWS, ...NOSE, ...LIPS, ...CHEEKS],
];

const OUTER_EYE_CORNERS = [LANDMARKS.indexOf(33), LANDMARKS.indexOf(263)] as const;

/** The distance of the outer corners of the eyes: the measure all errors in faces are told in. */
export function interOcularDistance(points: readonly Point[]): number {
  const [right, left] = OUTER_EYE_CORNERS.map((index) => points[index]);
  return right && left ? Math.hypot(right[0] - left[0], right[1] - left[1]) : 0;
}

/** A face of a picture that is `scale` times as large. */
export function scaleFace(face: FaceLandmarks, scale: number): FaceLandmarks {
  // Pixels lie in the middle of their squares.
  const move = ([x, y]: Point): Point => [(x + 0.5) * scale - 0.5, (y + 0.5) * scale - 0.5];
  return { points: face.points.map(move), width: face.width * scale, centre: move(face.centre) };
}

/** Two faces that become one another. */
export interface FacePair {
  readonly from: FaceLandmarks;
  readonly to: FaceLandmarks;
}

/** More faces than this pull the picture apart. */
const MAX_PAIRS = 3;
const CANDIDATES = 5;
/** What a face without a partner costs; a pair costs its distance in widths of the picture, and its growth. */
const LONELY_COST = 0.45;
const GROWTH_COST = 0.35;
/** The largest face of one photo is meant to become the largest of the other. */
const MAIN_FACES_BONUS = 0.15;

/**
 * Which face becomes which: near ones of like size, in the order they stand in, for faces do not pass through
 * each other; the three largest pairs.
 * @param size of the clip, in pixels.
 */
export function matchFaces(
  from: readonly FaceLandmarks[],
  to: readonly FaceLandmarks[],
  size: { readonly width: number; readonly height: number },
): FacePair[] {
  const left = largestFirst(from);
  const right = largestFirst(to);
  const costOf = (pair: FacePair) => {
    const away = Math.hypot(
      (pair.from.centre[0] - pair.to.centre[0]) / size.width,
      (pair.from.centre[1] - pair.to.centre[1]) / size.height,
    );
    const growth = Math.abs(Math.log(pair.from.width / pair.to.width));
    const bonus = pair.from === left[0] && pair.to === right[0] ? MAIN_FACES_BONUS : 0;
    return away + GROWTH_COST * growth - bonus;
  };
  const { pairs } = align(fromLeftToRight(left), fromLeftToRight(right), costOf);
  return pairs
    .toSorted((a, b) => b.from.width * b.to.width - a.from.width * a.to.width)
    .slice(0, MAX_PAIRS);
}

interface Alignment {
  readonly pairs: readonly FacePair[];
  readonly cost: number;
}

/** The cheapest way to pair two rows in their order, some left without a partner. */
function align(
  [from, ...restFrom]: readonly FaceLandmarks[],
  [to, ...restTo]: readonly FaceLandmarks[],
  costOf: (pair: FacePair) => number,
): Alignment {
  if (!from || !to) {
    const lonely = from ? 1 + restFrom.length : to ? 1 + restTo.length : 0;
    return { pairs: [], cost: lonely * LONELY_COST };
  }
  const pair = { from, to };
  const paired = align(restFrom, restTo, costOf);
  const choices = [
    { pairs: [pair, ...paired.pairs], cost: costOf(pair) + paired.cost },
    withLonely(align(restFrom, [to, ...restTo], costOf)),
    withLonely(align([from, ...restFrom], restTo, costOf)),
  ];
  return choices.reduce((best, choice) => (choice.cost < best.cost ? choice : best));
}

function withLonely({ pairs, cost }: Alignment): Alignment {
  return { pairs, cost: cost + LONELY_COST };
}

function largestFirst(faces: readonly FaceLandmarks[]): FaceLandmarks[] {
  return faces.toSorted((a, b) => b.width - a.width).slice(0, CANDIDATES);
}

function fromLeftToRight(faces: readonly FaceLandmarks[]): FaceLandmarks[] {
  return faces.toSorted((a, b) => a.centre[0] - b.centre[0]);
}
