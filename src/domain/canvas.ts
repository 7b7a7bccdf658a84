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

/** A part of a picture, in shares of its width and height from the upper left corner. */
export interface Region {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Of what a cut takes off the height, this share comes off the top: faces are in the upper half. */
const TOP_SHARE = 1 / 3;
/** Where the middle of the faces comes to lie in the window, from the left and from the top. */
const FACES_AT = { x: 0.5, y: 0.45 };
/** Hair and chin around a face, in shares of its size. */
const FACE_MARGIN = 0.2;

/**
 * The window that is cut out of a picture to fill the canvas; the largest of its shape, around the faces.
 * Undefined when the cut would take too much or go through a face: the picture is then shown whole.
 */
export function chooseCrop(
  picture: PictureSize,
  canvas: Canvas,
  faces: readonly Region[],
): Region | undefined {
  const ratio = aspect(picture) / aspect(canvas);
  const width = Math.min(1, 1 / ratio);
  const height = Math.min(1, ratio);
  if (width * height < MIN_CROP_KEEP) return undefined;
  if (faces.length === 0) return { x: (1 - width) / 2, y: (1 - height) * TOP_SHARE, width, height };
  const bare = extentOf(faces, 0);
  const roomy = extentOf(faces, FACE_MARGIN);
  const x = placeWindow(width, bare.x, roomy.x, FACES_AT.x);
  const y = placeWindow(height, bare.y, roomy.y, FACES_AT.y);
  return x === undefined || y === undefined ? undefined : { x, y, width, height };
}

/** From and to, along one side of a picture. */
type Span = readonly [from: number, to: number];

/** What all faces cover, with a margin around each, as far as it is in the picture. */
function extentOf(
  faces: readonly Region[],
  margin: number,
): { readonly x: Span; readonly y: Span } {
  const span = (starts: readonly number[], sizes: readonly number[]): Span => {
    const from = Math.min(...starts.map((start, face) => start - margin * (sizes[face] ?? 0)));
    const to = Math.max(...starts.map((start, face) => start + (1 + margin) * (sizes[face] ?? 0)));
    return [Math.max(0, from), Math.min(1, to)];
  };
  const of = (key: keyof Region) => faces.map((face) => face[key]);
  return { x: span(of('x'), of('width')), y: span(of('y'), of('height')) };
}

/** Where a window begins that holds the faces, with their margin if it can; undefined when it cannot hold them. */
function placeWindow(size: number, bare: Span, roomy: Span, facesAt: number): number | undefined {
  const [from, to] = roomy[1] - roomy[0] <= size ? roomy : bare;
  if (to - from > size) return undefined;
  const wanted = (from + to) / 2 - facesAt * size;
  const inFaces = Math.min(Math.max(wanted, to - size), from);
  return Math.min(Math.max(inFaces, 0), 1 - size);
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
