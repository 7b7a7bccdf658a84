import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';

/** What the index of an MP4 file says, read without starting a program. */
export interface Mp4Index {
  /**
   * Equal for files of which ffprobe says the same, their size apart: tracks, codecs, pictures, timing and
   * number of frames. What differs between any two files is left out: places, sizes and kinds of frames,
   * dates, tags.
   */
  readonly likeness: string;
  /** Equal for videos that one decoder plays without being set up anew. */
  readonly decoderSetup: string;
  readonly sizeBytes: number;
  /** When each frame of the video is shown, in seconds, in the order in which they are stored. */
  readonly shownAt: readonly number[];
  /** Whether the n-th stored frame of the video can be decoded without the ones before it. */
  isKeyFrame(frame: number): boolean;
}

interface Box {
  readonly type: string;
  readonly body: Buffer;
}

/** Thousands of frames fit; more is a file gone wild. */
const MAX_INDEX_BYTES = 32 * 2 ** 20;

const CONTAINERS = new Set(['trak', 'mdia', 'minf', 'stbl', 'edts', 'dinf']);
const LEFT_OUT = new Set([
  ...['stsz', 'stz2', 'stco', 'co64', 'stsc', 'stss', 'ctts', 'sdtp', 'sgpd', 'sbgp'],
  ...['udta', 'meta', 'free'],
]);
/** Of a video's sample entry: what stands before the boxes in it. */
const VISUAL_ENTRY_BYTES = 78;
/** Boxes that begin with the dates of creation and change. */
const DATED = new Set(['mvhd', 'tkhd', 'mdhd']);

/**
 * Reads the index; undefined when the file is no plain MP4, is cut short, or in any other way one that only
 * ffprobe can judge.
 * @see https://developer.apple.com/documentation/quicktime-file-format
 */
export async function readMp4Index(path: string): Promise<Mp4Index | undefined> {
  const file = await open(path).catch(() => undefined);
  try {
    if (!file) return undefined;
    const sizeBytes = (await file.stat()).size;
    const moov = await readMoov(file, sizeBytes);
    return moov && interpret(moov, sizeBytes);
  } catch {
    // A length that points beyond its box, or a disk that does not read.
    return undefined;
  } finally {
    await file?.close();
  }
}

/** The body of the index box; undefined unless the boxes fill the file to its last byte. */
async function readMoov(file: FileHandle, sizeBytes: number): Promise<Buffer | undefined> {
  let moov: Buffer | undefined;
  let at = 0;
  while (at < sizeBytes) {
    const header = Buffer.alloc(16);
    await file.read(header, 0, 16, at);
    const short = header.readUInt32BE(0);
    const headerBytes = short === 1 ? 16 : 8;
    const bytes = short === 1 ? Number(header.readBigUInt64BE(8)) : short;
    if (bytes < headerBytes || at + bytes > sizeBytes) return undefined;
    if (header.toString('latin1', 4, 8) === 'moov') {
      if (moov || bytes > MAX_INDEX_BYTES) return undefined;
      moov = Buffer.alloc(bytes - headerBytes);
      await file.read(moov, 0, moov.length, at + headerBytes);
    }
    at += bytes;
  }
  return moov;
}

function interpret(moov: Buffer, sizeBytes: number): Mp4Index | undefined {
  const top = boxesIn(moov);
  // Fragments keep the index of their frames elsewhere.
  if (top.some(({ type }) => type === 'mvex')) return undefined;
  const videos = top.flatMap(({ type, body }) => {
    if (type !== 'trak') return [];
    const boxes = flatten([{ type, body }]);
    return find(boxes, 'hdlr')?.toString('latin1', 8, 12) === 'vide' ? [boxes] : [];
  });
  const [video] = videos;
  if (!video || videos.length > 1) return undefined;
  const setup = find(video, 'stsd');
  const times = readTimes(video);
  if (!setup || !times) return undefined;
  const keyFrames = find(video, 'stss');
  const keys = keyFrames && new Set(readUInt32s(keyFrames, 8, keyFrames.readUInt32BE(4)));
  return {
    likeness: digest(flatten(top)),
    decoderSetup: digest([{ type: 'stsd', body: setup }]),
    sizeBytes,
    shownAt: times,
    // Without the table every frame is one.
    isKeyFrame: (frame) => frame < times.length && (keys?.has(frame + 1) ?? true),
  };
}

