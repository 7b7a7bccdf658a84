import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  CANVASES,
  type CanvasShape,
  chooseCanvas,
  fitToCanvas,
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
  test('is cut where enough of it stays, and shown whole where too much would be lost', () => {
    assert.equal(fitToCanvas(WIDE, CANVASES.landscape), 'crop');
    assert.equal(fitToCanvas(WIDE, CANVASES.square), 'crop');
    assert.equal(fitToCanvas(TALL, CANVASES.landscape), 'pad');
    assert.equal(fitToCanvas({ width: 6000, height: 1000 }, CANVASES.landscape), 'pad');
  });

  test('is cut exactly when the crop keeps at least the agreed share', () => {
    fc.assert(
      fc.property(picture, fc.constantFrom(...ALL), ({ width, height }, shape) => {
        const canvas = CANVASES[shape];
        const scale = Math.max(canvas.width / width, canvas.height / height);
        const kept = (canvas.width * canvas.height) / (width * scale * height * scale);
        fc.pre(Math.abs(kept - MIN_CROP_KEEP) > 1e-9);
        const fit = fitToCanvas({ width, height }, canvas);
        assert.equal(fit, kept >= MIN_CROP_KEEP ? 'crop' : 'pad');
      }),
    );
  });
});
