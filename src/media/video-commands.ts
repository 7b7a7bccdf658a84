import type { Readable } from 'node:stream';
import type { FfmpegCommand, FfmpegInput } from './ffmpeg.ts';
import { framesPerSecond, type Rational, type VideoInfo } from './video-info.ts';

/** A frame that repeats its neighbour is shown for this long: too short to be seen, long enough to be valid. */
const SQUEEZED_FRAME_SECONDS = 0.001;

/** Video quality of clips we encode ourselves: visually transparent next to the untouched ones. */
const CLIP_CRF = 17;

/** Below this bit rate 540p looks better than 720p (SSIM measured on morphs). In kbit/s. */
const MIN_KBPS_FOR_720P = 700;
/** What the container and the rate control take on top of the asked bit rate. */
const PREVIEW_OVERHEAD = 0.985;
const PREVIEW_AUDIO_KBPS = 96;
const MIN_PREVIEW_KBPS = 40;
/** No short clip looks better with more. */
const MAX_PREVIEW_KBPS = 8000;

const USUAL_FRAME_RATES: readonly Rational[] = [
  { numerator: 24, denominator: 1 },
  { numerator: 25, denominator: 1 },
  { numerator: 30, denominator: 1 },
  { numerator: 50, denominator: 1 },
  { numerator: 60, denominator: 1 },
];

/** Telegram's limits for the thumbnail of a video: https://core.telegram.org/bots/api#sendvideo. In pixels. */
const THUMBNAIL_SIDE = 320;

/** How an H.264 clip is encoded so that it can stand beside others without being encoded again. */
export interface ClipEncoding {
  readonly fps: Rational;
  /** Ticks per second of the video track; without it the muxer chooses from the frame rate. */
  readonly timescale?: number | undefined;
  /** 0 leaves B-frames out. */
  readonly reorderFrames: number;
  readonly colour: VideoInfo['colour'];
  /** x264's preset, from `ultrafast` to `veryslow`. */
  readonly preset: string;
}

/** The colours of high-definition video: what players assume, and we with them, of a file without tags. */
export const BT709 = {
  range: 'tv',
  space: 'bt709',
  transfer: 'bt709',
  primaries: 'bt709',
} as const;

const JPEG_COLOUR = { space: 'bt470bg' };

/** Output options of an H.264 MP4 clip, ready to be played while it downloads. */
export function encodeClipOptions(encoding: ClipEncoding): string[] {
  return [
    ...['-c:v', 'libx264', '-preset', encoding.preset, '-crf', `${CLIP_CRF}`],
    ...['-pix_fmt', 'yuv420p', '-r', fraction(encoding.fps)],
    ...reorderOptions(encoding.reorderFrames),
    ...colourOptions(encoding.colour),
    ...(encoding.timescale ? ['-video_track_timescale', `${encoding.timescale}`] : []),
    ...['-map_metadata', '-1', '-movflags', '+faststart', '-f', 'mp4'],
  ];
}

/** Encodes one clip anew so that it agrees with `reference` in everything the concat demuxer cares about. */
export function conformClip(job: {
  readonly input: string;
  readonly info: VideoInfo;
  readonly output: string;
  readonly reference: VideoInfo;
  readonly keepAudio: boolean;
}): FfmpegCommand {
  const { reference } = job;
  const { width, height } = evenSize(reference);
  const scale = `scale=w=${width}:h=${height}:force_original_aspect_ratio=decrease:flags=bicubic:${matrices(job.info.colour, reference.colour)}`;
  const { audio } = reference;
  return {
    inputs: [{ source: job.input, options: [] }],
    filter: `[0:v:0]${scale},pad=${width}:${height}:(ow-iw)/2:(oh-ih)/2,setsar=${reference.sar.replace(':', '/')},fps=${fraction(reference.fps)}[v]`,
    options: [
      ...['-map', '[v]'],
      ...(job.keepAudio && audio
        ? ['-map', '0:a:0', '-c:a', 'aac', '-ar', `${audio.sampleRate}`, '-ac', `${audio.channels}`]
        : ['-an']),
      ...encodeClipOptions({
        fps: reference.fps,
        timescale: reference.timeBase.denominator,
        reorderFrames: reference.reorderFrames,
        colour: reference.colour,
        preset: 'veryfast',
      }),
    ],
    output: job.output,
  };
}