/** When each frame is shown, in seconds, in the order in which they are stored. */
function readTimes(video: readonly Box[]): number[] | undefined {
  const header = find(video, 'mdhd');
  const durations = find(video, 'stts');
  if (!header || !durations) return undefined;
  const timescale = header.readUInt32BE(header[0] === 1 ? 20 : 12);
  const delays = find(video, 'ctts');
  const delayOf = delays && expand(delays, (at) => delays.readInt32BE(at));
  const start = readEditStart(find(video, 'elst'));
  if (start === undefined) return undefined;
  let time = -start;
  return expand(durations, (at) => durations.readUInt32BE(at)).map((duration, frame) => {
    const shown = (time + (delayOf?.[frame] ?? 0)) / timescale;
    time += duration;
    return shown;
  });
}

/** Where in the track's time the video begins; undefined for edits beyond one plain cut at the start. */
function readEditStart(edits: Buffer | undefined): number | undefined {
  if (!edits) return 0;
  if (edits[0] !== 0 || edits.readUInt32BE(4) !== 1) return undefined;
  const start = edits.readInt32BE(12);
  return start < 0 ? undefined : start;
}

/** The values of a run-length table: pairs of a count and a value. */
function expand(table: Buffer, valueAt: (at: number) => number): number[] {
  const values: number[] = [];
  const runs = table.readUInt32BE(4);
  for (let run = 0; run < runs; run += 1) {
    const at = 8 + run * 8;
    const count = table.readUInt32BE(at);
    if (values.length + count > MAX_INDEX_BYTES) throw new RangeError('Too many frames');
    const value = valueAt(at + 4);
    for (let index = 0; index < count; index += 1) values.push(value);
  }
  return values;
}

function readUInt32s(table: Buffer, from: number, count: number): number[] {
  if (from + count * 4 > table.length) throw new RangeError('A table beyond its box');
  return Array.from({ length: count }, (_, index) => table.readUInt32BE(from + index * 4));
}

function boxesIn(body: Buffer): Box[] {
  const boxes: Box[] = [];
  for (let at = 0; at + 8 <= body.length; ) {
    const bytes = body.readUInt32BE(at);
    if (bytes < 8 || at + bytes > body.length) throw new RangeError('A box beyond its parent');
    boxes.push({
      type: body.toString('latin1', at + 4, at + 8),
      body: body.subarray(at + 8, at + bytes),
    });
    at += bytes;
  }
  return boxes;
}

/** The boxes that hold no others, in order; each container goes before its contents, empty. */
function flatten(boxes: readonly Box[]): Box[] {
  return boxes.flatMap(({ type, body }) =>
    CONTAINERS.has(type)
      ? [{ type, body: body.subarray(0, 0) }, ...flatten(boxesIn(body))]
      : [{ type, body }],
  );
}

/** Of sample descriptions only what a decoder needs: no two videos share their bit rate. */
function withoutBitRate(box: Box): Box[] {
  if (box.type !== 'stsd') return [box];
  return boxesIn(box.body.subarray(8)).flatMap(({ type, body }) =>
    type === 'avc1'
      ? [
          { type, body: body.subarray(0, VISUAL_ENTRY_BYTES) },
          ...boxesIn(body.subarray(VISUAL_ENTRY_BYTES)).filter((inner) => inner.type !== 'btrt'),
        ]
      : [{ type, body }],
  );
}

function find(boxes: readonly Box[], type: string): Buffer | undefined {
  return boxes.find((box) => box.type === type)?.body;
}

function digest(boxes: readonly Box[]): string {
  const hash = createHash('sha256');
  for (const { type, body } of boxes.flatMap(withoutBitRate)) {
    if (LEFT_OUT.has(type)) continue;
    const dateBytes = body[0] === 1 ? 16 : 8;
    const said = DATED.has(type) ? body.subarray(4 + dateBytes) : body;
    hash.update(`${type}:${said.length}:`).update(said);
  }
  return hash.digest('hex');
}
