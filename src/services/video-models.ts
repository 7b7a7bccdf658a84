import type { CanvasShape } from '../domain/canvas.ts';
import type { Model } from './model.ts';

/**
 * A video model that takes a first and a last frame. One entry is all that a model needs; fields and
 * limits are those of its published input schema.
 */
export interface VideoModel extends Model {
  /** Input fields of the two pictures. */
  readonly firstFrame: string;
  readonly lastFrame: string;
  /** Length of one transition, in seconds. */
  readonly seconds: number;
  /** Fields that are the same for every transition. */
  readonly fixed: Readonly<Record<string, string | number | boolean>>;
  /** Field that takes the canvas's ratio ("16:9"), where the model does not follow its first frame. */
  readonly ratioField?: string;
  readonly shapes: readonly [CanvasShape, ...CanvasShape[]];
  readonly usdPerSecond: number;
}

const ALL_SHAPES = ['landscape', 'portrait', 'square'] as const;
const NEGATIVE_PROMPT = 'blur, distortion, low quality';

/** The models a morph can be rendered with; `MORPH_MODEL` names one of them. */
export const VIDEO_MODELS: readonly VideoModel[] = [
  {
    id: 'kwaivgi/kling-v1.6-pro',
    firstFrame: 'start_image',
    lastFrame: 'end_image',
    seconds: 5,
    fixed: { duration: 5, cfg_scale: 0.5, negative_prompt: NEGATIVE_PROMPT },
    shapes: ALL_SHAPES,
    usdPerSecond: 0.095,
    priceCheckedAt: '2026-11-22',
    typicalSeconds: 240,
  },
  {
    id: 'kwaivgi/kling-v2.5-turbo-pro',
    firstFrame: 'start_image',
    lastFrame: 'end_image',
    seconds: 5,
    fixed: { duration: 5, negative_prompt: NEGATIVE_PROMPT },
    shapes: ALL_SHAPES,
    usdPerSecond: 0.07,
    priceCheckedAt: '2026-10-08',
    typicalSeconds: 180,
  },
  {
    id: 'kwaivgi/kling-v2.1',
    firstFrame: 'start_image',
    lastFrame: 'end_image',
    seconds: 5,
    // Only its "pro" mode takes a last frame.
    fixed: { duration: 5, mode: 'pro', negative_prompt: NEGATIVE_PROMPT },
    shapes: ALL_SHAPES,
    usdPerSecond: 0.09,
    priceCheckedAt: '2026-11-22',
    typicalSeconds: 240,
  },
  {
    id: 'bytedance/seedance-1.5-pro',
    firstFrame: 'image',
    lastFrame: 'last_frame_image',
    seconds: 5,
    // Audio is on by default and billed.
    fixed: { duration: 5, resolution: '720p', generate_audio: false },
    shapes: ALL_SHAPES,
    usdPerSecond: 0.026,
    priceCheckedAt: '2026-10-08',
    typicalSeconds: 120,
  },
  {
    id: 'wan-video/wan-2.2-i2v-fast',
    firstFrame: 'image',
    lastFrame: 'last_image',
    // 81 frames at 16 per second; priced at 0.11 USD a clip.
    seconds: 5,
    fixed: { num_frames: 81, frames_per_second: 16, resolution: '720p' },
    shapes: ALL_SHAPES,
    usdPerSecond: 0.022,
    priceCheckedAt: '2026-10-08',
    typicalSeconds: 60,
  },
  {
    id: 'google/veo-3.1-lite',
    firstFrame: 'image',
    lastFrame: 'last_frame',
    seconds: 8,
    fixed: { duration: 8, resolution: '720p' },
    ratioField: 'aspect_ratio',
    shapes: ['landscape', 'portrait'],
    usdPerSecond: 0.05,
    priceCheckedAt: '2026-10-08',
    typicalSeconds: 90,
  },
];

/**
 * The engine on this machine, sold like a model where there is no account with a provider: short clips
 * without new content, for what the electricity costs.
 */
export const LOCAL_MODEL: VideoModel = {
  id: 'morphogram/local',
  provider: 'local',
  firstFrame: 'first_frame',
  lastFrame: 'last_frame',
  seconds: 2,
  fixed: { seconds: 2, fps: 30 },
  ratioField: 'aspect_ratio',
  shapes: ALL_SHAPES,
  usdPerSecond: 0.01,
  priceCheckedAt: '2026-11-22',
  typicalSeconds: 4,
};

/** The catalogue entry of an id, the local engine's included, or undefined. */
export function findVideoModel(id: string): VideoModel | undefined {
  return [...VIDEO_MODELS, LOCAL_MODEL].find((model) => model.id === id);
}
