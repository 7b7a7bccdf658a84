import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { z } from 'zod';
import { FfmpegError, runFfmpeg } from '../../src/media/ffmpeg.ts';
import { createSounds, type SoundJob } from '../../src/media/sounds.ts';
import { findAllTools, makeJpeg, useDirectory } from '../support/pictures.ts';
import { quickTools } from '../support/quick-tools.ts';
import { makeSound, type SoundOptions } from '../support/sound-files.ts';

const run = promisify(execFile);
const SECONDS = 2.3;

/** What people send, by name: voice, audio, video, video note. */
const RECORDINGS: Readonly<Record<string, SoundOptions>> = {
  'voice.ogg': { options: ['-c:a', 'libopus', '-ac', '1'] },
  'music.ogg': { options: ['-c:a', 'libvorbis'] },
  'audio.mp3': {},
  'bare.mp3': { options: ['-id3v2_version', '0', '-write_xing', '0'] },
  'audio.m4a': {},
  'audio.wav': {},
  'deep.wav': { options: ['-c:a', 'pcm_s24le', '-ar', '96000'] },
  'audio.flac': {},
  'audio.aac': {},
  'video.mp4': { picture: true },
  'video.mov': { picture: true },
  'video.webm': { picture: true, options: ['-c:v', 'libvpx', '-c:a', 'libopus'] },
  'video.mkv': { picture: true },
  'surround.mkv': { options: ['-c:a', 'ac3', '-ac', '6'] },
};

const Stream = z.object({
  codec_name: z.string(),
  sample_rate: z.coerce.number(),
  channels: z.number(),
  bit_rate: z.coerce.number().optional(),
  tags: z.record(z.string(), z.string()).default({}),
});
const Description = z.object({
  streams: z.tuple([Stream]),
  format: z.object({ format_name: z.string(), tags: z.record(z.string(), z.string()).default({}) }),
});

/** Makes what goes in and looks at what came out; only what lies between is done by each copy in turn. */
const judge = await quickTools();
const shared = await useDirectory();
const made = new Map<string, Promise<string>>();
after(() => shared[Symbol.asyncDispose]());

async function describeFile(path: string) {
  const args = ['-v', 'error', '-of', 'json', '-show_streams', '-show_format', path];
  const { stdout } = await run(judge.ffprobePath, args);
  return Description.parse(JSON.parse(stdout));
}

/** The path of a sound that is made once and changed by nobody. */
function getSound(file: string, options: SoundOptions = {}): Promise<string> {
  const key = JSON.stringify([file, options]);
  const sound = made.get(key) ?? makeAside(file, options);
  made.set(key, sound);
  return sound;
}

async function makeAside(file: string, options: SoundOptions): Promise<string> {
  return makeSound(judge, await mkdtemp(join(shared.path, 'sound-')), file, options);
}

function getRecording(file: string): Promise<string> {
  return getSound(file, { seconds: SECONDS, ...RECORDINGS[file] });
}

/** So long that nobody has read it to its end within milliseconds. */
function getLongSound(): Promise<string> {
  return getSound('long.wav', { seconds: 300, options: ['-ar', '8000'] });
}

