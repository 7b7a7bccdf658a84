import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { locateFfmpeg } from '../../src/media/ffmpeg.ts';
import { readMp4Index } from '../../src/media/mp4-index.ts';
import { createVideo } from '../../src/media/video.ts';
import { makeClip, useDirectory } from '../support/pictures.ts';

const run = promisify(execFile);
const tools = await locateFfmpeg();

test('the index tells of every frame what ffprobe tells, with and without B-frames', async () => {
  await using directory = await useDirectory();
  const variants = [
    ['-bf', '3', '-g', '12'],
    ['-bf', '0'],
    ['-movflags', '+faststart', '-g', '1'],
  ];
  for (const options of variants) {
    const path = await makeClip(tools, directory.path, { frames: 49, options });
    const asked = ['-select_streams', 'v:0', '-show_entries', 'packet=pts_time,flags'];
    const { stdout } = await run(tools.ffprobePath, [
      ...['-v', 'error', ...asked, '-of', 'csv=p=0', '-i', path],
    ]);
    const packets = stdout
      .trim()
      .split('\n')
      .map((line) => line.split(','));
    const index = await readMp4Index(path);
    assert.equal(index?.shownAt.length, packets.length);
    for (const [frame, [time, flags]] of packets.entries()) {
      assert.ok(Math.abs((index.shownAt[frame] ?? Number.NaN) - Number(time)) < 2e-6);
      assert.equal(index.isKeyFrame(frame), flags?.startsWith('K'));
    }
  }
});

test('clips alike share a likeness; another length, size, rate or sound does not', async () => {
  await using directory = await useDirectory();
  const likeness = async (options: Parameters<typeof makeClip>[2]) =>
    (await readMp4Index(await makeClip(tools, directory.path, options)))?.likeness;
  const usual = await likeness({});
  assert.ok(usual);
  assert.equal(await likeness({ seed: 3 }), usual);
  assert.notEqual(await likeness({ frames: 14 }), usual);
  assert.notEqual(await likeness({ size: '320x200' }), usual);
  assert.notEqual(await likeness({ fps: '25' }), usual);
  assert.notEqual(await likeness({ sound: true }), usual);
  assert.notEqual(await likeness({ options: ['-aspect', '4:3'] }), usual);
  assert.notEqual(await likeness({ options: ['-pix_fmt', 'yuv444p'] }), usual);
});

test('a clip like an earlier one is described as ffprobe describes it', async () => {
  await using directory = await useDirectory();
  const first = await makeClip(tools, directory.path);
  const second = await makeClip(tools, directory.path, { seed: 4 });
  const video = createVideo(tools);
  await video.probe(first);
  assert.deepEqual(await video.probe(second), await createVideo(tools).probe(second));
});

test('a file cut short, of another kind, or absent has no index', async () => {
  await using directory = await useDirectory();
  const path = await makeClip(tools, directory.path, { options: ['-movflags', '+faststart'] });
  await truncate(path, (await readFile(path)).length - 1);
  assert.equal(await readMp4Index(path), undefined);
  const text = join(directory.path, 'text.mp4');
  await writeFile(text, 'this is not a video at all');
  assert.equal(await readMp4Index(text), undefined);
  assert.equal(await readMp4Index(join(directory.path, 'absent.mp4')), undefined);
  const fragments = await makeClip(tools, directory.path, {
    options: ['-movflags', '+frag_keyframe+empty_moov'],
  });
  assert.equal(await readMp4Index(fragments), undefined);
});
