import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { FfmpegError, type FfmpegInput, type FfmpegTools, toProbeError } from './ffmpeg.ts';
import type { SoundFormat } from './sound-format.ts';

const run = promisify(execFile);

/** Nothing longer is read, whatever it is for. In seconds. */
export const MAX_SOUND_SECONDS = 4 * 60 * 60;

/** An hour of speech takes four seconds. */
const MEASURE_TIMEOUT_MS = 5 * 60_000;
/** Samples are counted at this rate, one byte each: lengths are exact to the millisecond. In hertz. */
const COUNTED_RATE = 1000;
/** What it decodes to, or complains about, with room for the longest sound. */
const MAX_OUTPUT_BYTES = 16 * 2 ** 20;
/** No single piece of memory may be larger: an index can claim any number of samples. */
const MAX_ALLOC_BYTES = 256 * 2 ** 20;
/** Nothing else is ever opened: no pictures, no subtitles, no cover of a billion pixels. */
const DECODERS: readonly string[] = [
  ...['aac', 'mp3', 'mp3float', 'mp2', 'mp2float', 'opus', 'libopus', 'vorbis', 'libvorbis'],
  ...['flac', 'alac', 'ac3', 'eac3', 'amrnb', 'amrwb'],
  ...['pcm_u8', 'pcm_s16le', 'pcm_s16be', 'pcm_s24le', 'pcm_s24be', 'pcm_s32le', 'pcm_f32le'],
  ...['pcm_f64le', 'pcm_alaw', 'pcm_mulaw', 'adpcm_ms', 'adpcm_ima_wav', 'adpcm_ima_qt'],
];

/** The first sound of a file, as one stream without holes: it is as long as its samples. */
export const FIRST_SOUND: readonly string[] = ['-map', '0:a:0', '-af', 'asetpts=N/SR/TB'];

/**
 * Input options for a sound file that may be anybody's. It is read as what its first bytes are, and by
 * decoders of sound alone; playlists, scripts and references to other files or hosts are out of reach.
 */
function soundOptions(format: SoundFormat): string[] {
  return [
    ...['-nostdin', '-max_alloc', `${MAX_ALLOC_BYTES}`, '-threads', '1', '-f', format],
    ...['-protocol_whitelist', 'file', '-codec_whitelist', DECODERS.join()],
  ];
}

/** A sound file that may be anybody's, as the input of a command. */
export function soundInput(path: string, format: SoundFormat): FfmpegInput {
  return { source: path, options: soundOptions(format) };
}

export interface MeasureJob {
  /** Absolute. */
  readonly path: string;
  readonly format: SoundFormat;
  /** Decoding stops a second behind this; at most `MAX_SOUND_SECONDS`. */
  readonly maxSeconds: number;
  /** Whether damage in the middle is an error; else it is passed over. */
  readonly strict: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * How long the first sound of a file is, in seconds: its samples are decoded and counted, for headers lie.
 * @throws FfmpegError, of kind `invalid_media` when nothing can be heard (see `lacksSound`); or the signal's
 * reason.
 */
export async function measureSound(tools: FfmpegTools, job: MeasureJob): Promise<number> {
  const { path, format, maxSeconds, strict, signal } = job;
  signal?.throwIfAborted();
  const args = [
    ...['-hide_banner', '-nostats', '-v', 'error', ...soundOptions(format)],
    ...(strict ? ['-xerror', '-err_detect', 'explode'] : []),
    ...['-i', path, ...FIRST_SOUND, '-t', `${Math.min(maxSeconds, MAX_SOUND_SECONDS) + 1}`],
    ...['-ac', '1', '-ar', `${COUNTED_RATE}`, '-c:a', 'pcm_u8', '-f', 'u8', 'pipe:1'],
  ];
  const limits = {
    encoding: 'buffer' as const,
    maxBuffer: MAX_OUTPUT_BYTES,
    timeout: MEASURE_TIMEOUT_MS,
    killSignal: 'SIGKILL' as const,
    ...(signal && { signal }),
  };
  const { stdout } = await run(tools.ffmpegPath, args, limits).catch((error: unknown) => {
    signal?.throwIfAborted();
    throw toProbeError(withText(error), MEASURE_TIMEOUT_MS, 'ffmpeg');
  });
  if (stdout.length === 0) throw new FfmpegError('invalid_media', 'No sample of the sound decodes');
  return stdout.length / COUNTED_RATE;
}

/** Whether a measuring failed because the file, though readable, has no sound in it. */
export function lacksSound(error: FfmpegError): boolean {
  return error.stderrTail.some((line) => line.includes('matches no streams'));
}

/** The failure with its output as text. */
function withText(error: unknown): unknown {
  if (!(error instanceof Error && 'stderr' in error)) return error;
  return { ...error, stderr: String(error.stderr) };
}