function assertNear(actual: number, expected: number, tolerance: number, what = ''): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${what} ${actual} is not ${expected}`);
}

const isInvalid = (error: unknown) =>
  error instanceof FfmpegError && error.kind === 'invalid_media' && !error.retryable;

/**
 * The bundled copy, the oldest, does everything. Another one reads everything too, and writes each format with
 * what goes into it at its hardest.
 */
for (const [name, tools] of await findAllTools()) {
  const sounds = createSounds(tools);
  const choose = <T>(every: readonly T[], hardest: readonly T[]) =>
    name === 'bundled' ? every : hardest;

  describe(`inspectRecording, ${name}`, () => {
    test('everything that people record is recognised by its bytes and measured', async () => {
      for (const file of Object.keys(RECORDINGS)) {
        const found = await sounds.inspectRecording(await getRecording(file));
        assert.ok(found.kind === 'recording', `${file}: ${JSON.stringify(found)}`);
        assertNear(found.seconds, SECONDS, 0.08, file);
      }
    });

    test('the length is that of the samples, whatever the header says', async () => {
      await using directory = await useDirectory();
      const path = join(directory.path, 'a.wav');
      const bytes = await readFile(await getSound('a.wav', { seconds: 3 }));
      const size = bytes.indexOf('data') + 4;
      for (const claimed of [0xffffffff, 0x7fffff00]) {
        bytes.writeUInt32LE(claimed, size);
        await writeFile(path, bytes);
        assert.deepEqual(await sounds.inspectRecording(path), {
          kind: 'recording',
          seconds: 3,
        });
      }
    });

    test('a recording without a length in its header, as browsers make them, is measured', async () => {
      const live = ['-live', '1', '-c:v', 'libvpx', '-c:a', 'libopus', '-f', 'webm'];
      const path = await getSound('a.webm', { picture: true, options: live });
      const found = await sounds.inspectRecording(path);
      assertNear(found.kind === 'recording' ? found.seconds : 0, 2, 0.03);
    });

    test('a longer one than allowed is refused without being heard to its end', async () => {
      const path = await getLongSound();
      const refused = { kind: 'refused', reason: 'too_long' };
      const short = createSounds(tools, { maxSeconds: 299.5 });
      assert.deepEqual(await short.inspectRecording(path), refused);
      await assert.rejects(short.checkSound(path), isInvalid);
      assert.equal((await sounds.inspectRecording(path)).kind, 'recording');
    });

    test('a video without sound is told apart from a broken one', async () => {
      for (const file of ['mute.mp4', 'mute.webm']) {
        const path = await getSound(file, { picture: true, mute: true });
        assert.deepEqual(await sounds.inspectRecording(path), {
          kind: 'refused',
          reason: 'no_sound',
        });
      }
    });

    test('of a recording that is cut short counts what is left, if anything is', async () => {
      await using directory = await useDirectory();
      const broken = { kind: 'refused', reason: 'broken_recording' };
      for (const file of ['audio.mp3', 'voice.ogg', 'audio.flac', 'audio.wav', 'audio.aac']) {
        const bytes = await readFile(await getSound(file, { seconds: 4, ...RECORDINGS[file] }));
        const path = join(directory.path, file);
        await writeFile(path, bytes.subarray(0, bytes.length / 2));
        const found = await sounds.inspectRecording(path);
        assertNear(found.kind === 'recording' ? found.seconds : 0, 2, 0.6, file);
        await writeFile(path, bytes.subarray(0, 40));
        assert.deepEqual(await sounds.inspectRecording(path), broken, file);
      }
      const path = join(directory.path, 'a.m4a');
      const bytes = await readFile(await getRecording('audio.m4a'));
      await writeFile(path, bytes.subarray(0, bytes.length / 2));
      assert.deepEqual(await sounds.inspectRecording(path), broken, 'an index that is gone');
    });

    test('a playlist opens no other file and no connection', async () => {
      await using directory = await useDirectory();
      const secret = await getRecording('audio.mp3');
      let requests = 0;
      const server = createServer((_, response) => {
        requests += 1;
        response.end();
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as AddressInfo;
      try {
        const targets = [secret, `http://127.0.0.1:${port}/a.mp3`, `concat:${secret}`];
        const each = (write: (target: string) => string) => targets.map(write).join('');
        const playlists = [
          `#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n${each((target) => `#EXTINF:2,\n${target}\n`)}#EXT-X-ENDLIST\n`,
          `ffconcat version 1.0\n${each((target) => `file '${target}'\n`)}`,
          `v=0\nc=IN IP4 127.0.0.1\nm=audio ${port} RTP/AVP 0\n`,
        ];
        for (const playlist of playlists) {
          const leads = ['', 'ID3\x04\0\0\0\0\0\0', 'OggS', '\xff\xfb\x90\x00'];
          for (const lead of choose(leads, leads.slice(1, 3))) {
            const path = join(directory.path, 'list.mp3');
            await writeFile(path, Buffer.from(`${lead}${playlist}`, 'latin1'));
            const found = await sounds.inspectRecording(path);
            assert.equal(found.kind, 'refused', `${lead}${playlist}`);
          }
        }
        assert.equal(requests, 0);
      } finally {
        await new Promise((resolve) => server.close(resolve));
      }
    });

    test('a cover is not looked at', async () => {
      await using directory = await useDirectory();
      const sound = await getRecording('audio.mp3');
      const cover = join(directory.path, 'cover.jpg');
      await writeFile(cover, await makeJpeg());
      const output = join(directory.path, 'covered.mp3');
      const inputs = [sound, cover].map((source) => ({ source, options: [] }));
      const options = ['-map', '0:a', '-map', '1:v', '-c', 'copy', '-id3v2_version', '3'];
      await runFfmpeg(judge, { inputs, options, output }, { timeoutMs: 30_000 });
      const bytes = await readFile(output);
      const start = bytes.indexOf('\xff\xd8\xff', 'latin1');
      bytes.fill(0xff, start + 20, start + 400);
      await writeFile(output, bytes);
      assert.equal((await sounds.inspectRecording(output)).kind, 'recording');
    });
  });

  describe(`speech, ${name}`, () => {
    test('every recording becomes a small MP3 that speech models read', async () => {
      await using directory = await useDirectory();
      const files = choose(Object.keys(RECORDINGS), ['deep.wav', 'surround.mkv']);
      for (const file of files) {
        const output = join(directory.path, 'input', `${file}.mp3`);
        const info = await sounds.toSpeechInput({ input: await getRecording(file), output });
        assertNear(info.durationSeconds, SECONDS, 0.08, file);
        const { streams, format } = await describeFile(output);
        assert.equal(format.format_name, 'mp3');
        const { codec_name, sample_rate, channels, bit_rate } = streams[0];
        assert.deepEqual(
          [codec_name, sample_rate, channels, bit_rate],
          ['mp3', 16000, 1, 48000],
          file,
        );
      }
      const outputs = files.map((file) => `${file}.mp3`);
      assert.deepEqual(await readdir(join(directory.path, 'input')), outputs.sort());
    });

    test('titles and places stay behind', async () => {
      await using directory = await useDirectory();
      const tags = ['-metadata', 'title=my secret', '-metadata', 'location=+59.9+30.3/'];
      const convert: ((job: SoundJob) => Promise<unknown>)[] = [
        sounds.toSpeechInput,
        sounds.toVoice,
        sounds.toMp3,
      ];
      const files = ['a.flac', 'a.ogg', 'a.m4a'];
      const every = files.flatMap((file) => convert.map((to) => ({ file, to })));
      const hardest = every.filter(({ file, to }) => files.indexOf(file) === convert.indexOf(to));
      for (const { file, to } of choose(every, hardest)) {
        const output = join(directory.path, 'output');
        await to({ input: await getSound(file, { options: tags }), output });
        const { format, streams } = await describeFile(output);
        const kept = Object.keys({ ...format.tags, ...streams[0].tags });
        assert.deepEqual(
          kept.filter((tag) => tag.toLowerCase() !== 'encoder'),
          [],
          file,
        );
        assert.ok(!(await readFile(output)).includes('my secret'), file);
      }
    });

    test('a sound becomes a voice message', async () => {
      await using directory = await useDirectory();
      const every = ['audio.mp3', 'audio.wav', 'audio.flac', 'voice.ogg'];
      for (const file of choose(every, ['audio.mp3'])) {
        const output = join(directory.path, 'voice', file);
        const info = await sounds.toVoice({ input: await getRecording(file), output });
        assertNear(info.durationSeconds, SECONDS, 0.08, file);
        assert.equal(info.format, 'ogg');
        const { streams, format } = await describeFile(output);
        const { codec_name, sample_rate, channels } = streams[0];
        assert.deepEqual(
          [format.format_name, codec_name, sample_rate, channels],
          ['ogg', 'opus', 48000, 1],
        );
      }
    });

    test('an MP3 is kept byte for byte, another sound becomes one', async () => {
      await using directory = await useDirectory();
      const output = join(directory.path, 'out/speech.mp3');
      const input = await getRecording('audio.mp3');
      assert.deepEqual(await sounds.toMp3({ input, output }), await sounds.checkSound(input));
      assert.deepEqual(await readFile(output), await readFile(input));
      const every = ['audio.wav', 'audio.flac', 'music.ogg'];
      for (const file of choose(every, ['audio.wav'])) {
        const info = await sounds.toMp3({ input: await getRecording(file), output });
        assert.deepEqual(info, await sounds.checkSound(output));
        assert.equal(info.format, 'mp3');
        assertNear(info.durationSeconds, SECONDS, 0.08, file);
      }
      assert.deepEqual(await readdir(join(directory.path, 'out')), ['speech.mp3']);
    });

    test('what a model made is proven to decode', async () => {
      await using directory = await useDirectory();
      const whole = await getSound('a.mp3', { seconds: 5 });
      const { size } = await stat(whole);
      const info = await sounds.checkSound(whole);
      assert.deepEqual([info.format, info.sizeBytes], ['mp3', size]);
      assertNear(info.durationSeconds, 5, 0.03);
      const bytes = await readFile(whole);
      const path = join(directory.path, 'a.mp3');
      const damaged = Buffer.from(bytes);
      const middle = Math.floor(size / 2);
      for (let at = middle; at < middle + 3000; at += 1) damaged[at] = (at * 7919) % 251;
      for (const broken of [damaged, Buffer.from('{"error":"busy"}'), bytes.subarray(0, 30)]) {
        await writeFile(path, broken);
        await assert.rejects(sounds.checkSound(path), isInvalid);
        const output = join(directory.path, 'out/speech.mp3');
        await assert.rejects(sounds.toMp3({ input: path, output }), isInvalid);
      }
      const mute = await getSound('mute.mp4', { picture: true, mute: true });
      await assert.rejects(sounds.checkSound(mute), isInvalid);
    });

    test('a failed or aborted conversion leaves what was there and nothing beside it', async () => {
      await using directory = await useDirectory();
      const output = join(directory.path, 'out/voice.ogg');
      await mkdir(join(directory.path, 'out'));
      await writeFile(output, 'before');
      const empty = join(directory.path, 'empty.mp3');
      await writeFile(empty, 'ID3\x04\0\0\0\0\0\0');
      await assert.rejects(sounds.toVoice({ input: empty, output }), FfmpegError);
      const input = await getLongSound();
      const controller = new AbortController();
      const conversion = sounds.toVoice({ input, output, signal: controller.signal });
      setTimeout(() => controller.abort(new Error('enough')), 20);
      await assert.rejects(conversion, /enough/);
      assert.equal(await readFile(output, 'utf8'), 'before');
      assert.deepEqual(await readdir(join(directory.path, 'out')), ['voice.ogg']);
    });
  });
}

