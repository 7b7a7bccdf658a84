import type { VideoInfo } from '../video-info.ts';

/** An RGB picture, eight bits a channel, row by row. */
export interface RgbPicture {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** Where a face is, in pixels of the picture it was found on; it may reach over the edge. */
export interface FaceBox {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface MorphJob {
  /** Absolute paths of the first and the last picture, both of the same shape as the clip. */
  readonly from: string;
  readonly to: string;
  /** Absolute path of the MP4 (H.264, no sound); it appears whole or not at all. */
  readonly output: string;
  /** Pixels, both even. */
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly seconds: number;
  /** A word drawn small into the lower right corner of every frame. */
  readonly mark?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How a clip came about: led by faces, by the field alone, or faded where the engine itself failed. */
export type MorphMethod = 'faces' | 'field' | 'fade';

export interface MorphedClip {
  readonly info: VideoInfo;
  readonly method: MorphMethod;
}

/**
 * The local engine: morphs two photos on this machine, in processes of its own, one clip at a time. What
 * it needs is loaded at the first call and let go after a while without one.
 */
export interface Morpher {
  /**
   * Renders a transition. The first frame is the first picture, the last frame the second.
   * @throws FfmpegError when a picture cannot be read or the clip cannot be written; an abort rejects with
   * the signal's reason. A dead engine process is started again, and its clip rendered once more.
   */
  morph(job: MorphJob): Promise<MorphedClip>;
  /** The faces of an upright picture, largest first; undefined when detection is not available (it is logged). */
  findFaces(picture: RgbPicture, signal?: AbortSignal): Promise<readonly FaceBox[] | undefined>;
  /** Ends the processes; what runs is rejected. */
  stop(): Promise<void>;
}
