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

/** Two faces that become one another. */
export interface FacePair {
  readonly from: FaceLandmarks;
  readonly to: FaceLandmarks;
}

/** More faces than this pull the picture apart. */
const MAX_PAIRS = 3;
const CANDIDATES = 5;
/** In widths of the picture; a face further away is another person's. */
const MAX_COST = 0.9;
/** The largest face of one photo is meant to become the largest of the other. */
const MAIN_FACE_BONUS = 0.15;

/**
 * Which face becomes which: near ones of the same size first, each at most once.
 * @param size of the clip, in pixels.
 */
export function matchFaces(
  from: readonly FaceLandmarks[],
  to: readonly FaceLandmarks[],
  size: { readonly width: number; readonly height: number },
): FacePair[] {
  const left = largestFirst(from);
  const right = largestFirst(to);
  const candidates = left.flatMap((a, i) =>
    right.map((b, j) => {
      const away = Math.hypot(
        (a.centre[0] - b.centre[0]) / size.width,
        (a.centre[1] - b.centre[1]) / size.height,
      );
      const bonus = i === 0 && j === 0 ? MAIN_FACE_BONUS : 0;
      return { from: a, to: b, cost: away + 0.35 * Math.abs(Math.log(a.width / b.width)) - bonus };
    }),
  );
  const pairs: FacePair[] = [];
  for (const { cost, ...pair } of candidates.sort((p, q) => p.cost - q.cost)) {
    const taken = pairs.some((other) => other.from === pair.from || other.to === pair.to);
    if (!taken && cost <= MAX_COST && pairs.length < MAX_PAIRS) pairs.push(pair);
  }
  return pairs;
}

function largestFirst(faces: readonly FaceLandmarks[]): FaceLandmarks[] {
  return faces.toSorted((a, b) => b.width - a.width).slice(0, CANDIDATES);
}