describe('inspectRecording', () => {
  const sounds = createSounds(judge);

  test('what is no recording is refused, whatever its name', async () => {
    await using directory = await useDirectory();
    const path = join(directory.path, 'voice.ogg');
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.alloc(5000),
      Buffer.from('hello'),
      Buffer.from('ID'),
      Buffer.from('%PDF-1.7\n'),
      Buffer.from('PK\x03\x04'),
      await makeJpeg(),
    ]) {
      await writeFile(path, bytes);
      assert.deepEqual(await sounds.inspectRecording(path), {
        kind: 'refused',
        reason: 'not_a_recording',
      });
    }
  });

  test('an abort ends it with its reason', async () => {
    const controller = new AbortController();
    const inspection = sounds.inspectRecording(await getLongSound(), controller.signal);
    setTimeout(() => controller.abort(new Error('enough')), 5);
    await assert.rejects(inspection, /enough/);
  });
});

test('an hour of speech stays below what models take', async () => {
  await using directory = await useDirectory();
  const seconds = 20;
  const input = await getSound('a.wav', { seconds });
  const output = join(directory.path, 'input.mp3');
  const { sizeBytes } = await createSounds(judge).toSpeechInput({ input, output });
  assert.equal(sizeBytes, (await stat(output)).size);
  assert.ok((sizeBytes / seconds) * 3600 < 22_000_000, `${sizeBytes} bytes for ${seconds} s`);
});

