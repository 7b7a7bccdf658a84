import type { SentAs } from './wire.ts';

/** A file whose length cannot be found out in this time is sent without it. */
const patienceMs = 3_000;
/** Enough to see how loud a sound is. */
const waveformHz = 8_000;

/** Whether files of a kind go together in albums here. */
export const isAlbumKind = (as: SentAs): as is 'photo' | 'file' => as === 'photo' || as === 'file';

/** What files can be sent as besides photos and files, the likeliest first; nothing for a mixture. */
export function soundOrVideoKinds(files: readonly { readonly type: string }[]): SentAs[] {
  const are = (pattern: RegExp) =>
    files.length > 0 && files.every(({ type }) => pattern.test(type));
  if (are(/^audio\/(ogg|opus|webm)/)) return ['voice', 'audio'];
  if (are(/^audio\//)) return ['audio', 'voice'];
  return are(/^video\//) ? ['video', 'video_note'] : [];
}

/** In seconds; undefined when the browser cannot tell. */
export function measureDuration(file: Blob): Promise<number | undefined> {
  const url = URL.createObjectURL(file);
  const player = document.createElement('video');
  return new Promise<number | undefined>((resolve) => {
    player.onloadedmetadata = () => {
      resolve(Number.isFinite(player.duration) ? player.duration : undefined);
    };
    player.onerror = () => resolve(undefined);
    setTimeout(() => resolve(undefined), patienceMs);
    player.preload = 'metadata';
    player.src = url;
  }).finally(() => URL.revokeObjectURL(url));
}

/** Heights from 0 to 1 that a sound is drawn with, the loudest at 1. */
export async function readWaveform(sound: ArrayBuffer, bars: number): Promise<number[]> {
  // A context that plays nothing needs no loudspeaker and no permission.
  const decoded = await new OfflineAudioContext(1, 1, waveformHz).decodeAudioData(sound);
  const samples = decoded.getChannelData(0);
  const perBar = samples.length / bars;
  const heights = Array.from({ length: bars }, (_, bar) => {
    let loudest = 0;
    for (let at = Math.floor(bar * perBar); at < (bar + 1) * perBar; at += 1) {
      loudest = Math.max(loudest, Math.abs(samples[at] ?? 0));
    }
    return loudest;
  });
  const most = Math.max(...heights, 0.01);
  return heights.map((height) => height / most);
}
