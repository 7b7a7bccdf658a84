import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { createSounds } from '../../src/media/sounds.ts';
import { createVideo } from '../../src/media/video.ts';
import { findAllTools, makeClip, useDirectory } from '../support/pictures.ts';
import { quickTools } from '../support/quick-tools.ts';

const run = promisify(execFile);

/** Makes what goes in and listens to what came out; only what lies between is done by each copy in turn. */
const judge = await quickTools();
const sounds = createSounds(judge);

/** How loud the sound of a file is on average, in decibels below the loudest there can be. */
async function loudness(path: string): Promise<number> {
  const args = ['-nostats', '-i', path, '-vn', '-af', 'volumedetect', '-f', 'null', '-'];
  const { stderr } = await run(judge.ffmpegPath, args);
  return Number(/mean_volume: (-?[\d.]+) dB/.exec(stderr)?.[1]);
}

async function soundSeconds(path: string): Promise<number> {
  const heard = await sounds.inspectRecording(path);
  assert.ok(heard.kind === 'recording');
  return heard.seconds;
}

/** The bundled copy, the oldest, does everything. Another one repeats what versions differ in. */
for (const [name, tools] of await findAllTools()) {
  const video = createVideo(tools);

  describe(`a clip with sound, delivered alone, ${name}`, () => {
    test('keeps its sound in a preview, as long and as loud as it was', async () => {
      await using directory = await useDirectory();
      const foreign = [
        ['-ac', '6'],
        ['-c:a', 'libmp3lame'],
      ];
      const all = [[], ['-ac', '2'], ...foreign];
      for (const options of name === 'bundled' ? all : foreign) {
        const input = await makeClip(judge, directory.path, {
          sound: true,
          frames: 48,
          options: ['-vf', 'noise=alls=20', '-qp', '15', ...options],
        });
        const output = join(directory.path, 'preview.mp4');
        const maxBytes = Math.floor((await stat(input)).size / 3);
        const { kind, info } = await video.makePreview({ input, output, maxBytes });
        assert.equal(kind, 'encoded');
        assert.ok(info.sizeBytes <= maxBytes);
        assert.equal(info.audio?.codec, 'aac');
        assert.ok((info.audio?.channels ?? 0) <= 2);
        const longer = Math.abs((await soundSeconds(output)) - (await soundSeconds(input)));
        assert.ok(longer < 0.05, `${longer} s, ${options}`);
        const louder = Math.abs((await loudness(output)) - (await loudness(input)));
        assert.ok(louder < 6, `${louder} dB, ${options}`);
      }
    });
  });

  test(`a clip that not every player shows gets a preview, however small it is, ${name}`, async () => {
    await using directory = await useDirectory();
    for (const options of [
      ['-c:v', 'libx265'],
      ['-c:v', 'libx264', '-pix_fmt', 'yuv444p'],
    ]) {
      const input = await makeClip(judge, directory.path, { sound: true, options });
      const output = join(directory.path, 'preview.mp4');
      const { kind, info } = await video.makePreview({ input, output, maxBytes: 50_000_000 });
      assert.equal(kind, 'encoded');
      assert.deepEqual([info.codec, info.pixFmt, info.hasAudio], ['h264', 'yuv420p', true]);
      assert.ok(info.sizeBytes < 2_000_000);
    }
    assert.equal((await readdir(directory.path)).filter((file) => file.startsWith('.')).length, 0);
  });
}
