import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import fc from 'fast-check';
import { createJpegWalk, type JpegVerdict } from '../../src/media/jpeg-structure.ts';
import { drawPicture } from '../support/pictures.ts';

/** The verdict on bytes that come in pieces of these lengths, by turns. */
function walk(bytes: Buffer, lengths: readonly number[] = [bytes.length]): JpegVerdict {
  const push = createJpegWalk();
  let verdict: JpegVerdict = 'more';
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const length = lengths[turn % lengths.length] ?? bytes.length;
    verdict = push(bytes.subarray(at, at + length));
    at += length;
  }
  return verdict;
}

/** A segment as cameras write it: EXIF, with a whole small JPEG for a thumbnail. */
function exifWith(thumbnail: Buffer): Buffer {
  const tiff = Buffer.from('Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0', 'latin1');
  const head = Buffer.from([0xff, 0xe1, 0, 0]);
  head.writeUInt16BE(2 + tiff.length + thumbnail.length, 2);
  return Buffer.concat([head, tiff, thumbnail]);
}

function insertBehindStart(jpeg: Buffer, segment: Buffer): Buffer {
  return Buffer.concat([jpeg.subarray(0, 2), segment, jpeg.subarray(2)]);
}

describe('the walk through a JPEG', () => {
  let thumbnail: Buffer;
  let whole: ReadonlyMap<string, Buffer>;
  before(async () => {
    const picture = drawPicture({ width: 320, height: 300 }).blur(0.5);
    thumbnail = await drawPicture({ width: 64, height: 48 }).jpeg().toBuffer();
    const baseline = await picture.clone().jpeg().toBuffer();
    whole = new Map([
      ['baseline', baseline],
      ['progressive', await picture.clone().jpeg({ progressive: true }).toBuffer()],
      ['grey', await picture.clone().grayscale().toColourspace('b-w').jpeg().toBuffer()],
      ['CMYK', await picture.clone().toColourspace('cmyk').jpeg().toBuffer()],
      ['with a thumbnail', insertBehindStart(baseline, exifWith(thumbnail))],
    ]);
  });

  test('ends at the end of the image, however the bytes come', () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 5 });
    for (const [name, jpeg] of whole) {
      fc.assert(
        fc.property(lengths, (pieces) => {
          assert.equal(walk(jpeg, pieces), 'whole', name);
        }),
        { numRuns: 20 },
      );
    }
  });

  test('never ends in a file that was cut short, wherever', () => {
    for (const [name, jpeg] of whole) {
      for (let length = 0; length < jpeg.length; length += 1) {
        assert.equal(walk(jpeg.subarray(0, length)), 'more', `${name}, ${length} bytes`);
      }
    }
  });

  test('does not mind what follows: padding, a second picture, a film', () => {
    for (const [name, jpeg] of whole) {
      for (const rest of [Buffer.alloc(5_000), thumbnail, Buffer.from('\0\0\0\x18ftypmp42')]) {
        assert.equal(walk(Buffer.concat([jpeg, rest])), 'whole', name);
      }
    }
  });

  test('passes markers with padding before them', () => {
    const [, jpeg = Buffer.alloc(0)] = whole.entries().next().value ?? [];
    assert.equal(walk(insertBehindStart(jpeg, Buffer.from([0xff, 0xff, 0xff]))), 'whole');
    const padded = Buffer.concat([jpeg.subarray(0, -2), Buffer.from([0xff, 0xff, 0xff, 0xd9])]);
    assert.equal(walk(padded), 'whole');
  });

  test('gives up on what it does not know', () => {
    const bytes = (...values: number[]) => Buffer.from(values);
    const start = [0xff, 0xd8];
    assert.equal(walk(Buffer.from('GIF89a')), 'unclear');
    assert.equal(walk(bytes(0xff, 0xd9)), 'unclear');
    assert.equal(walk(bytes(...start, 0x00)), 'unclear', 'no marker');
    assert.equal(walk(bytes(...start, 0xff, 0xd9)), 'unclear', 'an end without a scan');
    assert.equal(walk(bytes(...start, 0xff, 0xe0, 0, 1)), 'unclear', 'a length below its own');
    assert.equal(walk(bytes(...start, 0xff, 0xc3, 0, 2)), 'unclear', 'a lossless frame');
    assert.equal(walk(bytes(...start, 0xff, 0xda, 0, 2, 1, 2)), 'unclear', 'a scan of no frame');
    const frame = [...start, 0xff, 0xc0, 0, 2, 0xff, 0xda, 0, 2];
    assert.equal(walk(bytes(...frame, 1, 0xff, 0x00, 0xff, 0xd3, 2, 0xff, 0xd9)), 'whole');
    assert.equal(walk(bytes(...frame, 1, 0xff, 0x02)), 'unclear', 'a reserved marker in a scan');
  });
});
