import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { FfmpegError, probe } from '../../src/media/ffmpeg.ts';
import { createVideo, type ProbedClip, type StitchJob } from '../../src/media/video.ts';
import type { VideoInfo } from '../../src/media/video-info.ts';
import {
  type ClipOptions,
  drawPicture,
  findAllTools,
  makeClip,
  useDirectory,
} from '../support/pictures.ts';
import { quickTools } from '../support/quick-tools.ts';

const run = promisify(execFile);
const FRAMES = 13;
/** A 24-fps clip of 13 frames whose last frame is squeezed. */
const SQUEEZED_SECONDS = 12 / 24 + 0.001;

/** Makes what goes in and looks at what came out; only what lies between is done by each in turn. */
const judge = await quickTools();
const shared = await useDirectory();
const made = new Map<string, Promise<string>>();
after(() => shared[Symbol.asyncDispose]());

/** The path of a clip that is made once and changed by nobody. */
function clip(options: ClipOptions = {}): Promise<string> {
  const key = JSON.stringify(options);
  const path = made.get(key) ?? makeClip(judge, shared.path, { frames: FRAMES, ...options });
  made.set(key, path);
  return path;
}

function clips(all: readonly ClipOptions[]): Promise<string[]> {
  return Promise.all(all.map(clip));
}

/** A digest of every frame of a video, in order: equal digests are equal pictures. */
async function frameDigests(path: string): Promise<string[]> {
  const options = ['-map', '0:v', '-vsync', '0', '-f', 'framemd5', '-'];
  const { stdout, stderr } = await run(judge.ffmpegPath, ['-v', 'error', '-i', path, ...options]);
  assert.equal(stderr, '', `${path} decodes with errors`);
  return stdout
    .split('\n')
    .flatMap((line) => (/^\d/.test(line) ? (line.split(',').at(-1)?.trim() ?? '') : []));
}

async function stitchWithJudge(paths: readonly string[], output: string): Promise<VideoInfo> {
  const video = createVideo(judge);
  const parts = paths.map(async (path) => ({ path, info: await video.probe(path) }));
  return video.stitch({ clips: await Promise.all(parts), output, loop: false });
}

