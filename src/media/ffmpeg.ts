import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import fluent from 'fluent-ffmpeg';
import { z } from 'zod';
import { ensureExecutable } from './executable.ts';
import { PROBE_OPTIONS, parseProbe, parseReadCounts, type VideoInfo } from './video-info.ts';

const run = promisify(execFile);

const VERSION_TIMEOUT_MS = 15_000;
const PROBE_TIMEOUT_MS = 60_000;
const DECODE_TIMEOUT_MS = 10 * 60_000;
const STDERR_TAIL_LINES = 8;
/** A decoder that was set up for another clip fails within the first few. */
const PACKETS_PER_JOINT = 8;

/** What a failed `execFile` tells about the process. */
const ProbeFailure = z.object({
  code: z.union([z.string(), z.number()]).nullish(),
  signal: z.string().nullish(),
  killed: z.boolean().default(false),
  stderr: z.string().default(''),
});

/** What ffprobe tells of the frames it has decoded. */
const ReadFrames = z.object({
  frames: z
    .array(
      z.object({
        media_type: z.string(),
        key_frame: z.number().default(0),
        best_effort_timestamp_time: z.coerce.number().catch(Number.NaN),
      }),
    )
    .default([]),
});

/** A line for each frame of a long video; more is a program gone wild. */
const MAX_PROBE_OUTPUT_BYTES = 16 * 2 ** 20;

/** The two programs, both proven to run on this machine. */
export interface FfmpegTools {
  readonly ffmpegPath: string;
  readonly ffprobePath: string;
  /** Which programs these are and where they come from, for the log. */
  readonly description: string;
}

export interface FfmpegInput {
  /** An absolute path, or a stream that becomes the standard input. */
  readonly source: string | Readable;
  readonly options: readonly string[];
}

/** One run of ffmpeg as a value. Paths are absolute and ours: they are never made of user text. */
export interface FfmpegCommand {
  readonly inputs: readonly FfmpegInput[];
  /** A `-filter_complex` graph. */
  readonly filter?: string;
  readonly options: readonly string[];
  readonly output: string;
}

export interface RunOptions {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs: number;
}

/**
 * - `not_installed`: no copy of the program runs on this machine;
 * - `disk_full`: there is no room for the output;
 * - `timeout`: the run was stopped because it took too long;
 * - `killed`: something outside (memory, an operator) ended the process;
 * - `invalid_media`: the file is not a video we can read, or decodes with errors;
 * - `failed`: ffmpeg refused the work.
 */
export type FfmpegErrorKind =
  | 'not_installed'
  | 'disk_full'
  | 'timeout'
  | 'killed'
  | 'invalid_media'
  | 'failed';

const RETRYABLE: Record<FfmpegErrorKind, boolean> = {
  not_installed: false,
  disk_full: true,
  timeout: true,
  killed: true,
  invalid_media: false,
  failed: false,
};

/** A run of ffmpeg or ffprobe that did not succeed. An aborted run rejects with the signal's reason instead. */
export class FfmpegError extends Error {
  readonly kind: FfmpegErrorKind;
  /** Whether the same run may succeed later. */
  readonly retryable: boolean;
  /** The last lines the program wrote. */
  readonly stderrTail: readonly string[];

  constructor(kind: FfmpegErrorKind, message: string, stderr = '') {
    const tail = stderr.trim().split('\n').slice(-STDERR_TAIL_LINES);
    super(tail[0] ? `${message}: ${tail.at(-1)}` : message);
    this.name = 'FfmpegError';
    this.kind = kind;
    this.retryable = RETRYABLE[kind];
    this.stderrTail = tail;
  }
}

export interface LocateOptions {
  /** From the configuration; tried first. */
  readonly ffmpegPath?: string | undefined;
  readonly ffprobePath?: string | undefined;
  /** Directories to search instead of the system's PATH, in the same notation; '' is "nothing installed". */
  readonly systemPath?: string;
}

/**
 * Finds ffmpeg and ffprobe, each on its own: configured, then the system's, then the copies that npm
 * installed with us. The first that answers `-version` is taken.
 * @throws FfmpegError of kind `not_installed`, naming what was tried.
 */