/**
 * The list the concat demuxer reads. Each clip ends on the picture the next one begins with; that repeated
 * frame cannot be cut without encoding (others refer to it), so it is shown for a millisecond.
 */
export function concatList(
  clips: readonly { readonly path: string; readonly info: VideoInfo }[],
  squeezeJoints: boolean,
): string {
  const lines = ['ffconcat version 1.0'];
  for (const [index, { path, info }] of clips.entries()) {
    lines.push(`file '${path.replaceAll("'", "'\\''")}'`);
    if (squeezeJoints && index < clips.length - 1) {
      lines.push(`duration ${squeezedSeconds(info).toFixed(6)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** How long a clip lasts with its last frame squeezed, in seconds. */
export function squeezedSeconds(info: VideoInfo): number {
  return (info.frames - 1) / framesPerSecond(info.fps) + SQUEEZED_FRAME_SECONDS;
}

/** Joins the clips of a list file by copying. `frames` leaves out what comes after that many frames. */
export function concatCopy(job: {
  readonly list: string;
  readonly output: string;
  readonly keepAudio: boolean;
  readonly timescale: number;
  readonly frames?: number | undefined;
}): FfmpegCommand {
  return {
    inputs: [{ source: job.list, options: ['-f', 'concat', '-safe', '0'] }],
    options: [
      ...['-map', '0:v:0', ...(job.keepAudio ? ['-map', '0:a:0'] : ['-an']), '-c', 'copy'],
      ...(job.frames === undefined ? [] : ['-frames:v', `${job.frames}`]),
      ...['-map_metadata', '-1', '-video_track_timescale', `${job.timescale}`],
      ...['-movflags', '+faststart', '-f', 'mp4'],
    ],
    output: job.output,
  };
}

/**
 * The video bit rate with which `info` fits into `maxBytes`, in kbit/s; `shrink` is what earlier tries taught.
 */
export function previewKbps(info: VideoInfo, maxBytes: number, shrink = 1): number {
  const total = (maxBytes * 8 * PREVIEW_OVERHEAD * shrink) / info.durationSeconds / 1000;
  const video = info.hasAudio ? total - PREVIEW_AUDIO_KBPS : total;
  return Math.min(MAX_PREVIEW_KBPS, Math.max(MIN_PREVIEW_KBPS, Math.floor(video)));
}

/** One pass at a bounded bit rate: two passes take twice as long and look the same. */
export function previewCommand(job: {
  readonly input: string;
  readonly output: string;
  readonly info: VideoInfo;
  readonly kbps: number;
}): FfmpegCommand {
  const { info, kbps } = job;
  const { width, height } = shrinkTo(info, kbps < MIN_KBPS_FOR_720P ? 540 : 720);
  return {
    inputs: [{ source: job.input, options: [] }],
    // A constant frame rate also drops the squeezed frames at the joints.
    filter: `[0:v:0]scale=${width}:${height}:flags=bicubic:${matrices(info.colour, info.colour)},setsar=1,fps=${fraction(usualFrameRate(info))}[v]`,
    options: [
      ...['-map', '[v]'],
      ...(info.hasAudio
        ? ['-map', '0:a:0', '-c:a', 'aac', '-b:a', `${PREVIEW_AUDIO_KBPS}k`, ...inStereo(info)]
        : ['-an']),
      ...['-c:v', 'libx264', '-preset', 'veryfast', '-pix_fmt', 'yuv420p'],
      ...colourOptions(info.colour),
      ...['-b:v', `${kbps}k`, '-maxrate', `${Math.floor(kbps * 1.5)}k`, '-bufsize', `${kbps * 3}k`],
      ...['-map_metadata', '-1', '-movflags', '+faststart', '-f', 'mp4'],
    ],
    output: job.output,
  };
}

/** The first frame as a small JPEG: it is the person's own first photo, and what the video starts with. */
export function thumbnailCommand(job: {
  readonly input: string;
  readonly output: string;
}): FfmpegCommand {
  return {
    inputs: [{ source: job.input, options: [] }],
    filter: `[0:v:0]scale=${THUMBNAIL_SIDE}:${THUMBNAIL_SIDE}:force_original_aspect_ratio=decrease:flags=lanczos[v]`,
    options: ['-map', '[v]', '-frames:v', '1', '-pix_fmt', 'yuvj420p', '-q:v', '4', '-f', 'mjpeg'],
    output: job.output,
  };
}

/**
 * A cross-dissolve whose first frame is the one picture and whose last is the other. Made of `fade` and
 * `overlay`: the ffmpeg that npm brings is older than `xfade`.
 */
export function dissolveCommand(job: {
  readonly from: string;
  readonly to: string;
  readonly output: string;
  readonly frames: number;
  readonly width: number;
  readonly height: number;
  readonly encoding: ClipEncoding;
  /** A picture with transparency, laid over the lower right corner. */
  readonly mark?: string | undefined;
}): FfmpegCommand {
  const { frames, encoding } = job;
  const rate = fraction(encoding.fps);
  const picture = (format: string) =>
    [
      `scale=${job.width}:${job.height}:flags=lanczos:${matrices(JPEG_COLOUR, encoding.colour)}:out_range=tv`,
      `setsar=1,format=${format}`,
      `loop=loop=${frames - 1}:size=1:start=0,setpts=N/(FRAME_RATE*TB)`,
    ].join(',');
  return {
    inputs: [
      ...[job.from, job.to].map((source) => ({ source, options: ['-framerate', rate] })),
      ...markInput(job.mark),
    ],
    filter: [
      `[0:v]${picture('yuv420p')}[from]`,
      `[1:v]${picture('yuva420p')},fade=type=in:start_frame=0:nb_frames=${frames - 1}:alpha=1[to]`,
      '[from][to]overlay=format=yuv420[clip]',
      layMark(job.mark, 2),
    ].join(';'),
    options: ['-map', '[v]', '-frames:v', `${frames}`, '-an', ...encodeClipOptions(encoding)],
    output: job.output,
  };
}

/**
 * How a clip made of photos is encoded. Without B-frames it can lose its last frame, which makes a loop
 * seamless.
 */
export function framesEncoding(fps: number): ClipEncoding {
  const rate = { numerator: fps, denominator: 1 };
  return { fps: rate, reorderFrames: 0, colour: BT709, preset: 'veryfast' };
}

/** A clip of frames drawn elsewhere, each all of Y, then U, then V (yuv420p) in the colours of `BT709`. */
export function framesCommand(job: {
  readonly frames: Readable;
  readonly output: string;
  readonly width: number;
  readonly height: number;
  readonly encoding: ClipEncoding;
  /** A picture with transparency, laid over the lower right corner. */
  readonly mark?: string | undefined;
}): FfmpegCommand {
  const { encoding } = job;
  const { range, space, transfer, primaries } = BT709;
  const format = ['-f', 'rawvideo', '-pix_fmt', 'yuv420p', '-s', `${job.width}x${job.height}`];
  return {
    inputs: [
      { source: job.frames, options: [...format, '-framerate', fraction(encoding.fps)] },
      ...markInput(job.mark),
    ],
    filter: [
      `[0:v]setparams=range=${range}:color_primaries=${primaries}:color_trc=${transfer}:colorspace=${space},setsar=1[clip]`,
      layMark(job.mark, 1),
    ].join(';'),
    options: ['-map', '[v]', '-an', ...encodeClipOptions(encoding)],
    output: job.output,
  };
}

/**
 * What clips must share to be joined by copying. ffmpeg joins others too, without a word, into a video that
 * does not decode. The setup of the decoder is left out: it travels with each clip's key frames, and encoding
 * would not make it equal, for no two encoders write the same.
 */
export function clipSignature(info: VideoInfo, withAudio: boolean): string {
  const { audio, timeBase } = info;
  const colour = withDefaults(info.colour);
  return [
    ...[info.codec, info.profile, info.pixFmt, info.width, info.height, info.sar, info.rotation],
    ...[framesPerSecond(info.fps).toFixed(2), `${timeBase.numerator}/${timeBase.denominator}`],
    ...[info.reorderFrames, colour.range, colour.space, colour.transfer, colour.primaries],
    ...(withAudio ? [audio?.codec, audio?.sampleRate, audio?.channels] : []),
  ].join('|');
}

/**
 * The clip the others are brought to: one of the most frequent kind, the earliest of equals. Only H.264 in
 * yuv420p, unrotated, is taken as it is, for that plays everywhere.
 * @throws RangeError when there is no clip.
 */
export function chooseReference(infos: readonly VideoInfo[], withAudio: boolean): VideoInfo {
  const playable = infos.filter(isPlayable);
  const votes = new Map<string, number>();
  for (const info of playable) {
    const signature = clipSignature(info, withAudio);
    votes.set(signature, (votes.get(signature) ?? 0) + 1);
  }
  const count = (info: VideoInfo) => votes.get(clipSignature(info, withAudio)) ?? 0;
  const [first] = infos;
  if (!first) throw new RangeError('There is no clip to join');
  return (
    playable.reduce<VideoInfo | undefined>(
      (best, info) => (best && count(best) >= count(info) ? best : info),
      undefined,
    ) ?? standardClip(first)
  );
}

/** The usual rate nearest to the average one, which squeezed frames and container rounding push aside. */
export function usualFrameRate(info: VideoInfo): Rational {
  const average = framesPerSecond(info.fps);
  const near = USUAL_FRAME_RATES.find(
    (rate) => Math.abs(framesPerSecond(rate) / average - 1) < 0.02,
  );
  return near ?? (average > 0 && average < 120 ? info.fps : { numerator: 30, denominator: 1 });
}

function markInput(mark: string | undefined): FfmpegInput[] {
  return mark === undefined ? [] : [{ source: mark, options: [] }];
}

/** The end of a filter graph: `clip` becomes `v`, with the mark on it. */
function layMark(mark: string | undefined, input: number): string {
  return mark === undefined
    ? '[clip]null[v]'
    : `[clip][${input}:v]overlay=x=main_w-overlay_w:y=main_h-overlay_h:format=yuv420[v]`;
}

/** Surround sound would get too few bits for each of its channels. */
function inStereo({ audio }: VideoInfo): string[] {
  return audio && audio.channels > 2 ? ['-ac', '2'] : [];
}

/** Whether every player shows it as it is. */
export function isPlayable(info: VideoInfo): boolean {
  return info.codec === 'h264' && info.pixFmt === 'yuv420p' && info.rotation === 0;
}

function standardClip(info: VideoInfo): VideoInfo {
  return {
    ...info,
    ...evenSize(info),
    ...{ codec: 'h264', profile: 'High', pixFmt: 'yuv420p', sar: '1:1', rotation: 0 },
    fps: usualFrameRate(info),
    timeBase: { numerator: 1, denominator: 90_000 },
    reorderFrames: 2,
    colour: BT709,
  };
}

function reorderOptions(frames: number): string[] {
  if (frames === 0) return ['-bf', '0'];
  // x264 holds back two frames only when B-frames may refer to B-frames.
  return frames === 1 ? ['-bf', '3', '-x264-params', 'b-pyramid=none'] : ['-bf', '3'];
}

/**
 * Said aloud even when it is the default: newer versions of ffmpeg otherwise write the tags of the input
 * over whatever the filters made of it.
 */
function colourOptions(colour: VideoInfo['colour']): string[] {
  const { range, space, transfer, primaries } = withDefaults(colour);
  return [
    ...['-color_range', range, '-colorspace', space],
    ...['-color_trc', transfer, '-color_primaries', primaries],
  ];
}

function matrices(from: VideoInfo['colour'], to: VideoInfo['colour']): string {
  return `in_color_matrix=${scaleMatrix(from)}:out_color_matrix=${scaleMatrix(to)}`;
}

function scaleMatrix(colour: VideoInfo['colour']): string {
  const { space } = withDefaults(colour);
  return space === 'bt709' ? 'bt709' : space.startsWith('bt2020') ? 'bt2020' : 'bt601';
}

function withDefaults(colour: VideoInfo['colour']) {
  return {
    range: colour.range ?? BT709.range,
    space: colour.space ?? BT709.space,
    transfer: colour.transfer ?? BT709.transfer,
    primaries: colour.primaries ?? BT709.primaries,
  };
}

function shrinkTo(info: VideoInfo, shortSide: number): { width: number; height: number } {
  const factor = Math.min(1, shortSide / Math.min(info.width, info.height));
  return evenSize({ width: info.width * factor, height: info.height * factor });
}

function evenSize({ width, height }: { width: number; height: number }) {
  const even = (side: number) => Math.max(2, Math.round(side / 2) * 2);
  return { width: even(width), height: even(height) };
}

function fraction({ numerator, denominator }: Rational): string {
  return `${numerator}/${denominator}`;
}
