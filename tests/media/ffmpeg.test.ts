import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ensureExecutable } from '../../src/media/executable.ts';
import {
  checkJoints,
  checkVideo,
  type FfmpegCommand,
  FfmpegError,
  locateFfmpeg,
  probe,
  runFfmpeg,
} from '../../src/media/ffmpeg.ts';
import { concatCopy, concatList } from '../../src/media/video-commands.ts';
import { type VideoInfo, videoInfoSchema } from '../../src/media/video-info.ts';
import { type ClipOptions, findAllTools, makeClip, useDirectory } from '../support/pictures.ts';
import { quickTools } from '../support/quick-tools.ts';

const run = promisify(execFile);

const allTools = await findAllTools();
const maker = await quickTools();
const shared = await useDirectory();
const made = new Map<string, Promise<string>>();
after(() => shared[Symbol.asyncDispose]());

const HEVC = ['-c:v', 'libx265', '-x265-params', 'log-level=none'];

/** The path of a clip that is made once and changed by nobody. */
function getClip(options: ClipOptions = {}): Promise<string> {
  const key = JSON.stringify(options);
  const clip = made.get(key) ?? makeClip(maker, shared.path, options);
  made.set(key, clip);
  return clip;
}

/** A fake program that answers `-version`. */
async function putProgram(path: string, version: string, mode = 0o755): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `#!/bin/sh\necho "program version ${version}"\n`);
  await chmod(path, mode);
}

describe('locateFfmpeg', () => {
  test('with nothing installed and nothing configured the copies from npm are used', async () => {
    const tools = await locateFfmpeg({ systemPath: '' });
    assert.match(tools.description, /^ffmpeg \S+ \(bundled\); ffprobe \S+ \(bundled\)$/);
  });

  test('the configured program comes first, then the system, then the bundled, each on its own', async () => {
    await using directory = await useDirectory();
    const system = join(directory.path, 'bin');
    const configured = join(directory.path, 'opt/ffmpeg');
    await putProgram(join(system, 'ffmpeg'), 'S1');
    await putProgram(join(system, 'ffprobe'), 'S2');
    await putProgram(configured, 'C1');
    const systemPath = `/nowhere:${system}`;
    assert.equal(
      (await locateFfmpeg({ ffmpegPath: configured, systemPath })).description,
      'ffmpeg C1 (configured); ffprobe S2 (system)',
    );
    assert.equal(
      (await locateFfmpeg({ systemPath })).description,
      'ffmpeg S1 (system); ffprobe S2 (system)',
    );
  });

  test('a program that does not run is passed over', async () => {
    await using directory = await useDirectory();
    await putProgram(join(directory.path, 'ffmpeg'), 'S1', 0o644);
    const tools = await locateFfmpeg({
      ffmpegPath: '/nowhere/ffmpeg',
      systemPath: directory.path,
    });
    assert.match(tools.description, /^ffmpeg \S+ \(bundled\)/);
  });
});

describe('ensureExecutable', () => {
  test('a lost executable bit is given back', async () => {
    await using directory = await useDirectory();
    const program = join(directory.path, 'program');
    await putProgram(program, '1', 0o644);
    assert.equal(await ensureExecutable(program, join(directory.path, 'copies')), program);
    assert.equal((await stat(program)).mode & 0o777, 0o755);
  });

  test('a program of another user is copied once and runs from there', {
    skip: process.getuid?.() !== 0 && 'only root can become another user',
  }, async () => {
    await using directory = await useDirectory();
    await chmod(directory.path, 0o755);
    const program = join(directory.path, 'program');
    await putProgram(program, '7', 0o744);
    const copies = join(directory.path, 'copies');
    await mkdir(copies, { mode: 0o777 });
    await chmod(copies, 0o777);
    const module = join(import.meta.dirname, '../../src/media/executable.ts');
    const script = `
        const { ensureExecutable } = await import(${JSON.stringify(module)});
        for (const _ of [1, 2]) console.log(await ensureExecutable(${JSON.stringify(program)}, ${JSON.stringify(join(copies, 'ours'))}));`;
    const nobody = { uid: 65534, gid: 65534, cwd: '/' };
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], nobody);
    const [first = '', second] = stdout.trim().split('\n');
    assert.equal(first, second);
    assert.equal(dirname(first), join(copies, 'ours'));
    const started = await run(first, ['-version'], nobody);
    assert.match(started.stdout, /version 7/);
  });

  test('copies are not put where others could have put a program of theirs', async () => {
    await using directory = await useDirectory();
    const copies = join(directory.path, 'copies');
    await mkdir(copies);
    await chmod(copies, 0o777);
    // Nothing can be made executable under /proc.
    await assert.rejects(ensureExecutable('/proc/self/status', copies), /open to other users/);
    assert.deepEqual(await readdir(copies), []);
  });

  test('a program that is not there is an error', async () => {
    await assert.rejects(ensureExecutable('/nowhere/program', '/nowhere/copies'), /ENOENT/);
  });
});