export async function locateFfmpeg(options: LocateOptions = {}): Promise<FfmpegTools> {
  const [ffmpeg, ffprobe] = await Promise.all([
    locate('ffmpeg', options.ffmpegPath, options.systemPath),
    locate('ffprobe', options.ffprobePath, options.systemPath),
  ]);
  return {
    ffmpegPath: ffmpeg.path,
    ffprobePath: ffprobe.path,
    description: `${ffmpeg.description}; ${ffprobe.description}`,
  };
}

/**
 * Runs one command to its end. An aborted signal kills the process, also one that has not begun yet,
 * and nothing is left running once the promise has settled.
 * @throws FfmpegError, or the signal's reason.
 */
export async function runFfmpeg(
  tools: FfmpegTools,
  command: FfmpegCommand,
  { signal, timeoutMs }: RunOptions,
): Promise<void> {
  signal?.throwIfAborted();
  const timeout = AbortSignal.timeout(timeoutMs);
  const stop = signal ? AbortSignal.any([signal, timeout]) : timeout;
  const stderr: string[] = [];
  const job = toFluent(tools, command);
  const kill = () => job.kill('SIGKILL');
  try {
    await new Promise<void>((resolve, reject) => {
      job.on('start', () => {
        // Before the child exists kill() does nothing, so an abort in between is honoured here.
        if (stop.aborted) kill();
        else stop.addEventListener('abort', kill, { once: true });
      });
      job.on('stderr', (line: string) => {
        stderr.push(line);
        if (stderr.length > STDERR_TAIL_LINES) stderr.shift();
      });
      job.on('end', () => resolve());
      job.on('error', reject);
      job.run();
    });
  } catch (error) {
    signal?.throwIfAborted();
    if (timeout.aborted) throw new FfmpegError('timeout', `ffmpeg took over ${timeoutMs} ms`);
    throw toFfmpegError(error, stderr.join('\n'));
  } finally {
    stop.removeEventListener('abort', kill);
  }
}

/**
 * What a video file is.
 * @throws FfmpegError of kind `invalid_media` when it has no readable video stream.
 */
export async function probe(
  tools: FfmpegTools,
  path: string,
  signal?: AbortSignal,
): Promise<VideoInfo> {
  const info = parseProbe(await runFfprobe(tools, path, PROBE_OPTIONS, signal));
  if (!info) throw new FfmpegError('invalid_media', 'The file has no video stream');
  if (info.frames > 0) return info;
  // Containers without an index (WebM) know the number of frames only after a walk through the file.
  const counted = await runFfprobe(
    tools,
    path,
    [
      '-select_streams',
      'v:0',
      '-count_packets',
      '-show_entries',
      'stream=nb_read_packets',
      '-of',
      'csv=p=0',
    ],
    signal,
  );
  return { ...info, frames: Number.parseInt(counted, 10) || 0 };
}

/**
 * What a video file is, after its whole video has been decoded: an index says nothing of what it points at.
 * Codecs have no checksums, so damage that still makes a picture passes.
 * @throws FfmpegError of kind `invalid_media` when a frame is damaged or missing.
 */
export async function checkVideo(
  tools: FfmpegTools,
  path: string,
  signal?: AbortSignal,
): Promise<VideoInfo> {
  // Without `explode` the decoder paints over some of what it cannot read. One thread wastes the least:
  // several clips are decoded side by side.
  const strict = ['-threads', '1', '-err_detect', 'explode', '-count_frames', '-count_packets'];
  const options = [...PROBE_OPTIONS, ...strict];
  try {
    // Describes and decodes in one run: starting the program takes as long as a short clip.
    const json = await runFfprobe(tools, path, options, signal, DECODE_TIMEOUT_MS);
    const info = parseProbe(json);
    if (info && isComplete(info, parseReadCounts(json))) return info;
  } catch (error) {
    if (!(error instanceof FfmpegError && error.kind === 'invalid_media')) throw error;
  }
  // What is amiss may be the sound alone, or the lack of an index: the pictures decide.
  const info = await probe(tools, path, signal);
  const entries = 'stream=nb_read_frames,nb_read_packets';
  const counts = await readTable(tools, path, entries, strict, signal, DECODE_TIMEOUT_MS);
  const [frames = 0, packets = 0] = counts[0]?.map(Number) ?? [];
  if (!isComplete(info, { frames, packets })) {
    throw new FfmpegError('invalid_media', `${packets} of ${info.frames} frames are there`);
  }
  return info;
}

/** A file cut between two frames decodes without a word. */
function isComplete(info: VideoInfo, read: { readonly frames: number; readonly packets: number }) {
  return read.frames > 0 && read.packets === info.frames;
}

