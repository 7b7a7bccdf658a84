import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  CANVASES,
  type CanvasShape,
  chooseCanvas,
  chooseCrop,
  MIN_CROP_KEEP,
} from '../../src/domain/canvas.ts';

const ALL = ['landscape', 'portrait', 'square'] as const;
const WIDE = { width: 4000, height: 3000 };
const TALL = { width: 3024, height: 4032 };
const SQUARE = { width: 1080, height: 1080 };
const side = fc.integer({ min: 300, max: 12_000 });
const picture = fc.record({ width: side, height: side });

describe('the canvas of an order', () => {
  test('is the shape most pictures are nearest to', () => {
    assert.equal(chooseCanvas([TALL, WIDE, TALL], ALL), CANVASES.portrait);
    assert.equal(chooseCanvas([SQUARE, { width: 1000, height: 1100 }, WIDE], ALL), CANVASES.square);
    assert.equal(chooseCanvas([{ width: 1920, height: 1080 }], ALL), CANVASES.landscape);
  });

  test('on a tie is the shape of the earliest voter', () => {
    assert.equal(chooseCanvas([WIDE, TALL, TALL, WIDE], ALL), CANVASES.landscape);
    assert.equal(chooseCanvas([TALL, WIDE, WIDE, TALL], ALL), CANVASES.portrait);
  });

  test('is not square for what phones take: 4:3 lies right between, and keeps its orientation', () => {
    assert.equal(chooseCanvas([WIDE], ALL), CANVASES.landscape);
    assert.equal(chooseCanvas([TALL], ALL), CANVASES.portrait);
  });

  test('weighs ratios alike on both sides: 4:3 and 3:4 vote as mirror images', () => {
    const mirrored = { landscape: 'portrait', portrait: 'landscape', square: 'square' } as const;
    const nameOf = (canvas: object) => ALL.find((shape) => CANVASES[shape] === canvas);
    fc.assert(
      fc.property(picture, ({ width, height }) => {
        const upright = nameOf(chooseCanvas([{ width, height }], ALL));
        const turned = nameOf(chooseCanvas([{ width: height, height: width }], ALL));
        assert.ok(upright);
        assert.equal(turned, mirrored[upright]);
      }),
    );
  });

  test('is always one that the model renders', () => {
    const shapes = fc
      .subarray([...ALL], { minLength: 1 })
      .filter((some): some is [CanvasShape, ...CanvasShape[]] => some.length > 0);
    fc.assert(
      fc.property(fc.array(picture, { minLength: 1, maxLength: 20 }), shapes, (pictures, some) => {
        const chosen = chooseCanvas(pictures, some);
        assert.ok(some.some((shape) => CANVASES[shape] === chosen));
      }),
    );
  });

  test('cannot be chosen by nobody', () => {
    assert.throws(() => chooseCanvas([], ALL), RangeError);
  });

  test('has even sides, as the video format needs', () => {
    for (const { width, height } of Object.values(CANVASES)) {
      assert.equal(width % 2, 0);
      assert.equal(height % 2, 0);
    }
  });
});

describe('a picture on the canvas', () => {
  const share = fc.double({ min: 0, max: 0.7, noNaN: true });
  const face = fc.record({
    x: share,
    y: share,
    width: fc.double({ min: 0.02, max: 0.3, noNaN: true }),
    height: fc.double({ min: 0.02, max: 0.3, noNaN: true }),
  });

  test('is cut where enough of it stays, and shown whole where too much would be lost', () => {
    assert.ok(chooseCrop(WIDE, CANVASES.landscape, []));
    assert.ok(chooseCrop(WIDE, CANVASES.square, []));
    assert.equal(chooseCrop(TALL, CANVASES.landscape, []), undefined);
    assert.equal(chooseCrop({ width: 6000, height: 1000 }, CANVASES.landscape, []), undefined);
  });

  test('without a face loses the same left and right, and less above than below', () => {
    assert.deepEqual(chooseCrop(WIDE, CANVASES.landscape, []), {
      x: 0,
      y: (1 - 0.75) / 3,
      width: 1,
      height: 0.75,
    });
    const square = chooseCrop(WIDE, CANVASES.square, []);
    assert.deepEqual(square, { x: 0.125, y: 0, width: 0.75, height: 1 });
  });

  test('is cut exactly when the crop keeps at least the agreed share', () => {
    fc.assert(
      fc.property(picture, fc.constantFrom(...ALL), ({ width, height }, shape) => {
        const canvas = CANVASES[shape];
        const scale = Math.max(canvas.width / width, canvas.height / height);
        const kept = (canvas.width * canvas.height) / (width * scale * height * scale);
        fc.pre(Math.abs(kept - MIN_CROP_KEEP) > 1e-9);
        const crop = chooseCrop({ width, height }, canvas, []);
        assert.equal(crop !== undefined, kept >= MIN_CROP_KEEP);
      }),
    );
  });

  test('shows every face whole: the window goes around them, or nothing is cut', () => {
    const faces = fc.array(face, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(picture, fc.constantFrom(...ALL), faces, (size, shape, found) => {
        const crop = chooseCrop(size, CANVASES[shape], found);
        if (!crop) return;
        assert.ok(crop.x >= 0 && crop.y >= 0, 'inside the picture');
        assert.ok(crop.x + crop.width <= 1 + 1e-9 && crop.y + crop.height <= 1 + 1e-9);
        for (const { x, y, width, height } of found) {
          assert.ok(x >= crop.x - 1e-9 && x + width <= crop.x + crop.width + 1e-9);
          assert.ok(y >= crop.y - 1e-9 && y + height <= crop.y + crop.height + 1e-9);
        }
      }),
    );
  });

  test('is shown whole when its faces reach further than any window', () => {
    const above = { x: 0.4, y: 0, width: 0.1, height: 0.1 };
    const below = { x: 0.4, y: 0.9, width: 0.1, height: 0.1 };
    assert.equal(chooseCrop(WIDE, CANVASES.landscape, [above, below]), undefined);
  });

  test('has its face a little above the middle, where there is room for that', () => {
    const middle = { x: 0.4, y: 0.4, width: 0.2, height: 0.2 };
    const crop = chooseCrop(WIDE, CANVASES.landscape, [middle]);
    assert.ok(crop);
    assert.ok(Math.abs((0.5 - crop.y) / crop.height - 0.45) < 1e-9);
  });
});