test('however a recording is damaged, it is measured or refused', async () => {
  await using directory = await useDirectory();
  const sounds = createSounds(judge, { maxSeconds: 60 });
  const names = ['voice.ogg', 'audio.mp3', 'audio.m4a', 'video.webm', 'audio.flac'];
  const originals = await Promise.all(
    names.map(async (file) => {
      return readFile(await getSound(file, { seconds: 0.5, ...RECORDINGS[file] }));
    }),
  );
  const edits = fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(255)), {
    minLength: 1,
    maxLength: 30,
  });
  const path = join(directory.path, 'damaged');
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...originals), edits, async (original, changes) => {
      const bytes = Buffer.from(original);
      for (const [place, value] of changes) {
        bytes[Math.floor(place * (bytes.length - 1))] = value;
      }
      await writeFile(path, bytes);
      const found = await sounds.inspectRecording(path);
      assert.ok(found.kind === 'refused' || found.seconds <= 60);
    }),
    { numRuns: 40 },
  );
});

test('where ffmpeg is gone, it is said so', async () => {
  const sounds = createSounds({ ...judge, ffmpegPath: '/nowhere/ffmpeg' });
  await assert.rejects(
    sounds.inspectRecording(await getRecording('audio.mp3')),
    (error: unknown) => error instanceof FfmpegError && error.kind === 'not_installed',
  );
});
