import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import sharp, { type Sharp } from 'sharp';
import { FfmpegError, runFfmpeg } from '../../src/media/ffmpeg.ts';
import { createMorpher, type MorpherDeps } from '../../src/media/morpher/create-morpher.ts';
import { createEngineProcess, EngineDiedError } from '../../src/media/morpher/engine-process.ts';
import type { Morpher, MorphJob } from '../../src/media/morpher/morpher.ts';
import { createVideo } from '../../src/media/video.ts';
import { BT709, clipSignature } from '../../src/media/video-commands.ts';
import { drawPicture, findAllTools, useDirectory } from '../support/pictures.ts';
import { startProcess } from '../support/processes.ts';
import { findChildren, isRunning } from './morpher-children.ts';
import { meanDifference } from './morpher-metrics.ts';
import {
  cutGroup,
  cutPortrait,
  FACES_IN_GROUP,
  type GroupNumber,
  toRgb,
} from './morpher-pictures.ts';

/** Even, and no more than that. */
const PORTRAIT = { width: 242, height: 322 };
const LANDSCAPE = { width: 320, height: 180 };

/** Both of this machine's where it has one of its own: the bundled copy makes all but what versions differ in. */
const allTools = await findAllTools();
const tools = allTools.get('bundled') ?? assert.fail('npm brings a copy');

let directory: Awaited<ReturnType<typeof useDirectory>>;
let morpher: Morpher;
/** With the ffmpeg of this machine. */
let secondMorpher: Morpher;
let warnings: string[];
let pictures: Record<'nurse' | 'hostess' | 'hills' | 'dunes', string>;
let clips = 0;

before(async () => {
  directory = await useDirectory();
  warnings = [];
  morpher = makeMorpher();
  secondMorpher = makeMorpher({ tools: allTools.get('system') ?? tools });
  const save = async (name: string, picture: Sharp) => {
    const path = join(directory.path, `${name}.jpg`);
    await picture.jpeg({ quality: 95 }).toFile(path);
    return path;
  };
  const large = { width: 480, height: 640 };
  pictures = {
    nurse: await save('nurse', await cutPortrait('nurse', large)),
    hostess: await save('hostess', await cutPortrait('hostess', large)),
    hills: await save('hills', drawPicture({ width: 640, height: 360, seed: 3 })),
    dunes: await save('dunes', drawPicture({ width: 640, height: 360, seed: 8 })),
  };
});

after(async () => {
  await Promise.all([morpher.stop(), secondMorpher.stop()]);
  await directory[Symbol.asyncDispose]();
});

function makeMorpher(deps: Partial<MorpherDeps> = {}): Morpher {
  return createMorpher({
    tools,
    log: { warn: (_fields, message) => warnings.push(message) },
    ...deps,
  });
}

function makeJob(job: Partial<MorphJob> = {}): MorphJob {
  clips += 1;
  return {
    ...{ from: pictures.hills, to: pictures.dunes, ...LANDSCAPE, fps: 12, seconds: 1 },
    output: join(directory.path, `clip-${clips}.mp4`),
    ...job,
  };
}

/** Frames of a clip as RGB. */
async function readFrames(path: string, size: { width: number; height: number }) {
  const output = join(directory.path, 'frames.rgb');
  const options = ['-f', 'rawvideo', '-pix_fmt', 'rgb24'];
  const command = { inputs: [{ source: path, options: [] }], options, output };
  await runFfmpeg(tools, command, { timeoutMs: 20_000 });
  const bytes = await readFile(output);
  const length = size.width * size.height * 3;
  return Array.from({ length: bytes.length / length }, (_, index) =>
    bytes.subarray(index * length, (index + 1) * length),
  );
}

async function readPicture(path: string, size: { width: number; height: number }) {
  return (await toRgb(sharp(path).resize({ ...size, fit: 'fill' }))).data;
}

/** Without the clips and pictures: what a job has left lying about. */
async function listLeftovers(): Promise<string[]> {
  return (await readdir(directory.path)).filter((name) => name.startsWith('.'));
}

function findEngines() {
  return findChildren(process.pid, 'engine-worker');
}

async function waitFor<T>(look: () => T | undefined | false, what: string): Promise<T> {
  for (let tries = 0; tries < 400; tries += 1) {
    const found = look();
    if (found) return found;
    await delay(25);
  }
  return assert.fail(`${what} did not happen`);
}

/** The encoder of whichever engine has one, once it runs. */
async function waitForEncoder(): Promise<number> {
  return waitFor(
    () => findEngines().flatMap((engine) => findChildren(engine, 'ffmpeg'))[0],
    'encoding',
  );
}

type MadeClip = MorphJob & Awaited<ReturnType<Morpher['morph']>>;

