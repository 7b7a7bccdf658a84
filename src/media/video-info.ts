import { z } from 'zod';

/** An exact fraction: frame rates such as 30000/1001 have no decimal form. */
export interface Rational {
  readonly numerator: number;
  readonly denominator: number;
}

export interface AudioInfo {
  readonly codec: string;
  readonly sampleRate: number;
  readonly channels: number;
}

/** Colour tags as ffprobe names them; absent when the file says nothing. */
export interface ColourTags {
  readonly range?: string | undefined;
  readonly space?: string | undefined;
  readonly transfer?: string | undefined;
  readonly primaries?: string | undefined;
}

/**
 * What a video file is: its first video stream, and whether sound goes with it. Plain JSON: what is kept as
 * such and parsed by `videoInfoSchema` is equal to what was kept.
 */
export interface VideoInfo {
  /** Pixels as shown, rotation applied. */
  readonly width: number;
  readonly height: number;
  /** Degrees the player turns the picture by: 0, 90, 180 or 270. */
  readonly rotation: number;
  readonly durationSeconds: number;
  /** Average over the file. */
  readonly fps: Rational;
  readonly frames: number;
  readonly codec: string;
  readonly profile: string;
  readonly pixFmt: string;
  /** Sample aspect ratio, `1:1` for square pixels. */
  readonly sar: string;
  readonly timeBase: Rational;
  /** How many frames the decoder must hold back to put them in order (0: no B-frames). */
  readonly reorderFrames: number;
  /**
   * A digest of what the decoder is set up with (SPS and PPS of H.264); '' where the file has no such thing.
   * Equal for clips that the same encoder made with the same settings.
   */
  readonly decoderSetup: string;
  readonly colour: ColourTags;
  readonly hasAudio: boolean;
  readonly audio?: AudioInfo | undefined;
  readonly sizeBytes: number;
}

const rationalSchema = z.object({ numerator: z.number(), denominator: z.number() });

/** Reads a `VideoInfo` that was kept as JSON. */
export const videoInfoSchema: z.ZodType<VideoInfo> = z.object({
  width: z.number(),
  height: z.number(),
  rotation: z.number(),
  durationSeconds: z.number(),
  fps: rationalSchema,
  frames: z.number(),
  codec: z.string(),
  profile: z.string(),
  pixFmt: z.string(),
  sar: z.string(),
  timeBase: rationalSchema,
  reorderFrames: z.number(),
  decoderSetup: z.string(),
  colour: z.object({
    range: z.string().optional(),
    space: z.string().optional(),
    transfer: z.string().optional(),
    primaries: z.string().optional(),
  }),
  hasAudio: z.boolean(),
  audio: z.object({ codec: z.string(), sampleRate: z.number(), channels: z.number() }).optional(),
  sizeBytes: z.number(),
});

const Stream = z.object({
  codec_type: z.string(),
  codec_name: z.string().default('unknown'),
  profile: z.string().default(''),
  width: z.number().default(0),
  height: z.number().default(0),
  pix_fmt: z.string().default(''),
  sample_aspect_ratio: z.string().default('1:1'),
  avg_frame_rate: z.string().default('0/0'),
  time_base: z.string().default('0/0'),
  has_b_frames: z.number().default(0),
  extradata_hash: z.string().default(''),
  nb_frames: z.coerce.number().catch(0),
  nb_read_frames: z.coerce.number().catch(0),
  nb_read_packets: z.coerce.number().catch(0),
  duration: z.coerce.number().optional().catch(undefined),
  color_range: z.string().optional(),
  color_space: z.string().optional(),
  color_transfer: z.string().optional(),
  color_primaries: z.string().optional(),
  sample_rate: z.coerce.number().catch(0),
  channels: z.number().default(0),
  disposition: z.object({ attached_pic: z.number().default(0) }).optional(),
  side_data_list: z.array(z.object({ rotation: z.number().optional() })).default([]),
  tags: z.object({ rotate: z.coerce.number().optional() }).default({}),
});

const Probe = z.object({
  streams: z.array(Stream).default([]),
  format: z.object({
    duration: z.coerce.number().catch(0),
    size: z.coerce.number().catch(0),
  }),
});

/** What ffprobe must be asked for so that `parseProbe` can read the answer. */
export const PROBE_OPTIONS: readonly string[] = [
  ...['-print_format', 'json', '-show_format', '-show_streams'],
  ...['-show_data_hash', 'sha256'],
];

/** Reads what ffprobe prints when asked for `PROBE_OPTIONS`; undefined: no video in it. */
export function parseProbe(json: string): VideoInfo | undefined {
  const parsed = Probe.safeParse(parseJson(json));
  if (!parsed.success) return undefined;
  const { streams, format } = parsed.data;
  const video = findVideo(streams);
  if (!video || video.width < 1 || video.height < 1) return undefined;
  const audio = streams.find((stream) => stream.codec_type === 'audio');
  const turned =
    video.side_data_list.find((data) => data.rotation !== undefined)?.rotation ??
    video.tags.rotate ??
    0;
  const rotation = (((Math.round(turned / 90) * 90) % 360) + 360) % 360;
  const sideways = rotation % 180 !== 0;
  return {
    width: sideways ? video.height : video.width,
    height: sideways ? video.width : video.height,
    rotation,
    durationSeconds: video.duration ?? format.duration,
    fps: parseRational(video.avg_frame_rate),
    frames: video.nb_frames,
    codec: video.codec_name,
    profile: video.profile,
    pixFmt: video.pix_fmt,
    sar: video.sample_aspect_ratio === '0:1' ? '1:1' : video.sample_aspect_ratio,
    timeBase: parseRational(video.time_base),
    reorderFrames: video.has_b_frames,
    decoderSetup: video.extradata_hash,
    colour: {
      ...tag('range', video.color_range),
      ...tag('space', video.color_space),
      ...tag('transfer', video.color_transfer),
      ...tag('primaries', video.color_primaries),
    },
    hasAudio: audio !== undefined,
    ...(audio && {
      audio: { codec: audio.codec_name, sampleRate: audio.sample_rate, channels: audio.channels },
    }),
    sizeBytes: format.size,
  };
}

/** What ffprobe has read of the video when asked for `PROBE_OPTIONS` and to count frames and packets. */
export function parseReadCounts(json: string): {
  readonly frames: number;
  readonly packets: number;
} {
  const video = findVideo(Probe.parse(parseJson(json)).streams);
  return { frames: video?.nb_read_frames ?? 0, packets: video?.nb_read_packets ?? 0 };
}

/** The moving picture; a cover is none. */
function findVideo(streams: readonly z.infer<typeof Stream>[]) {
  return streams.find(
    (stream) => stream.codec_type === 'video' && !stream.disposition?.attached_pic,
  );
}

/** Frames per second as a number, for arithmetic. */
export function framesPerSecond(fps: Rational): number {
  return fps.denominator === 0 ? 0 : fps.numerator / fps.denominator;
}

function parseRational(text: string): Rational {
  const [numerator = 0, denominator = 0] = text.split('/').map((part) => Number(part) || 0);
  return { numerator, denominator };
}

/** Nothing at all for a tag that says nothing: JSON has no `undefined`. */
function tag(name: keyof ColourTags, value: string | undefined): ColourTags {
  return value === undefined || value === 'unknown' || value === 'reserved'
    ? {}
    : { [name]: value };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
