import { priceStars, type Tariff } from '../domain/stars.ts';
import type { Model } from './model.ts';
import type { Fields, Option, Terms } from './service.ts';

/** A model that makes one clip from words, from a photo, or from both. */
export interface ClipModel extends Model {
  /** Our short name of it, for callback data and the words of its button. */
  readonly key: string;
  readonly seconds: number;
  readonly usdPerSecond: number;
  /** Fields that are the same for every clip. Sound is off where it is billed. */
  readonly fixed: Fields;
  /** The ratios it makes from words alone; unset where it takes a photo only. */
  readonly ratios?: readonly ClipRatio[];
  /** The field of the photo it begins with; it follows the photo's shape. Unset where it takes words only. */
  readonly imageField?: string;
}

/** Width to height, by a value that fits into callback data. */
export const CLIP_RATIOS = { '16x9': '16:9', '9x16': '9:16', '1x1': '1:1' } as const;
export type ClipRatio = keyof typeof CLIP_RATIOS;

const ALL_RATIOS = ['16x9', '9x16', '1x1'] as const;

/** The cheapest first. Fields and limits are those of the published input schemas. */
export const CLIP_MODELS: readonly ClipModel[] = [
  {
    key: 'p-video',
    id: 'prunaai/p-video',
    seconds: 5,
    usdPerSecond: 0.02,
    // Its filter is off by default.
    fixed: { duration: 5, resolution: '720p', save_audio: false, disable_safety_filter: false },
    ratios: ALL_RATIOS,
    imageField: 'image',
    typicalSeconds: 30,
    priceCheckedAt: '2026-11-22',
  },
  {
    key: 'wan-22-fast',
    id: 'wan-video/wan-2.2-i2v-fast',
    // 81 frames at 16 per second; priced at 0.11 USD a clip.
    seconds: 5,
    usdPerSecond: 0.022,
    fixed: { num_frames: 81, frames_per_second: 16, resolution: '720p' },
    imageField: 'image',
    typicalSeconds: 60,
    priceCheckedAt: '2026-10-08',
  },
  {
    key: 'kling-21',
    id: 'kwaivgi/kling-v2.1',
    seconds: 5,
    usdPerSecond: 0.05,
    fixed: { duration: 5, mode: 'standard' },
    imageField: 'start_image',
    typicalSeconds: 240,
    priceCheckedAt: '2026-11-22',
  },
  {
    key: 'kling-25-turbo',
    id: 'kwaivgi/kling-v2.5-turbo-pro',
    seconds: 5,
    usdPerSecond: 0.07,
    fixed: { duration: 5 },
    ratios: ALL_RATIOS,
    imageField: 'start_image',
    typicalSeconds: 180,
    priceCheckedAt: '2026-10-08',
  },
  {
    key: 'veo-31-lite',
    id: 'google/veo-3.1-lite',
    seconds: 8,
    usdPerSecond: 0.05,
    fixed: { duration: 8, resolution: '720p' },
    ratios: ['16x9', '9x16'],
    typicalSeconds: 90,
    priceCheckedAt: '2026-10-08',
  },
  {
    key: 'veo-31-fast',
    id: 'google/veo-3.1-fast',
    seconds: 8,
    usdPerSecond: 0.1,
    fixed: { duration: 8, resolution: '1080p', generate_audio: false },
    ratios: ['16x9', '9x16'],
    typicalSeconds: 90,
    priceCheckedAt: '2026-11-22',
  },
];

/** What one clip costs us. */
export function clipUsd({ seconds, usdPerSecond }: ClipModel): number {
  return seconds * usdPerSecond;
}

/** Those of the models that can be used now, each with its price. */
export function clipOptions(models: readonly ClipModel[], terms: Terms): readonly Option[] {
  return models
    .filter(({ id }) => terms.isOffered(id))
    .map((model) => ({ value: model.key, price: clipPrice(model, terms.tariff) }));
}

/** The model a person chose, by our name of it. */
export function findClipModel(key: string): ClipModel | undefined {
  return CLIP_MODELS.find((model) => model.key === key);
}

/** @throws Error for a name that is not in the catalogue; an input that was parsed has none such. */
export function requireClipModel(key: string): ClipModel {
  const model = findClipModel(key);
  if (!model) throw new Error(`${key} is not in the catalogue of clip models`);
  return model;
}

function clipPrice(model: ClipModel, tariff: Tariff) {
  return priceStars(clipUsd(model), tariff);
}