for (const [name, ownTools] of allTools) {
  describe(`a clip, ${name}`, () => {
    const ownVideo = createVideo(ownTools);
    const odd = { fps: 25, seconds: 0.52 };
    let maker: Morpher;
    /** Of hills and dunes, as is the marked one. */
    let plain: MadeClip;
    let marked: MadeClip;

    before(async () => {
      maker = name === 'bundled' ? morpher : secondMorpher;
      plain = await make(makeJob(odd));
      marked = await make(makeJob({ ...odd, mark: 'Preview <&>' }));
    });

    async function make(job: MorphJob): Promise<MadeClip> {
      return { ...job, ...(await maker.morph(job)) };
    }

    test('of two portraits is led by their faces and has what was asked for', async () => {
      const job = makeJob({ from: pictures.nurse, to: pictures.hostess, ...PORTRAIT, fps: 30 });
      const { info, method } = await maker.morph(job);
      assert.equal(method, 'faces');
      assert.deepEqual(info, await ownVideo.check(job.output));
      const { width, height, frames, fps, durationSeconds } = info;
      assert.deepEqual({ width, height, frames }, { ...PORTRAIT, frames: 30 });
      assert.deepEqual([fps.numerator / fps.denominator, durationSeconds], [30, 1]);
      assert.deepEqual(info.colour, BT709);
      assert.deepEqual([info.pixFmt, info.hasAudio, info.sar], ['yuv420p', false, '1:1']);
      const head = (await readFile(job.output)).subarray(0, 4096);
      assert.ok(head.includes('moov'), 'it plays while it downloads');
    });

    test('of pictures without faces follows the field alone, at any rate', async () => {
      assert.equal(plain.method, 'field');
      const { width, height, frames, fps } = plain.info;
      assert.deepEqual({ width, height, frames }, { ...LANDSCAPE, frames: 13 });
      assert.equal(fps.numerator / fps.denominator, 25);
    });

    test('begins with the one picture and ends on the other, in their own colours', async () => {
      const frames = await readFrames(plain.output, LANDSCAPE);
      for (const [frame, path] of [
        [frames.at(0), plain.from],
        [frames.at(-1), plain.to],
      ] as const) {
        assert.ok(frame);
        const difference = meanDifference(frame, await readPicture(path, LANDSCAPE));
        assert.ok(difference < 3, `${difference} levels on average, encoding included`);
      }
    });

    test('carries its mark in the lower right corner, and nowhere else', async () => {
      const without = await readFrames(plain.output, LANDSCAPE);
      const frames = await readFrames(marked.output, LANDSCAPE);
      assert.equal(frames.length, 13);
      for (const [index, frame] of frames.entries()) {
        const other = without[index] ?? frame;
        const corner = { left: 200, top: 150, width: 120, height: 30 };
        const rest = { left: 0, top: 0, width: 320, height: 140 };
        const cut = async (data: Buffer, area: typeof corner) =>
          sharp(data, { raw: { ...LANDSCAPE, channels: 3 } })
            .extract(area)
            .raw()
            .toBuffer();
        assert.ok(meanDifference(await cut(frame, corner), await cut(other, corner)) > 8);
        assert.ok(meanDifference(await cut(frame, rest), await cut(other, rest)) < 1.5);
        assert.ok(Math.max(...(await cut(frame, corner))) > 225, 'the word is white');
      }
    });

    test('joins with other clips of ours by copying', async () => {
      const fade = makeJob(odd);
      const parts = [
        { path: plain.output, info: plain.info },
        { path: marked.output, info: marked.info },
        { path: fade.output, info: await ownVideo.dissolve(fade) },
      ];
      const joined = join(directory.path, 'joined.mp4');
      const info = await ownVideo.stitch({ clips: parts, output: joined, loop: false });
      assert.equal(info.frames, 39);
      assert.equal(new Set(parts.map((each) => clipSignature(each.info, false))).size, 1);
      assert.equal(plain.info.decoderSetup, marked.info.decoderSetup);
      // Encoding anew would change the size by more than what the container saves.
      const bytes = parts.reduce((sum, { info: { sizeBytes } }) => sum + sizeBytes, 0);
      assert.ok(Math.abs(info.sizeBytes - bytes) < 6000, `${info.sizeBytes} of ${bytes} bytes`);
      await ownVideo.check(joined);
    });
  });
}

describe('a clip', () => {
  test('of a picture that cannot be read is refused, and nothing is left', async () => {
    const from = join(directory.path, 'broken.jpg');
    await writeFile(from, (await readFile(pictures.hills)).subarray(0, 2000));
    const job = makeJob({ from });
    await assert.rejects(morpher.morph(job), (error) => {
      assert.ok(error instanceof FfmpegError);
      assert.equal(error.kind, 'invalid_media');
      return true;
    });
    assert.deepEqual(await listLeftovers(), []);
  });
});

