import type { Field } from './field.ts';
import { createBlur, type Plane } from './plane.ts';

/** How much a patch of a photo may shrink: below it, the picture folds over itself and shows things twice. */
const SMALLEST_AREA = 0.12;
const TRIES = 30;

/** Smooths a field wherever one of the photos would fold, until none does. */
export function unfold(field: Field): Field {
  const { size } = field;
  const spread = createBlur(size, 3);
  const smooth = createBlur(size, 2.5);
  let { x, y } = field;
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const folds = findFolds({ size, x, y });
    if (!folds) break;
    const share = spread(folds).map((value) => Math.min(1, 4 * value));
    x = blend(x, smooth(x), share);
    y = blend(y, smooth(y), share);
  }
  return { size, x, y };
}

/** 1 where a patch of either photo shrinks too far or turns over (Jacobian), 0 elsewhere. */
function findFolds({ size: { width, height }, x, y }: Field): Plane | undefined {
  const folds = new Float32Array(width * height);
  let found = false;
  for (let row = 0; row < height - 1; row += 1) {
    for (let column = 0; column < width - 1; column += 1) {
      const i = row * width + column;
      const xx = (x[i + 1] ?? 0) - (x[i] ?? 0);
      const xy = (x[i + width] ?? 0) - (x[i] ?? 0);
      const yx = (y[i + 1] ?? 0) - (y[i] ?? 0);
      const yy = (y[i + width] ?? 0) - (y[i] ?? 0);
      const first = (1 - xx) * (1 - yy) - xy * yx;
      const second = (1 + xx) * (1 + yy) - xy * yx;
      if (Math.min(first, second) >= SMALLEST_AREA) continue;
      folds[i] = 1;
      found = true;
    }
  }
  return found ? folds : undefined;
}

function blend(plane: Plane, other: Plane, share: Plane): Plane {
  return plane.map((value, i) => value + ((other[i] ?? 0) - value) * (share[i] ?? 0));
}
