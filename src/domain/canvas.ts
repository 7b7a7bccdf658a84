/** Width and height in pixels, both even (H.264 in yuv420p has no odd sizes). */
export interface Canvas {
  readonly width: number;
  readonly height: number;
}

/** Pixel size of a picture after its EXIF orientation was applied. */
export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** The three shapes every video model of the catalogue takes. */
export const CANVASES = {
  landscape: { width: 1920, height: 1080 },
  portrait: { width: 1080, height: 1920 },
  square: { width: 1440, height: 1440 },
} as const satisfies Record<string, Canvas>;

/** 16:9, 9:16 or 1:1. */
export type CanvasShape = keyof typeof CANVASES;

/** A crop that keeps less than this share of the picture is not made: the picture is padded instead. */
export const MIN_CROP_KEEP = 0.6;

/**
 * The one canvas of an order: each picture votes for the shape nearest to its own (by ratio, on a
 * logarithmic scale), the majority wins, and a tie goes to the shape of the earliest voter.
 * @param shapes those the model can render; a picture right between two votes for the earlier one.
 * @throws RangeError when there is no picture.
 */
export function chooseCanvas(
  pictures: readonly PictureSize[],
  shapes: readonly [CanvasShape, ...CanvasShape[]],
): Canvas {
  const votes = new Map<Canvas, number>();
  for (const picture of pictures) {
    const shape = nearestCanvas(picture, shapes);
    votes.set(shape, (votes.get(shape) ?? 0) + 1);
  }
  let winner: Canvas | undefined;
  for (const [shape, count] of votes) {
    if (!winner || count > (votes.get(winner) ?? 0)) winner = shape;
  }
  if (!winner) throw new RangeError('A canvas is chosen by at least one picture');
  return winner;
}

/** Whether a picture is cut to fill the canvas or shown whole over a blurred copy of itself. */
export function fitToCanvas(picture: PictureSize, canvas: Canvas): 'crop' | 'pad' {
  const ratio = aspect(picture) / aspect(canvas);
  const kept = ratio > 1 ? 1 / ratio : ratio;
  return kept >= MIN_CROP_KEEP ? 'crop' : 'pad';
}

/** 4:3, what most phones take, lies exactly between 16:9 and 1:1: noise of the logarithm must not decide. */
const TIE = 1e-9;

function nearestCanvas(
  picture: PictureSize,
  shapes: readonly [CanvasShape, ...CanvasShape[]],
): Canvas {
  const distance = (shape: CanvasShape) =>
    Math.abs(Math.log(aspect(picture) / aspect(CANVASES[shape])));
  return CANVASES[
    shapes.reduce((best, shape) => (distance(shape) < distance(best) - TIE ? shape : best))
  ];
}

function aspect(size: PictureSize): number {
  return size.width / size.height;
}
