import { rename, stat, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { createLimiter } from './concurrency.ts';
import {
  checkJoints,
  checkVideo,
  endsOnFreeFrame,
  FfmpegError,
  type FfmpegTools,
  type Joints,
  probe,
  runFfmpeg,
} from './ffmpeg.ts';
import {
  BT709,
  chooseReference,
  clipSignature,
  concatCopy,
  concatList,
  conformClip,
  dissolveCommand,
  isPlayable,
  previewCommand,
  previewKbps,
  squeezedSeconds,
  thumbnailCommand,
} from './video-commands.ts';
import { framesPerSecond, type Rational, type VideoInfo } from './video-info.ts';
import { withWorkDirectory } from './work-directory.ts';

const COPY_TIMEOUT_MS = 15 * 60_000;
const ENCODE_TIMEOUT_MS = 60 * 60_000;
/** A copy whose decoder needs no other setup decodes at all joints or at none; a few are tried all the same. */
const SAMPLED_JOINTS = 4;
const PREVIEW_TRIES = 5;
/** What each further try at a preview leaves of the bit rate. */
const PREVIEW_SHRINK = 0.9;
/** A joined file is a little larger than its clips or a little smaller; parts are filled up to this share. */
const PART_FILL = 0.98;

/** A file and what `check` or `probe` said of it: the file has not changed since. */
export interface ProbedClip {
  /** Absolute. */
  readonly path: string;
  readonly info: VideoInfo;
}

export interface StitchJob {
  /** In playing order. Each clip ends on the picture with which the next begins. */
  readonly clips: readonly ProbedClip[];
  readonly output: string;
  /** The last clip ends on the first clip's first picture; where it can be, that repeated frame is left out. */
  readonly loop: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface PreviewJob {
  readonly input: string;
  readonly output: string;
  readonly maxBytes: number;
  readonly signal?: AbortSignal | undefined;
}

/** `original`: the input itself is small enough, plays everywhere, and no file was written. */
export type Preview =
  | { readonly kind: 'original'; readonly info: VideoInfo }
  | { readonly kind: 'encoded'; readonly info: VideoInfo };

export interface ThumbnailJob {
  readonly input: string;
  readonly output: string;
  readonly signal?: AbortSignal | undefined;
}

export interface PartsJob {
  readonly clips: readonly ProbedClip[];
  readonly maxBytes: number;
  readonly directory: string;
  /** Parts are named `<baseName>-01.mp4` and so on. */
  readonly baseName: string;
  readonly signal?: AbortSignal | undefined;
}

export interface DissolveJob {
  /** Absolute paths of two JPEGs of the given size. */
  readonly from: string;
  readonly to: string;
  readonly output: string;
  readonly seconds: number;
  readonly fps: number;
  readonly width: number;
  readonly height: number;
  /** A neighbouring clip: its size, frame rate, time base and colours are taken instead of the ones above. */
  readonly matching?: VideoInfo | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Everything done to finished clips. Each output appears whole or not at all, replacing what was there, so
 * every call may be repeated. Failures are `FfmpegError`s; an abort rejects with the signal's reason.
 */
export interface Video {
  /** What a file says it is; rejects when it has no video. Its frames are not looked at: see `check`. */
  probe(path: string, signal?: AbortSignal): Promise<VideoInfo>;
  /**
   * What a file is, after every frame of it has been decoded; rejects with the kind `invalid_media` when one
   * is damaged or missing. For files that others made, once, when they arrive. As many at once as there are
   * processors, however often it is asked.
   */
  check(path: string, signal?: AbortSignal): Promise<VideoInfo>;
  /**
   * Joins clips into one MP4, encoding only those that differ from the majority. The clips are taken at
   * their word: a damaged one passes unless the damage stands at a joint that is looked at. Verified are the
   * number of frames and that the video decodes wherever the decoder's setup changes, at the first joint, at
   * the last and at a few between.
   */
  stitch(job: StitchJob): Promise<VideoInfo>;
  /** A version of at most `maxBytes` for the chat, with the sound where there is one. */
  makePreview(job: PreviewJob): Promise<Preview>;
  /** A JPEG of at most 320 px and 200 kB: the first frame. */
  makeThumbnail(job: ThumbnailJob): Promise<void>;
  /** The stitched video as files of at most `maxBytes`, cut between clips; returns their paths in order. */
  splitIntoParts(job: PartsJob): Promise<string[]>;
  /** The transition that is always possible: one picture fades into the other. */
  dissolve(job: DissolveJob): Promise<VideoInfo>;
}

interface ConformedClips {
  readonly clips: readonly ProbedClip[];
  readonly reference: VideoInfo;
  readonly keepAudio: boolean;
}

/** @see Video */
export function createVideo(tools: FfmpegTools): Video {
  const limitChecks = createLimiter(availableParallelism());
  return {
    probe: (path, signal) => probe(tools, path, signal),

    check: (path, signal) => limitChecks(() => checkVideo(tools, path, signal)),

    async stitch({ clips, output, loop, signal }) {
      return withWorkDirectory(dirname(output), async (work) => {
        const conformed = await conform(clips, work, signal);
        return joinClips(conformed, { output, loop, work, signal });
      });
    },

    async makePreview({ input, output, maxBytes, signal }) {
      const info = await probe(tools, input, signal);
      if (info.sizeBytes <= maxBytes && isPlayable(info)) return { kind: 'original', info };
      return withWorkDirectory(dirname(output), async (work) => {
        const draft = join(work, 'preview.mp4');
        let shrink = 1;
        for (let attempt = 1; attempt <= PREVIEW_TRIES; attempt += 1) {
          const kbps = previewKbps(info, maxBytes, shrink);
          const command = previewCommand({ input, output: draft, info, kbps });
          await runFfmpeg(tools, command, { signal, timeoutMs: ENCODE_TIMEOUT_MS });
          if ((await stat(draft)).size <= maxBytes) {
            const preview = await probe(tools, draft, signal);
            await rename(draft, output);
            return { kind: 'encoded', info: preview };
          }
          shrink *= PREVIEW_SHRINK;
        }
        throw new FfmpegError('failed', `A preview of ${maxBytes} bytes cannot be made`);
      });
    },

    async makeThumbnail({ input, output, signal }) {
      await withWorkDirectory(dirname(output), async (work) => {
        const draft = join(work, 'thumbnail.jpg');
        const command = thumbnailCommand({ input, output: draft });
        await runFfmpeg(tools, command, { signal, timeoutMs: COPY_TIMEOUT_MS });
        await rename(draft, output);
      });
    },

    async splitIntoParts({ clips, maxBytes, directory, baseName, signal }) {
      return withWorkDirectory(directory, async (work) => {
        const { clips: ready, ...shared } = await conform(clips, work, signal);
        const drafts: string[] = [];
        const groups = groupBySize(ready, maxBytes * PART_FILL);
        for (let group = groups.shift(); group; group = groups.shift()) {
          const draft = join(work, `part-${drafts.length}.mp4`);
          const part = { clips: group, ...shared };
          const info = await joinClips(part, { output: draft, loop: false, work, signal });
          if (info.sizeBytes <= maxBytes) {
            drafts.push(draft);
            continue;
          }
          if (group.length === 1) throw new FfmpegError('failed', 'One clip is larger than a part');
          const half = Math.ceil(group.length / 2);
          groups.unshift(group.slice(0, half), group.slice(half));
        }
        const digits = Math.max(2, `${drafts.length}`.length);
        const paths: string[] = [];
        for (const [index, draft] of drafts.entries()) {
          const name = `${baseName}-${`${index + 1}`.padStart(digits, '0')}.mp4`;
          await rename(draft, join(directory, name));
          paths.push(join(directory, name));
        }
        return paths;
      });
    },

    async dissolve({ from, to, output, seconds, matching, signal, ...asked }) {
      const fps: Rational = matching?.fps ?? { numerator: asked.fps, denominator: 1 };
      const command = {
        from,
        to,
        frames: Math.max(2, Math.round(seconds * framesPerSecond(fps))),
        width: matching?.width ?? asked.width,
        height: matching?.height ?? asked.height,
        encoding: {
          fps,
          timescale: matching?.timeBase.denominator,
          // Without B-frames a clip can lose its last frame, which makes a loop seamless.
          reorderFrames: matching?.reorderFrames ?? 0,
          colour: matching?.colour ?? BT709,
          preset: 'veryfast',
        },
      };
      return withWorkDirectory(dirname(output), async (work) => {
        const draft = join(work, 'dissolve.mp4');
        await runFfmpeg(tools, dissolveCommand({ ...command, output: draft }), {
          signal,
          timeoutMs: ENCODE_TIMEOUT_MS,
        });
        const info = await probe(tools, draft, signal);
        await rename(draft, output);
        return info;
      });
    },
  };

  /** The clips with the odd ones out replaced by versions that can be joined to the others by copying. */
  async function conform(
    originals: readonly ProbedClip[],
    work: string,
    signal: AbortSignal | undefined,
  ): Promise<ConformedClips> {
    const infos = originals.map((clip) => clip.info);
    const keepAudio = infos.every((info) => info.hasAudio);
    const reference = chooseReference(infos, keepAudio);
    const signature = clipSignature(reference, keepAudio);
    const clips: ProbedClip[] = [];
    for (const [index, clip] of originals.entries()) {
      if (clipSignature(clip.info, keepAudio) === signature) {
        clips.push(clip);
        continue;
      }
      const path = join(work, `conformed-${index}.mp4`);
      const command = conformClip({
        input: clip.path,
        info: clip.info,
        output: path,
        reference,
        keepAudio,
      });
      await runFfmpeg(tools, command, { signal, timeoutMs: ENCODE_TIMEOUT_MS });
      clips.push({ path, info: await probe(tools, path, signal) });
    }
    return { clips, reference, keepAudio };
  }

  /** Joins by copying, then makes sure that every frame is there and that the joints decode. */
  async function joinClips(
    { clips, reference, keepAudio }: ConformedClips,
    job: { output: string; loop: boolean; work: string; signal: AbortSignal | undefined },
  ): Promise<VideoInfo> {
    const { output, work, signal } = job;
    const list = join(work, 'clips.txt');
    const draft = join(work, 'joined.mp4');
    // Sound has no frame to give away: squeezing the pictures would make it overlap.
    const squeezeJoints = !keepAudio;
    const total = clips.reduce((sum, clip) => sum + clip.info.frames, 0);
    const last = clips.at(-1);
    const leaveLastOut =
      job.loop &&
      !keepAudio &&
      last !== undefined &&
      (await endsOnFreeFrame(tools, last.path, signal));
    const frames = leaveLastOut ? total - 1 : total;
    await writeFile(list, concatList(clips, squeezeJoints));
    const command = concatCopy({
      list,
      output: draft,
      keepAudio,
      timescale: reference.timeBase.denominator,
      ...(leaveLastOut && { frames }),
    });
    await runFfmpeg(tools, command, { signal, timeoutMs: COPY_TIMEOUT_MS });
    const joints = jointsToCheck(clips, reference, keepAudio);
    const info = await checkJoints(tools, draft, joints, signal);
    if (info.frames !== frames) {
      throw new FfmpegError('invalid_media', `${info.frames} frames instead of ${frames}`);
    }
    await rename(draft, output);
    return info;
  }
}

/** Which joints are worth a look, for `checkJoints`: see `Video.stitch`. */
function jointsToCheck(
  clips: readonly ProbedClip[],
  reference: VideoInfo,
  keepAudio: boolean,
): Joints {
  const frameSeconds = 1 / framesPerSecond(reference.fps);
  const last = clips.length - 2;
  const every = Math.max(1, last / (SAMPLED_JOINTS - 1));
  const sampled = new Set(
    Array.from({ length: SAMPLED_JOINTS }, (_, index) => Math.round(index * every)),
  );
  const times: number[] = [];
  let joint = 0;
  for (const [index, { info }] of clips.slice(0, -1).entries()) {
    joint += keepAudio ? info.durationSeconds : squeezedSeconds(info);
    const next = clips[index + 1]?.info;
    if (sampled.has(index) || next?.decoderSetup !== info.decoderSetup) {
      // In the middle of the first frame: a seek goes backwards, and clocks are rounded.
      times.push(joint + frameSeconds / 2);
    }
  }
  // Sound that is longer than its pictures moves the joints behind it.
  return { times, withinSeconds: keepAudio ? Number.POSITIVE_INFINITY : frameSeconds };
}

function groupBySize(clips: readonly ProbedClip[], maxBytes: number): ProbedClip[][] {
  const groups: ProbedClip[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const clip of clips) {
    size += clip.info.sizeBytes;
    if (size > maxBytes) {
      groups.push([]);
      size = clip.info.sizeBytes;
    }
    groups.at(-1)?.push(clip);
  }
  return groups;
}