describe('faces', () => {
  test('are found on small pictures, largest first', async () => {
    for (const number of [1, 3, 5] satisfies GroupNumber[]) {
      const picture = await toRgb(cutGroup(number, { width: 640, height: 448 }));
      const faces = (await morpher.findFaces(picture)) ?? assert.fail();
      assert.ok(faces.length >= FACES_IN_GROUP[number], `${faces.length} faces`);
      const widths = faces.map(({ width }) => width);
      assert.deepEqual(
        widths,
        widths.toSorted((a, b) => b - a),
      );
    }
  });

  test('are found when they are a sixteenth of the width', async () => {
    // A face is about a sixth as wide as the group.
    const group = await cutGroup(1, { width: 230, height: 160 }).png().toBuffer();
    const room = sharp({
      create: { ...{ width: 640, height: 480 }, channels: 3, background: '#678' },
    });
    const faces = await morpher.findFaces(
      await toRgb(
        sharp(
          await room
            .composite([{ input: group, left: 90, top: 200 }])
            .png()
            .toBuffer(),
        ),
      ),
    );
    const largest = faces?.slice(0, 3) ?? [];
    assert.equal(largest.length, 3);
    for (const { x, y, width } of largest) {
      assert.ok(x > 90 && x < 320 && y > 200 && y < 360 && width > 35 && width < 50, `${x}, ${y}`);
    }
  });

  test('are all found, however many there are: each may be the one that a cut would go through', async () => {
    const people = ['clown', 'nurse', 'reader', 'hostess', 'curls'] as const;
    const tile = { width: 160, height: 160 };
    const portraits = await Promise.all(
      people.map(async (person) => (await cutPortrait(person, tile)).png().toBuffer()),
    );
    const crowd = Array.from({ length: 12 }, (_, face) => ({
      input: portraits[face % people.length] ?? assert.fail(),
      left: (face % 4) * tile.width,
      top: Math.floor(face / 4) * tile.height,
    }));
    const size = { width: 4 * tile.width, height: 3 * tile.height };
    const room = sharp({ create: { ...size, channels: 3, background: '#678' } });
    const picture = await toRgb(sharp(await room.composite(crowd).png().toBuffer()));
    const faces = (await morpher.findFaces(picture)) ?? assert.fail();
    for (const { left, top } of crowd) {
      const inTile = faces.filter(
        ({ x, y, width, height }) =>
          Math.abs(x + width / 2 - left - 80) < 40 && Math.abs(y + height / 2 - top - 80) < 40,
      );
      assert.ok(inTile.length > 0, `${faces.length} faces, none at ${left}, ${top}`);
    }
  });

  test('are told in pixels of the picture, however large it is', async () => {
    const faces = await morpher.findFaces(
      await toRgb(await cutPortrait('nurse', { width: 1500, height: 2000 })),
    );
    const [face] = faces ?? [];
    assert.ok(face);
    const centre = [face.x + face.width / 2, face.y + face.height / 2];
    assert.ok(Math.abs((centre[0] ?? 0) - 750) < 150 && Math.abs((centre[1] ?? 0) - 960) < 150);
  });

  test('do not wait for a clip to end', async () => {
    const picture = await toRgb(cutGroup(1, { width: 640, height: 448 }));
    let done = false;
    const stop = new AbortController();
    const job = makeJob({ seconds: 600, signal: stop.signal });
    const clip = morpher.morph(job).finally(() => {
      done = true;
    });
    clip.catch(() => {});
    await waitForEncoder();
    assert.equal((await morpher.findFaces(picture))?.length, 3);
    assert.equal(done, false);
    stop.abort(new Error('enough'));
    await assert.rejects(clip, /enough/);
  });
});

describe('an abort', () => {
  test('ends a clip at once, with its encoder, and leaves nothing', async () => {
    const stop = new AbortController();
    const clip = morpher.morph(makeJob({ seconds: 600, signal: stop.signal }));
    const encoder = await waitForEncoder();
    const start = performance.now();
    stop.abort(new Error('no longer wanted'));
    await assert.rejects(clip, /no longer wanted/);
    assert.ok(performance.now() - start < 2000);
    assert.ok(!isRunning(encoder));
    assert.deepEqual(await listLeftovers(), []);
  });

  test('takes a waiting clip out of the queue, and the next one is made', async () => {
    const [running, waiting] = [new AbortController(), new AbortController()];
    const first = morpher.morph(makeJob({ seconds: 600, signal: running.signal }));
    const second = morpher.morph(makeJob({ signal: waiting.signal }));
    const third = morpher.morph(makeJob({ seconds: 0.25 }));
    for (const clip of [first, second]) clip.catch(() => {});
    waiting.abort(new Error('second'));
    await assert.rejects(second, /second/);
    running.abort(new Error('first'));
    await assert.rejects(first, /first/);
    assert.equal((await third).info.frames, 3);
    await assert.rejects(morpher.morph(makeJob({ signal: AbortSignal.abort() })), /abort/i);
  });
});