async function readFrame(path: string, index: number, width: number, height: number) {
  const filter = `select=eq(n\\,${index}),scale=in_color_matrix=bt709`;
  const options = ['-vf', filter, '-frames:v', '1', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'];
  const { stdout } = await run(judge.ffmpegPath, ['-v', 'error', '-i', path, ...options], {
    encoding: 'buffer',
  });
  assert.equal(stdout.length, width * height * 3);
  return stdout;
}

function meanDifference(a: Buffer, b: Buffer): number {
  let sum = 0;
  for (const [i, value] of a.entries()) sum += Math.abs(value - (b[i] ?? 0));
  return sum / a.length;
}

function assertNear(actual: number, expected: number, tolerance: number): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not about ${expected}`);
}

/**
 * The bundled copy, the oldest, does everything. Another one repeats what versions differ in: reading indexes,
 * copying, cutting, and setting an encoder up like a neighbour's.
 */
for (const [name, tools] of await findAllTools()) {
  const once = { skip: name !== 'bundled' && 'the same with every version' };
  const video = createVideo(tools);
  const probed = new Map<string, Promise<VideoInfo>>();
  /** Of a clip that is not changed afterwards. */
  const probeOnce = (path: string) => {
    const info = probed.get(path) ?? probe(tools, path);
    probed.set(path, info);
    return info;
  };
  const probeAll = (paths: readonly string[]): Promise<ProbedClip[]> =>
    Promise.all(paths.map(async (path) => ({ path, info: await probeOnce(path) })));
  const stitch = async (job: Omit<StitchJob, 'clips'> & { clips: readonly string[] }) =>
    video.stitch({ ...job, clips: await probeAll(job.clips) });

  describe(`stitch, ${name}`, () => {
    test('clips that agree are joined without losing or changing a frame', once, async () => {
      await using directory = await useDirectory();
      const parts = await clips([{ seed: 0 }, { seed: 1 }, { seed: 2 }]);
      const output = join(directory.path, 'out/video.mp4');
      const info = await stitch({ clips: parts, output, loop: false });
      const digests = await Promise.all(parts.map(frameDigests));
      assert.deepEqual(await frameDigests(output), digests.flat());
      assert.equal(info.frames, 3 * FRAMES);
      assertNear(info.durationSeconds, 2 * SQUEEZED_SECONDS + FRAMES / 24, 0.02);
      assert.deepEqual(info, await probe(tools, output));
      const bytes = await readFile(output);
      assert.ok(bytes.indexOf('moov') < bytes.indexOf('mdat'), 'it plays before it is whole');
      assert.deepEqual(await readdir(join(directory.path, 'out')), ['video.mp4']);
      assert.deepEqual(await stitch({ clips: parts, output, loop: false }), info);
    });

    test('only the odd ones are encoded anew, and the whole decodes', async () => {
      await using directory = await useDirectory();
      const a = await clip({ seed: 1 });
      const b = await clip({ seed: 2 });
      const odd = await clip({ fps: '30', size: '240x240', sound: true, frames: 15 });
      const hevc = await clip({
        seed: 3,
        options: ['-c:v', 'libx265', '-x265-params', 'log-level=none'],
      });
      const noReorder = await clip({ seed: 4, options: ['-bf', '0'] });
      const output = join(directory.path, 'video.mp4');
      const info = await stitch({ clips: [odd, a, hevc, b, noReorder], output, loop: false });
      const digests = await frameDigests(output);
      const first = info.frames - 4 * FRAMES;
      assertNear(first, 12, 1);
      assert.equal(digests.length, info.frames);
      assert.deepEqual(digests.slice(first, first + FRAMES), await frameDigests(a));
      assert.deepEqual(
        digests.slice(first + 2 * FRAMES, first + 3 * FRAMES),
        await frameDigests(b),
      );
      assert.deepEqual([info.width, info.height, info.hasAudio], [320, 180, false]);
      const frame = await readFrame(output, 5, 320, 180);
      assert.ok(
        meanDifference(frame.subarray(90 * 960, 90 * 960 + 90), Buffer.alloc(90)) < 4,
        'the square clip has bars',
      );
    });

    test('clips of which none plays everywhere are all brought to H.264', once, async () => {
      await using directory = await useDirectory();
      const options = ['-c:v', 'mpeg4', '-q:v', '3'];
      const info = await stitch({
        clips: await clips([{ options }, { seed: 1, options }]),
        output: join(directory.path, 'v.mp4'),
        loop: false,
      });
      assert.deepEqual([info.codec, info.pixFmt, info.frames], ['h264', 'yuv420p', 2 * FRAMES]);
    });

    test('sound is kept when every clip has it', async () => {
      await using directory = await useDirectory();
      const info = await stitch({
        clips: await clips([
          { sound: true, frames: 24 },
          { sound: true, frames: 24, seed: 1, options: ['-ar', '48000'] },
        ]),
        output: join(directory.path, 'v.mp4'),
        loop: false,
      });
      assert.deepEqual(info.audio, { codec: 'aac', sampleRate: 44100, channels: 1 });
      assertNear(info.frames, 48, 1);
      assertNear(info.durationSeconds, 2, 0.1);
    });

    test('a loop leaves its repeated last frame out where no other frame needs it', async () => {
      await using directory = await useDirectory();
      const options = ['-bf', '0'];
      const free = await clips([
        { seed: 0, options },
        { seed: 4, options },
      ]);
      const output = join(directory.path, 'v.mp4');
      const looped = await stitch({ clips: free, output, loop: true });
      assert.equal(looped.frames, 2 * FRAMES - 1);
      const digests = await Promise.all(free.map(frameDigests));
      assert.deepEqual(await frameDigests(output), digests.flat().slice(0, -1));
    });

    test('clips for which a decoder is set up differently are joined unchanged', async () => {
      await using directory = await useDirectory();
      const parts = await clips(
        ['30', '12', '30', '20'].map((crf, seed) => ({ seed, options: ['-crf', crf] })),
      );
      const output = join(directory.path, 'video.mp4');
      // Others refer to the repeated last frame of the loop: it is left in.
      const info = await stitch({ clips: parts, output, loop: true });
      const digests = await Promise.all(parts.map(frameDigests));
      assert.deepEqual(await frameDigests(output), digests.flat());
      assert.deepEqual(info, await probe(tools, output));
      assertNear(info.durationSeconds, 3 * SQUEEZED_SECONDS + FRAMES / 24, 0.02);
      const bytes = await readFile(output);
      assert.ok(bytes.indexOf('moov') < bytes.indexOf('mdat'), 'it plays before it is whole');
    });

    test('a joint that does not decode is found out and nothing is delivered', async () => {
      await using directory = await useDirectory();
      const probed = await probeAll(await clips([0, 1, 2, 3].map((seed) => ({ seed }))));
      const damaged = join(directory.path, 'damaged.mp4');
      const bytes = await readFile(probed[2]?.path ?? '');
      const data = bytes.indexOf('mdat') + 4;
      // Past the encoder's own note, into the first picture.
      bytes.fill(0x5a, data + 900, data + 1600);
      await writeFile(damaged, bytes);
      const isInvalid = (error: unknown) =>
        error instanceof FfmpegError && error.kind === 'invalid_media';
      await assert.rejects(video.check(damaged), isInvalid);
      const output = join(directory.path, 'out', 'v.mp4');
      const parts = probed.map((part, index) => (index === 2 ? { ...part, path: damaged } : part));
      await assert.rejects(video.stitch({ clips: parts, output, loop: false }), isInvalid);
      assert.deepEqual(await readdir(join(directory.path, 'out')), []);
    });

    test('fewer frames than the clips were said to have are found out', once, async () => {
      await using directory = await useDirectory();
      const [one] = await probeAll([await clip({ seed: 0 })]);
      assert.ok(one);
      const boastful = { ...one, info: { ...one.info, frames: FRAMES + 1 } };
      const output = join(directory.path, 'v.mp4');
      await assert.rejects(
        video.stitch({ clips: [one, boastful], output, loop: false }),
        /26 frames instead of 27/,
      );
      assert.deepEqual(await readdir(directory.path), []);
    });

    test('a failure and an abort keep the video that was there', once, async () => {
      await using directory = await useDirectory();
      const good = await clip({ seed: 0 });
      const output = join(directory.path, 'out.mp4');
      await copyFile(good, output);
      const missing = join(directory.path, 'missing.mp4');
      const [probed] = await probeAll([good]);
      assert.ok(probed);
      await assert.rejects(
        video.stitch({ clips: [probed, { ...probed, path: missing }], output, loop: false }),
        FfmpegError,
      );
      const signal = AbortSignal.abort(new Error('cancelled'));
      await assert.rejects(stitch({ clips: [good], output, loop: false, signal }), /cancelled/);
      assert.deepEqual(await readFile(output), await readFile(good));
      assert.deepEqual(await readdir(directory.path), ['out.mp4']);
    });
  });

  test(`a clip that is whole is checked and described, ${name}`, once, async () => {
    const path = await clip({ sound: true, frames: 24 });
    assert.deepEqual(await video.check(path), await probeOnce(path));
  });

  describe(`makePreview, ${name}`, () => {
    test('a video that fits is its own preview', once, async () => {
      await using directory = await useDirectory();
      const input = await clip({ seed: 0 });
      const output = join(directory.path, 'preview.mp4');
      const preview = await video.makePreview({ input, output, maxBytes: 1_000_000 });
      assert.equal(preview.kind, 'original');
      assert.deepEqual(await readdir(directory.path), []);
    });

    test('one that does not is made to fit, whole and at an even pace', async () => {
      await using directory = await useDirectory();
      const options = ['-qp', '5'];
      const parts = await clips([0, 1].map((seed) => ({ seed, frames: 49, options })));
      const input = join(directory.path, 'video.mp4');
      const { sizeBytes } = await stitchWithJudge(parts, input);
      const output = join(directory.path, 'preview.mp4');
      const maxBytes = Math.floor(sizeBytes / 3);
      const preview = await video.makePreview({ input, output, maxBytes });
      assert.equal(preview.kind, 'encoded');
      const { info } = preview;
      assert.ok(info.sizeBytes <= maxBytes && info.sizeBytes === (await stat(output)).size);
      assert.deepEqual(info.fps, { numerator: 24, denominator: 1 });
      assertNear(info.frames, 97, 1);
      assert.equal((await frameDigests(output)).length, info.frames);
    });

    test('a limit that cannot be kept is said so', once, async () => {
      await using directory = await useDirectory();
      const input = await clip({ seed: 0 });
      const output = join(directory.path, 'preview.mp4');
      await assert.rejects(video.makePreview({ input, output, maxBytes: 500 }), FfmpegError);
      assert.deepEqual(await readdir(directory.path), []);
    });
  });

  test(`the thumbnail is a small JPEG of the first frame, with sound or without, ${name}`, async () => {
    await using directory = await useDirectory();
    const output = join(directory.path, 'thumbnail.jpg');
    for (const input of await clips([{ size: '360x640' }, { size: '360x640', sound: true }])) {
      await video.makeThumbnail({ input, output });
      const { width, height, format } = await sharp(output).metadata();
      assert.deepEqual([width, height, format], [180, 320, 'jpeg']);
      assert.ok((await stat(output)).size < 200_000);
      await rm(output);
    }
  });

  test(`parts are whole clips, numbered, and none is above the limit, ${name}`, once, async () => {
    await using directory = await useDirectory();
    const whole = await clips([0, 1, 2, 3, 4].map((seed) => ({ seed })));
    const sizes = await Promise.all(whole.map(async (path) => (await stat(path)).size));
    const maxBytes = Math.ceil(Math.max(...sizes) * 2.5);
    const target = join(directory.path, 'parts');
    const parts = {
      clips: await probeAll(whole),
      maxBytes,
      directory: target,
      baseName: 'morph',
    };
    const paths = await video.splitIntoParts(parts);
    assert.deepEqual(
      paths,
      [1, 2, 3].map((number) => join(target, `morph-0${number}.mp4`)),
    );
    const infos = await Promise.all(paths.map((path) => probe(tools, path)));
    assert.deepEqual(
      infos.map((info) => info.frames),
      [2 * FRAMES, 2 * FRAMES, FRAMES],
    );
    assert.ok(infos.every((info) => info.sizeBytes <= maxBytes));
    assert.deepEqual(await readdir(target), ['morph-01.mp4', 'morph-02.mp4', 'morph-03.mp4']);
    await assert.rejects(video.splitIntoParts({ ...parts, maxBytes: 2000 }), FfmpegError);
  });

  describe(`dissolve, ${name}`, () => {
    const size = { width: 320, height: 180 };
    async function putPictures(directory: string) {
      const pictures = [];
      for (const seed of [1, 5]) {
        const path = join(directory, `${seed}.jpg`);
        const options = { quality: 95, chromaSubsampling: '4:4:4' };
        await drawPicture({ ...size, seed })
          .jpeg(options)
          .toFile(path);
        pictures.push({ path, pixels: await sharp(path).raw().toBuffer() });
      }
      const [from, to] = pictures;
      assert.ok(from && to);
      return { from, to };
    }

    test('it begins on the one picture, ends on the other and moves evenly between', async () => {
      await using directory = await useDirectory();
      const { from, to } = await putPictures(directory.path);
      const output = join(directory.path, 'dissolve.mp4');
      const job = { from: from.path, to: to.path, output, seconds: 1, fps: 24, ...size };
      const info = await video.dissolve(job);
      assert.deepEqual(
        [info.width, info.height, info.frames, info.codec, info.pixFmt, info.hasAudio],
        [320, 180, 24, 'h264', 'yuv420p', false],
      );
      assert.equal(info.colour.space, 'bt709');
      const at = (index: number) => readFrame(output, index, 320, 180);
      assert.ok(meanDifference(await at(0), from.pixels) < 3);
      assert.ok(meanDifference(await at(23), to.pixels) < 3);
      const whole = meanDifference(from.pixels, to.pixels);
      for (const index of [6, 12, 18]) {
        const done = meanDifference(await at(index), from.pixels) / whole;
        assertNear(done, index / 23, 0.05);
      }
    });

    test('one that matches its neighbours is joined to them unchanged', async () => {
      await using directory = await useDirectory();
      const { from, to } = await putPictures(directory.path);
      const unusual = [
        ['-bf', '0'],
        ['-video_track_timescale', '90000', '-colorspace', 'smpte170m'],
      ];
      for (const options of name === 'bundled' ? [[], ...unusual] : unusual) {
        const neighbour = await clip({ fps: '30', size: '240x136', options });
        const output = join(directory.path, 'dissolve.mp4');
        const matching = await probeOnce(neighbour);
        const ends = { from: from.path, to: to.path, output };
        const info = await video.dissolve({ ...ends, seconds: 0.5, fps: 24, ...size, matching });
        const joined = join(directory.path, 'joined.mp4');
        const [before, dissolve] = [
          { path: neighbour, info: matching },
          { path: output, info },
        ];
        await video.stitch({ clips: [before, before, dissolve], output: joined, loop: false });
        const digests = await frameDigests(joined);
        assert.deepEqual(digests.slice(2 * FRAMES), await frameDigests(output));
      }
    });
  });
}
