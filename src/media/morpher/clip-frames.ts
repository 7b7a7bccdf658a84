/** Frames of a clip; two at least, for it shows both photos. */
export function countFrames({ fps, seconds }: { fps: number; seconds: number }): number {
  return Math.max(2, Math.round(fps * seconds));
}