export interface Joints {
  /** In seconds; each within the first frame behind its joint. */
  readonly times: readonly number[];
  /** How long before its time a key frame may be shown. */
  readonly withinSeconds: number;
}

/**
 * What a joined video is, after making sure that a key frame is shown at each of the given joints and that
 * it and what follows it decode. One process, however many joints: starting it takes longer than its work.
 * @throws FfmpegError of kind `invalid_media` when one does not.
 */
export async function checkJoints(
  tools: FfmpegTools,
  path: string,
  { times, withinSeconds }: Joints,
  signal?: AbortSignal,
): Promise<VideoInfo> {
  if (times.length === 0) return probe(tools, path, signal);
  // A seek lands on the key frame at or before its time.
  const intervals = times.map((time) => `${time.toFixed(6)}%+#${PACKETS_PER_JOINT}`);
  const entries = 'frame=media_type,key_frame,best_effort_timestamp_time';
  const options = ['-read_intervals', intervals.join(','), '-show_entries', entries];
  const json = await runFfprobe(tools, path, [...PROBE_OPTIONS, ...options], signal);
  const info = parseProbe(json);
  if (!info) throw new FfmpegError('invalid_media', 'The file has no video stream');
  const keyTimes = ReadFrames.parse(JSON.parse(json)).frames.flatMap((frame) =>
    frame.media_type === 'video' && frame.key_frame ? [frame.best_effort_timestamp_time] : [],
  );
  const decoded = times.filter((time) =>
    keyTimes.some((key) => key <= time && time - key <= withinSeconds),
  );
  if (decoded.length < times.length) {
    throw new FfmpegError('invalid_media', `${decoded.length} of ${times.length} joints decode`);
  }
  return info;
}

/**
 * Whether the frame shown last is also stored last: then no other frame refers to it, and it can be left
 * out of a copy.
 */
export async function endsOnFreeFrame(
  tools: FfmpegTools,
  path: string,
  signal?: AbortSignal,
): Promise<boolean> {
  const packets = await readTable(tools, path, 'packet=pts', [], signal);
  const times = packets.map(([time]) => Number(time));
  return times.length > 1 && times.every((time) => time <= (times.at(-1) ?? Number.NaN));
}

/** What ffprobe says of each packet or frame of the video, a row for each. */
async function readTable(
  tools: FfmpegTools,
  path: string,
  entries: string,
  options: readonly string[],
  signal: AbortSignal | undefined,
  timeoutMs = PROBE_TIMEOUT_MS,
): Promise<string[][]> {
  const select = ['-select_streams', 'v:0', '-show_entries', entries, '-of', 'csv=p=0'];
  const output = await runFfprobe(tools, path, [...select, ...options], signal, timeoutMs);
  return output.split('\n').flatMap((line) => (line ? [line.split(',')] : []));
}

/** What names other files, such as a playlist, is no video of ours, whoever sent it. */
const CONTAINERS_ONLY = [
  '-protocol_whitelist',
  'file',
  '-format_whitelist',
  'mov,mp4,m4a,3gp,3g2,mj2,matroska,webm',
];

/** The standard output of ffprobe. Anything it complains about counts as a failure: its exit code stays 0. */
async function runFfprobe(
  tools: FfmpegTools,
  path: string,
  options: readonly string[],
  signal: AbortSignal | undefined,
  timeoutMs = PROBE_TIMEOUT_MS,
): Promise<string> {
  signal?.throwIfAborted();
  const args = ['-v', 'error', ...CONTAINERS_ONLY, ...options, '-i', path];
  const limits = {
    maxBuffer: MAX_PROBE_OUTPUT_BYTES,
    timeout: timeoutMs,
    killSignal: 'SIGKILL' as const,
    ...(signal && { signal }),
  };
  const { stdout, stderr } = await run(tools.ffprobePath, args, limits).catch((error: unknown) => {
    signal?.throwIfAborted();
    throw toProbeError(error, timeoutMs);
  });
  if (stderr.trim()) throw new FfmpegError('invalid_media', 'The video has errors', stderr);
  return stdout;
}

