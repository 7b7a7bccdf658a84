import type { FfmpegErrorKind } from '../ffmpeg.ts';
import type { ClipJob } from './engine.ts';
import type { FaceBox, MorphMethod, RgbPicture } from './morpher.ts';

/** What the engine's process is asked. */
export type EngineTask =
  | { readonly kind: 'render'; readonly job: ClipJob }
  | { readonly kind: 'findFaces'; readonly picture: RgbPicture };

/** What each task is answered with. */
export interface EngineAnswers {
  readonly render: MorphMethod;
  readonly findFaces: readonly FaceBox[] | undefined;
}

export type EngineRequest =
  | { readonly id: number; readonly task: EngineTask }
  | { readonly id: number; readonly cancel: true };

/** How a task failed. */
export type EngineFailure =
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'ffmpeg'; readonly error: FfmpegErrorKind; readonly message: string }
  /** The engine itself. */
  | { readonly kind: 'broken'; readonly message: string };

export type EngineMessage =
  | { readonly id: number; readonly answer: EngineAnswers[EngineTask['kind']] }
  | { readonly id: number; readonly failure: EngineFailure }
  | { readonly detectionUnavailable: string };
