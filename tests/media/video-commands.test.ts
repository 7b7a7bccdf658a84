import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  chooseReference,
  clipSignature,
  concatList,
  previewCommand,
  previewKbps,
  usualFrameRate,
} from '../../src/media/video-commands.ts';
import type { VideoInfo } from '../../src/media/video-info.ts';

const CLIP: VideoInfo = {
  ...{ width: 1920, height: 1080, rotation: 0, durationSeconds: 5.041667, frames: 121 },
  ...{ codec: 'h264', profile: 'High', pixFmt: 'yuv420p', sar: '1:1', reorderFrames: 2 },
  decoderSetup: 'SHA256:0',
  fps: { numerator: 24, denominator: 1 },
  timeBase: { numerator: 1, denominator: 12288 },
  colour: {},
  hasAudio: false,
  sizeBytes: 7_000_000,
};
const ODD: VideoInfo = { ...CLIP, width: 1280, height: 720 };

describe('chooseReference', () => {
  test('the most frequent kind wins, the earliest of equals', () => {
    assert.equal(chooseReference([ODD, CLIP, CLIP], false).width, 1920);
    assert.equal(chooseReference([ODD, CLIP], false).width, 1280);
    assert.equal(chooseReference([ODD, ODD, CLIP, CLIP], false).width, 1280);
  });

  test('what does not play everywhere is never the one to follow', () => {
    const hevc = { ...CLIP, codec: 'hevc' };
    assert.equal(chooseReference([hevc, hevc, ODD], false), ODD);
    const turned = { ...CLIP, width: 1080, height: 1920, rotation: 90 };
    assert.equal(chooseReference([turned, turned, ODD], false), ODD);
    const reference = chooseReference([{ ...hevc, width: 853, pixFmt: 'yuv444p' }], false);
    assert.deepEqual(
      [reference.codec, reference.pixFmt, reference.width],
      ['h264', 'yuv420p', 854],
    );
  });

  test('there is nothing to choose among no clips', () => {
    assert.throws(() => chooseReference([], false), RangeError);
  });
});

describe('clipSignature', () => {
  test('every parameter that breaks a copied video makes a clip odd', () => {
    const changes: Partial<VideoInfo>[] = [
      { codec: 'hevc' },
      { profile: 'Main' },
      { width: 1918 },
      { height: 1078 },
      { sar: '4:3' },
      { pixFmt: 'yuv444p' },
      { fps: { numerator: 30, denominator: 1 } },
      { timeBase: { numerator: 1, denominator: 90000 } },
      { rotation: 180 },
      { reorderFrames: 0 },
      { colour: { range: 'pc' } },
      { colour: { space: 'smpte170m' } },
    ];
    for (const change of changes) {
      const odd = clipSignature({ ...CLIP, ...change }, false);
      assert.notEqual(odd, clipSignature(CLIP, false), JSON.stringify(change));
    }
  });

  test('lengths, sizes, the setup of the decoder and spelled-out defaults do not matter; sound only where it is kept', () => {
    const same: VideoInfo = {
      ...CLIP,
      ...{ frames: 97, durationSeconds: 4, sizeBytes: 1, decoderSetup: 'SHA256:1' },
      fps: { numerator: 2904, denominator: 121 },
      colour: { range: 'tv', space: 'bt709', transfer: 'bt709', primaries: 'bt709' },
    };
    assert.equal(clipSignature(same, false), clipSignature(CLIP, false));
    const loud = { ...CLIP, audio: { codec: 'aac', sampleRate: 44100, channels: 2 } };
    assert.equal(clipSignature(loud, false), clipSignature(CLIP, false));
    assert.notEqual(clipSignature(loud, true), clipSignature(CLIP, true));
  });
});

describe('concatList', () => {
  test('each repeated frame lasts a millisecond, and quotes in paths are escaped', () => {
    const clips = [
      { path: "/data/it's/1.mp4", info: CLIP },
      { path: '/data/2.mp4', info: { ...CLIP, frames: 49 } },
      { path: '/data/3.mp4', info: CLIP },
    ];
    assert.equal(
      concatList(clips, true),
      [
        'ffconcat version 1.0',
        "file '/data/it'\\''s/1.mp4'",
        'duration 5.001000',
        "file '/data/2.mp4'",
        'duration 2.001000',
        "file '/data/3.mp4'",
        '',
      ].join('\n'),
    );
    assert.doesNotMatch(concatList(clips, false), /duration/);
  });
});

describe('previews', () => {
  const filterOf = (info: VideoInfo, kbps: number) =>
    previewCommand({ input: '/a.mp4', output: '/b.mp4', info, kbps }).filter ?? '';

  test('the bit rate fills the limit and leaves room for sound', () => {
    const info = { ...CLIP, durationSeconds: 499 };
    const limit = 49 * 2 ** 20;
    assert.equal(previewKbps(info, limit), 811);
    assert.equal(previewKbps(info, limit, 0.9), 730);
    assert.equal(previewKbps({ ...info, hasAudio: true }, limit), 715);
    assert.ok(previewKbps({ ...info, durationSeconds: 1e6 }, limit) > 0);
    assert.equal(previewKbps({ ...info, durationSeconds: 1 }, limit), 8000);
  });

  test('the short side becomes 720, or 540 when the bit rate is low; nothing is enlarged', () => {
    assert.match(filterOf(CLIP, 800), /scale=1280:720:/);
    assert.match(filterOf(CLIP, 600), /scale=960:540:/);
    assert.match(filterOf({ ...CLIP, width: 1080, height: 1920 }, 800), /scale=720:1280:/);
    assert.match(filterOf({ ...CLIP, width: 480, height: 270 }, 800), /scale=480:270:/);
  });

  test('the frame rate is the usual one that squeezed joints have pushed aside', () => {
    const stitched = { ...CLIP, fps: { numerator: 11979, denominator: 495 } };
    assert.deepEqual(usualFrameRate(stitched), { numerator: 24, denominator: 1 });
    const ntsc = { ...CLIP, fps: { numerator: 30000, denominator: 1001 } };
    assert.deepEqual(usualFrameRate(ntsc), { numerator: 30, denominator: 1 });
    assert.deepEqual(usualFrameRate({ ...CLIP, fps: { numerator: 12, denominator: 1 } }), {
      numerator: 12,
      denominator: 1,
    });
    assert.equal(usualFrameRate({ ...CLIP, fps: { numerator: 0, denominator: 0 } }).numerator, 30);
  });
});
