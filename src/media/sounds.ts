import { copyFile, rename, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import type { RecordingRefusal } from '../domain/recording.ts';
import { createLimiter } from './concurrency.ts';
import { FfmpegError, type FfmpegTools, runFfmpeg } from './ffmpeg.ts';
import { type SoundFormat, sniffSound } from './sound-format.ts';
import {
  FIRST_SOUND,
  lacksSound,
  MAX_SOUND_SECONDS,
  measureSound,
  soundInput,
} from './sound-reader.ts';
import { withWorkDirectory } from './work-directory.ts';

const ENCODE_TIMEOUT_MS = 20 * 60_000;

/** Speech loses nothing to a recogniser at this rate; 60 minutes take 21.6 MB, and models take up to 25. */
const SPEECH_INPUT = ['-ac', '1', '-ar', '16000', '-c:a', 'libmp3lame', '-b:a', '48k', '-f', 'mp3'];
/** What Telegram shows as a voice message: https://core.telegram.org/bots/api#sendvoice. */
const VOICE = ['-ac', '1', '-ar', '48000', '-c:a', 'libopus', '-b:a', '48k', '-f', 'ogg'];
const MP3 = ['-ac', '1', '-ar', '44100', '-c:a', 'libmp3lame', '-b:a', '128k', '-f', 'mp3'];
/** Titles, places and covers of the input stay behind. */
const WITHOUT_TAGS = [...['-map_metadata', '-1', '-map_metadata:s:a', '-1', '-map_chapters', '-1']];

export type RecordingInspection =
  | {
      readonly kind: 'recording';
      /** Measured on its samples, whatever its header says. */
      readonly seconds: number;
    }
  | {
      readonly kind: 'refused';
      readonly reason: Extract<
        RecordingRefusal,
        'not_a_recording' | 'no_sound' | 'broken_recording' | 'too_long'
      >;
    };

export interface SoundJob {
  /** Absolute, as is the output. */
  readonly input: string;
  readonly output: string;
  readonly signal?: AbortSignal | undefined;
}

export interface SoundInfo {
  readonly format: SoundFormat;
  readonly durationSeconds: number;
  readonly sizeBytes: number;
}

/**
 * Everything done to recordings and speech, as much at once as there are processors. Each output appears
 * whole or not at all, replacing what was there, so every call may be repeated. Unexpected failures are
 * `FfmpegError`s; an abort rejects with the signal's reason.
 */
export interface Sounds {
  /**
   * Whether a file that a person sent can be listened to, and how long it is: a voice message, audio (MP3,
   * M4A, WAV, FLAC, AAC, OGG), video or video note (MP4, MOV, WebM, MKV). Of a damaged or cut recording
   * counts what is left; `broken_recording` is one of which nothing is. `too_long` is one of hours.
   */
  inspectRecording(path: string, signal?: AbortSignal): Promise<RecordingInspection>;
  /** The sound as an MP3 that speech models read: mono, 16 kHz, 48 kbit/s (21.6 MB an hour), without tags. */
  toSpeechInput(job: SoundJob): Promise<SoundInfo>;
  /** The sound as a voice message: OGG with Opus, mono, 48 kHz, without tags. */
  toVoice(job: SoundJob): Promise<SoundInfo>;
  /** The sound as an MP3; one that is an MP3 is copied as it is. Rejects as `checkSound` does. */
  toMp3(job: SoundJob): Promise<SoundInfo>;
  /**
   * What a sound is that a model made, after all of it has been decoded. Rejects with the kind
   * `invalid_media` when it is none, or a piece of it is damaged.
   */
  checkSound(path: string, signal?: AbortSignal): Promise<SoundInfo>;
}

/**
 * @see Sounds
 * @param limits.maxSeconds Longer ones are refused, without being decoded to their end.
 */
export function createSounds(
  tools: FfmpegTools,
  { maxSeconds = MAX_SOUND_SECONDS }: { readonly maxSeconds?: number } = {},
): Sounds {
  const limit = createLimiter(availableParallelism());
  return {
    async inspectRecording(path, signal) {
      const format = await sniffSound(path);
      if (!format) return { kind: 'refused', reason: 'not_a_recording' };
      try {
        const job = { path, format, maxSeconds, strict: false, signal };
        const seconds = await limit(() => measureSound(tools, job));
        if (seconds > maxSeconds) return { kind: 'refused', reason: 'too_long' };
        return { kind: 'recording', seconds };
      } catch (error) {
        if (!(error instanceof FfmpegError && error.kind === 'invalid_media')) throw error;
        return { kind: 'refused', reason: lacksSound(error) ? 'no_sound' : 'broken_recording' };
      }
    },

    toSpeechInput: (job) => encode(job, SPEECH_INPUT),

    toVoice: (job) => encode(job, VOICE),

    async toMp3(job) {
      const info = await check(job.input, job.signal);
      if (info.format !== 'mp3') return encode(job, MP3);
      await withWorkDirectory(dirname(job.output), async (work) => {
        await copyFile(job.input, join(work, 'sound'));
        await rename(join(work, 'sound'), job.output);
      });
      return info;
    },

    checkSound: check,
  };

  async function check(path: string, signal?: AbortSignal): Promise<SoundInfo> {
    const info = await describe(path, true, signal);
    if (info.durationSeconds <= maxSeconds) return info;
    throw new FfmpegError('invalid_media', `The sound lasts over ${maxSeconds} s`);
  }

  async function describe(
    path: string,
    strict: boolean,
    signal: AbortSignal | undefined,
  ): Promise<SoundInfo> {
    const format = await requireFormat(path);
    const job = { path, format, maxSeconds, strict, signal };
    const durationSeconds = await limit(() => measureSound(tools, job));
    return { format, durationSeconds, sizeBytes: (await stat(path)).size };
  }

  async function encode(
    { input, output, signal }: SoundJob,
    options: readonly string[],
  ): Promise<SoundInfo> {
    const format = await requireFormat(input);
    return withWorkDirectory(dirname(output), async (work) => {
      const draft = join(work, 'sound');
      const command = {
        inputs: [soundInput(input, format)],
        options: [...FIRST_SOUND, '-t', `${maxSeconds}`, ...WITHOUT_TAGS, ...options],
        output: draft,
      };
      await limit(() => runFfmpeg(tools, command, { signal, timeoutMs: ENCODE_TIMEOUT_MS }));
      const info = await describe(draft, false, signal);
      await rename(draft, output);
      return info;
    });
  }
}

async function requireFormat(path: string): Promise<SoundFormat> {
  const format = await sniffSound(path);
  if (!format) throw new FfmpegError('invalid_media', 'The file is no sound that we read');
  return format;
}