describe('the process of the engine', () => {
  test('ends with stop, and what ran is rejected', async () => {
    const others = findEngines();
    const clips = [makeJob({ seconds: 600 }), makeJob()].map((job) => secondMorpher.morph(job));
    for (const clip of clips) clip.catch(() => {});
    const encoder = await waitForEncoder();
    await secondMorpher.stop();
    for (const clip of clips) await assert.rejects(clip, /was stopped/);
    await assert.rejects(secondMorpher.morph(makeJob()), /was stopped/);
    await waitFor(() => !isRunning(encoder), 'the end of the encoder');
    assert.equal(findEngines().length, others.length - 1, 'the other morpher keeps its own');
    assert.deepEqual(await listLeftovers(), []);
  });

  test('keeps no process alive, and dies with the one it belongs to', async () => {
    // A process that is killed cannot tidy up.
    const folder = join(directory.path, 'killed');
    await mkdir(folder);
    const start = (from: string, ending: string) =>
      startProcess(join(import.meta.dirname, 'morpher-parent.ts'), {
        args: [from, pictures.dunes, join(folder, `${ending}.mp4`), ending],
        cwd: folder,
      });
    // An engine is soon idle that cannot read what it is given.
    const calm = start(join(folder, 'missing.jpg'), 'idle');
    const busy = start(pictures.hills, 'busy');
    const [, idleEngine] = await calm.waitFor(/engine (\d+)/);
    assert.equal((await calm.exited).code, 0, 'it ended by itself while its engine was idle');
    await waitFor(() => !isRunning(Number(idleEngine)), 'the end of the engine');
    const [, busyEngine] = await busy.waitFor(/engine (\d+)/);
    await busy.kill('SIGKILL');
    await waitFor(() => !isRunning(Number(busyEngine)), 'the end of the engine');
  });

  test('is started again when it is killed, and its clip is made all the same', async () => {
    warnings = [];
    const clip = morpher.morph(makeJob({ seconds: 8 }));
    await waitForEncoder();
    process.kill(findEngines()[0] ?? assert.fail(), 'SIGKILL');
    const { info, method } = await clip;
    assert.deepEqual([info.frames, method], [96, 'field']);
    assert.deepEqual(warnings, ['The morph engine died and is started again']);
    assert.deepEqual(await listLeftovers(), []);
  });

  test('that hangs is killed when its time is over', async () => {
    const engine = createEngineProcess({ idleMs: 60_000, onDetectionUnavailable: () => {} });
    const before = findEngines();
    // What is answered before the models are loaded.
    const job = {
      ...makeJob({ from: join(directory.path, 'missing.jpg') }),
      mark: undefined,
      tools,
    };
    const ask = (timeoutMs: number) => engine.request({ kind: 'render', job }, { timeoutMs });
    const isAnswer = { name: 'FfmpegError', kind: 'invalid_media' };
    await assert.rejects(ask(30_000), isAnswer);
    const [mine] = findEngines().filter((pid) => !before.includes(pid));
    process.kill(mine ?? assert.fail(), 'SIGSTOP');
    await assert.rejects(ask(300), EngineDiedError);
    await assert.rejects(ask(30_000), isAnswer, 'another one answers');
    await engine.stop();
  });

  test('that dies each time leaves a fade', async () => {
    warnings = [];
    const clip = morpher.morph(makeJob({ seconds: 16, mark: 'Fade' }));
    await waitForEncoder();
    const first = findEngines()[0] ?? assert.fail();
    process.kill(first, 'SIGKILL');
    const second = await waitFor(() => findEngines().find((pid) => pid !== first), 'its return');
    process.kill(second, 'SIGKILL');
    const { info, method } = await clip;
    assert.deepEqual([info.frames, method], [192, 'fade']);
    assert.match(warnings.at(-1) ?? '', /fades into the other/);
  });

  test('without its models follows the field, says so once, and is let go when idle', async () => {
    warnings = [];
    const modelsDirectory = join(directory.path, 'no-models');
    await mkdir(modelsDirectory);
    const blind = makeMorpher({ modelsDirectory, idleMs: 100 });
    try {
      const portraits = { from: pictures.nurse, to: pictures.hostess, ...PORTRAIT, seconds: 0.25 };
      assert.equal((await blind.morph(makeJob(portraits))).method, 'field');
      const picture = await toRgb(await cutPortrait('nurse', PORTRAIT));
      assert.equal(await blind.findFaces(picture), undefined);
      await waitFor(() => findEngines().length === 0, 'its end');
      assert.equal(await blind.findFaces(picture), undefined, 'another one answers');
      assert.deepEqual(warnings, ['Faces cannot be found here: morphs go without them']);
    } finally {
      await blind.stop();
    }
  });
});
