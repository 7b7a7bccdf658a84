import { z } from 'zod';
import { priceStars, stars, type Tariff } from '../domain/stars.ts';
import type { Option } from './service.ts';

/** A shape of a picture. */
export interface PictureShape {
  /** As models name it. */
  readonly ratio: string;
  /** Exactly that ratio in about one megapixel, for models that take pixels: multiples of 16. */
  readonly width: number;
  readonly height: number;
}

/** The shapes on offer, by a value that fits into callback data. */
export const pictureSize = z.enum(['1x1', '3x4', '4x3', '9x16', '16x9', '2x3', '3x2']);
export type PictureSize = z.infer<typeof pictureSize>;

const SHAPES: Readonly<Record<PictureSize, PictureShape>> = {
  '1x1': { ratio: '1:1', width: 1024, height: 1024 },
  '3x4': { ratio: '3:4', width: 864, height: 1152 },
  '4x3': { ratio: '4:3', width: 1152, height: 864 },
  '9x16': { ratio: '9:16', width: 720, height: 1280 },
  '16x9': { ratio: '16:9', width: 1280, height: 720 },
  '2x3': { ratio: '2:3', width: 832, height: 1248 },
  '3x2': { ratio: '3:2', width: 1248, height: 832 },
};

/** @see PictureShape */
export function shapeOf(size: PictureSize): PictureShape {
  return SHAPES[size];
}

/** A shape has one name in all languages. */
export function sizeOptions(): readonly Option[] {
  return pictureSize.options.map((value) => ({ value, label: SHAPES[value].ratio }));
}

/** How many pictures one order makes. */
export const pictureCount = z.enum(['1', '2', '3', '4']);

/** The counts, each with what that many pictures cost at `usd` dollars each. */
export function countOptions(usd: number, tariff: Tariff): readonly Option[] {
  return pictureCount.options.map((value) => ({
    value,
    label: value,
    price: stars(priceStars(usd, tariff) * Number(value)),
  }));
}