for (const [name, tools] of allTools) {
  /** Encodes for as long as it is let, no faster than one would watch. */
  const endless = (output: string): FfmpegCommand => ({
    inputs: [{ source: 'testsrc=size=1280x720:rate=30', options: ['-re', '-f', 'lavfi'] }],
    options: ['-c:v', 'libx264', '-preset', 'slow', '-f', 'mp4'],
    output,
  });
  const fails = (command: FfmpegCommand, timeoutMs = 30_000) =>
    runFfmpeg(tools, command, { timeoutMs }).then(
      () => assert.fail('it succeeded'),
      (error: unknown) => {
        assert.ok(error instanceof FfmpegError, String(error));
        return error;
      },
    );

  describe(`runFfmpeg, ${name}`, () => {
    test('an abort kills the process, at whatever moment it comes', async () => {
      await using directory = await useDirectory();
      for (const delayMs of [0, 1, 20, 400]) {
        const output = join(directory.path, `${delayMs}.mp4`);
        const controller = new AbortController();
        const run = runFfmpeg(tools, endless(output), {
          signal: controller.signal,
          timeoutMs: 30_000,
        });
        const settled = assert.rejects(run, /enough/);
        if (delayMs > 0) await sleep(delayMs);
        controller.abort(new Error('enough'));
        await settled;
        assert.deepEqual(await processesNaming(output), []);
      }
    });

    test('a run that takes too long is killed and may be repeated', async () => {
      await using directory = await useDirectory();
      const output = join(directory.path, 'out.mp4');
      const error = await fails(endless(output), 300);
      assert.deepEqual([error.kind, error.retryable], ['timeout', true]);
      assert.deepEqual(await processesNaming(output), []);
    });

    test('a full disk is told apart from other failures', {
      skip: process.platform !== 'linux' && 'needs /dev/full',
    }, async () => {
      const command = endless('/dev/full');
      const error = await fails({
        ...command,
        options: ['-t', '1', '-c:v', 'rawvideo', '-f', 'rawvideo'],
      });
      assert.deepEqual([error.kind, error.retryable], ['disk_full', true]);
    });

    test('a failure carries the last words of ffmpeg', async () => {
      await using directory = await useDirectory();
      const command = endless(join(directory.path, 'out.mp4'));
      const error = await fails({ ...command, options: ['-c:v', 'no_such_encoder', '-f', 'mp4'] });
      assert.deepEqual([error.kind, error.retryable], ['failed', false]);
      assert.ok(error.stderrTail.some((line) => line.includes('no_such_encoder')));
      const missing = { ...command, inputs: [{ source: '/nowhere/a.mp4', options: [] }] };
      assert.match((await fails(missing)).message, /No such file/);
    });

    test('a stream of raw frames becomes a video, options with spaces stay whole', async () => {
      await using directory = await useDirectory();
      const output = join(directory.path, 'out.mp4');
      const frames = Array.from({ length: 10 }, (_, i) => Buffer.alloc(64 * 36 * 3, i * 25));
      const size = ['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', '64x36', '-r', '24'];
      await runFfmpeg(
        tools,
        {
          inputs: [{ source: Readable.from(frames), options: size }],
          options: ['-metadata', 'title=Hello World', '-pix_fmt', 'yuv420p'],
          output,
        },
        { timeoutMs: 30_000 },
      );
      const info = await probe(tools, output);
      assert.deepEqual([info.frames, info.width, info.height], [10, 64, 36]);
      assert.ok((await readFile(output)).includes('Hello World'));
    });
  });

  describe(`probe, ${name}`, () => {
    /** What was said of a file survives being kept as JSON. */
    function assertKept(info: VideoInfo): void {
      const kept: unknown = JSON.parse(JSON.stringify(info));
      assert.deepEqual(videoInfoSchema.parse(kept), info);
    }

    test('a clip is described in full, in words that JSON keeps', async () => {
      const clip = await getClip({
        fps: '30000/1001',
        frames: 30,
        sound: true,
        options: ['-colorspace', 'bt709', '-video_track_timescale', '30000', '-bf', '0'],
      });
      const info = await probe(tools, clip);
      assertKept(info);
      const { durationSeconds, sizeBytes, audio, colour, profile, decoderSetup, ...rest } = info;
      assert.deepEqual(rest, {
        ...{ width: 320, height: 180, rotation: 0, sar: '1:1', frames: 30 },
        ...{ codec: 'h264', pixFmt: 'yuv420p', reorderFrames: 0, hasAudio: true },
        fps: { numerator: 30000, denominator: 1001 },
        timeBase: { numerator: 1, denominator: 30000 },
      });
      assert.equal(profile, 'High');
      assert.match(decoderSetup, /^SHA256:[0-9a-f]{64}$/);
      assert.equal(colour.space, 'bt709');
      assert.deepEqual(audio, { codec: 'aac', sampleRate: 44100, channels: 1 });
      assert.ok(Math.abs(durationSeconds - 1.001) < 0.01);
      assert.equal(sizeBytes, (await stat(clip)).size);
    });

    test('frames are counted where the file does not say', async () => {
      await using directory = await useDirectory();
      const clip = await getClip({ frames: 17 });
      const output = join(directory.path, 'clip.mkv');
      await runFfmpeg(
        maker,
        { inputs: [{ source: clip, options: [] }], options: ['-c', 'copy'], output },
        { timeoutMs: 30_000 },
      );
      assert.equal((await probe(tools, output)).frames, 17);
    });

    test('what is no video is told apart', async () => {
      await using directory = await useDirectory();
      const clip = await getClip();
      const files = {
        'text.mp4': Buffer.from('an error page'),
        'empty.mp4': Buffer.alloc(0),
        'cut.mp4': (await readFile(clip)).subarray(0, 2000),
      };
      for (const [file, bytes] of Object.entries(files)) {
        const path = join(directory.path, file);
        await writeFile(path, bytes);
        await assert.rejects(probe(tools, path), (error: unknown) => {
          return error instanceof FfmpegError && error.kind === 'invalid_media';
        });
      }
    });

    test('clips of one encoder with the same settings set a decoder up alike, others do not', async () => {
      const setup = async (options: readonly string[], seed: number, frames: number) => {
        const info = await probe(tools, await getClip({ options, seed, frames }));
        assertKept(info);
        return info.decoderSetup;
      };
      const one = await setup(['-crf', '20'], 1, 13);
      assert.equal(await setup(['-crf', '20'], 2, 30), one);
      assert.notEqual(await setup(['-crf', '12'], 1, 13), one);
    });

    test('a list that names other files is no clip, even when they are clips', async () => {
      await using directory = await useDirectory();
      const clip = join(directory.path, 'clip.mp4');
      await copyFile(await getClip(), clip);
      const lists = {
        'a.m3u8': `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1,\n${clip}\n#EXT-X-ENDLIST\n`,
        'a.ffconcat': `ffconcat version 1.0\nfile ${basename(clip)}\n`,
      };
      for (const [name, text] of Object.entries(lists)) {
        const path = join(directory.path, name);
        await writeFile(path, text);
        await assert.rejects(
          probe(tools, path),
          (error) => error instanceof FfmpegError && error.kind === 'invalid_media',
        );
      }
    });

    test('an aborted probe rejects with the reason', async () => {
      const signal = AbortSignal.abort(new Error('enough'));
      await assert.rejects(probe(tools, '/nowhere/a.mp4', signal), /enough/);
    });
  });

  describe(`checkVideo, ${name}`, () => {
    const isInvalid = (error: unknown) =>
      error instanceof FfmpegError && error.kind === 'invalid_media' && !error.retryable;

    test('whole videos pass, with B-frames, sound or another codec', async () => {
      for (const options of [{ sound: true }, { options: ['-bf', '0'] }, { options: HEVC }]) {
        const clip = await getClip(options);
        assert.deepEqual(await checkVideo(tools, clip), await probe(tools, clip));
      }
    });

    test('a video with a good index whose frames are damaged or missing does not', async () => {
      await using directory = await useDirectory();
      const options = ['-movflags', '+faststart', '-vf', 'noise=alls=20'];
      const bytes = await readFile(await getClip({ frames: 40, options }));
      const clip = join(directory.path, 'clip.mp4');
      await writeFile(clip, bytes);
      const packets = ['-show_entries', 'packet=pos', '-of', 'csv=p=0'];
      const { stdout } = await run(maker.ffprobePath, ['-v', 'error', ...packets, clip]);
      const lastFrame = Math.max(
        ...stdout.split('\n').map((line) => Number.parseInt(line, 10) || 0),
      );
      const middle = Math.floor(bytes.length / 2);
      // Bytes without a pattern: there is no checksum, and some patterns decode into a picture.
      const garbage = createHash('shake256', { outputLength: 3000 }).digest();
      const damages = {
        cut: bytes.subarray(0, bytes.length * 0.7),
        'cut between frames': bytes.subarray(0, lastFrame),
        garbled: Buffer.concat([bytes.subarray(0, middle), garbage, bytes.subarray(middle + 3000)]),
        'with a hole': Buffer.from(bytes).fill(0, middle, middle + 5000),
        'with a bad end': Buffer.from(bytes).fill(0, bytes.length - 200),
      };
      for (const [damage, damaged] of Object.entries(damages)) {
        await writeFile(clip, damaged);
        await assert.rejects(checkVideo(tools, clip), isInvalid, damage);
      }
      assert.equal((await probe(tools, clip)).frames, 40);
    });

    test('a file that is not there does not, and an abort rejects with the reason', async () => {
      await assert.rejects(checkVideo(tools, '/nowhere/a.mp4'), isInvalid);
      const clip = await getClip();
      const stop = new AbortController();
      const checked = checkVideo(tools, clip, stop.signal);
      stop.abort(new Error('enough'));
      await assert.rejects(checked, /enough/);
    });
  });
}