/** What a failed `execFile` of a program that reads a file means. */
export function toProbeError(
  error: unknown,
  timeoutMs: number,
  program: Program = 'ffprobe',
): FfmpegError {
  const found = ProbeFailure.parse(error);
  if (found.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') {
    return new FfmpegError('invalid_media', `${program} finds too much amiss`);
  }
  if (found.killed) return new FfmpegError('timeout', `${program} took over ${timeoutMs} ms`);
  if (found.code === 'ENOENT' || found.code === 'EACCES') {
    return new FfmpegError('not_installed', `${program} does not run`);
  }
  if (found.signal) return new FfmpegError('killed', `${program} was ended by ${found.signal}`);
  return new FfmpegError('invalid_media', `${program} cannot read the file`, found.stderr);
}

function toFluent(tools: FfmpegTools, command: FfmpegCommand): fluent.FfmpegCommand {
  const job = fluent({ stdoutLines: STDERR_TAIL_LINES });
  for (const [index, input] of command.inputs.entries()) {
    const quiet = index === 0 ? ['-hide_banner', '-nostats', '-loglevel', 'warning'] : [];
    const options = [...quiet, ...input.options];
    job.input(input.source);
    // Two arguments or more are taken as they are; one alone would be split at its spaces.
    if (options.length > 1) job.inputOptions(...options);
  }
  if (command.filter) job.complexFilter(command.filter);
  job.outputOptions(...command.options).output(command.output);
  // fluent-ffmpeg 2.1.3 asks ffmpeg for its formats and encoders before each first run and misreads the
  // answers of newer versions (https://github.com/fluent-ffmpeg/node-fluent-ffmpeg/issues/1266), and it keeps
  // the path of the program in a process-wide cache. Its version is pinned, so its private seams are stable.
  return Object.assign(job, {
    _checkCapabilities: (done: () => void) => done(),
    availableEncoders: (done: (error: null, encoders: object) => void) => done(null, {}),
    _getFfmpegPath: (done: (error: null, path: string) => void) => done(null, tools.ffmpegPath),
  });
}

function toFfmpegError(error: unknown, stderr: string): FfmpegError {
  const message = error instanceof Error ? error.message : 'ffmpeg failed';
  if (/No space left on device|ENOSPC|Disk quota exceeded/i.test(`${stderr}\n${message}`)) {
    return new FfmpegError('disk_full', 'No space left for the video');
  }
  if (/killed with signal/.test(message)) return new FfmpegError('killed', message, stderr);
  if (/ENOENT|EACCES/.test(message)) return new FfmpegError('not_installed', 'ffmpeg does not run');
  if (/Invalid data found when processing input|moov atom not found/.test(stderr)) {
    return new FfmpegError('invalid_media', 'ffmpeg cannot read its input', stderr);
  }
  return new FfmpegError('failed', message.split(':', 1)[0] ?? message, stderr);
}

type Program = 'ffmpeg' | 'ffprobe';

async function locate(
  program: Program,
  configured: string | undefined,
  systemPath: string | undefined,
): Promise<{ path: string; description: string }> {
  const file = process.platform === 'win32' ? `${program}.exe` : program;
  const system =
    systemPath === undefined
      ? [program]
      : systemPath
          .split(delimiter)
          .flatMap((directory) => (directory ? [join(directory, file)] : []));
  const candidates = [
    ...(configured ? [{ origin: 'configured', find: async () => configured }] : []),
    ...system.map((path) => ({ origin: 'system', find: async () => path })),
    { origin: 'bundled', find: () => findBundled(program) },
  ];
  const tried: string[] = [];
  for (const { origin, find } of candidates) {
    try {
      const path = await find();
      const { stdout } = await run(path, ['-version'], { timeout: VERSION_TIMEOUT_MS });
      const version = /version (\S+)/.exec(stdout)?.[1] ?? 'of unknown version';
      return { path, description: `${program} ${version} (${origin})` };
    } catch (error) {
      tried.push(`${origin}: ${error instanceof Error ? error.message.split('\n')[0] : error}`);
    }
  }
  throw new FfmpegError('not_installed', `No ${program} runs here (${tried.join('; ')})`);
}

async function findBundled(program: Program): Promise<string> {
  // Imported only when needed: both packages throw on platforms they have no program for.
  const installer =
    program === 'ffmpeg'
      ? await import('@ffmpeg-installer/ffmpeg')
      : await import('@ffprobe-installer/ffprobe');
  const owner = process.getuid?.() ?? 'user';
  return ensureExecutable(installer.default.path, join(tmpdir(), `morphogram-programs-${owner}`));
}