for (const [name, tools] of allTools) {
  test(`ffmpeg joins clips that do not go together without a word, and the check of joints hears it, ${name}`, async () => {
    await using directory = await useDirectory();
    const clips: { path: string; info: VideoInfo }[] = [];
    for (const options of [[], HEVC]) {
      const path = await getClip({ frames: 24, options });
      clips.push({ path, info: await probe(maker, path) });
    }
    const join3 = async (order: typeof clips) => {
      const list = join(directory.path, 'list.txt');
      const output = join(directory.path, 'joined.mp4');
      await writeFile(list, concatList(order, false));
      const command = concatCopy({ list, output, keepAudio: false, timescale: 12288 });
      await runFfmpeg(tools, command, { timeoutMs: 30_000 });
      return output;
    };
    const [clip, hevc] = clips;
    assert.ok(clip && hevc);
    const joints = { times: [1.02, 2.02], withinSeconds: 1 / 24 };
    await checkJoints(tools, await join3([clip, clip, clip]), joints);
    await assert.rejects(checkJoints(tools, await join3([clip, hevc, clip]), joints), FfmpegError);
    await assert.rejects(checkJoints(tools, await join3([clip, clip, hevc]), joints), FfmpegError);
  });
}

async function processesNaming(path: string): Promise<string[]> {
  if (process.platform !== 'linux') return [];
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    ids.map((id) => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')),
  );
  return lines.filter((line) => line.includes(path));
}
