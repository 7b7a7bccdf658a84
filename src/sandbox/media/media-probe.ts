/** Width and height in pixels. */
export interface Dimensions {
  readonly width: number;
  readonly height: number;
}

/** What the headers of an MP4 tell. */
export interface Mp4Facts extends Dimensions {
  readonly durationSeconds: number;
  readonly hasAudio: boolean;
}

/** Reads the size of a JPEG, PNG, WebP or GIF from its header; undefined for anything else. */
export function readImageSize(bytes: Uint8Array): Dimensions | undefined {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    if (data.readUInt32BE(0) === 0x89504e47) {
      return { width: data.readUInt32BE(16), height: data.readUInt32BE(20) };
    }
    if (data.toString('latin1', 0, 4) === 'GIF8') {
      return { width: data.readUInt16LE(6), height: data.readUInt16LE(8) };
    }
    if (data.toString('latin1', 0, 4) === 'RIFF' && data.toString('latin1', 8, 12) === 'WEBP') {
      return readWebpSize(data);
    }
    if (data.readUInt16BE(0) === 0xffd8) return readJpegSize(data);
  } catch (error) {
    // Reading beyond the end means: not such an image, or cut off.
    if (!(error instanceof RangeError)) throw error;
  }
  return undefined;
}

/** True for the bytes of a GIF. */
export function isGif(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, 4)).toString('latin1') === 'GIF8';
}

function readWebpSize(data: Buffer): Dimensions | undefined {
  switch (data.toString('latin1', 12, 16)) {
    case 'VP8X':
      return { width: data.readUIntLE(24, 3) + 1, height: data.readUIntLE(27, 3) + 1 };
    case 'VP8L': {
      const bits = data.readUInt32LE(21);
      return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
    }
    case 'VP8 ':
      return { width: data.readUInt16LE(26) & 0x3fff, height: data.readUInt16LE(28) & 0x3fff };
    default:
      return undefined;
  }
}

function readJpegSize(data: Buffer): Dimensions | undefined {
  let at = 2;
  for (;;) {
    if (data.readUInt8(at) !== 0xff) return undefined;
    const marker = data.readUInt8(at + 1);
    const isFrameHeader =
      marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrameHeader) {
      return { height: data.readUInt16BE(at + 5), width: data.readUInt16BE(at + 7) };
    }
    at += 2 + data.readUInt16BE(at + 2);
  }
}

interface Box {
  readonly type: string;
  readonly body: Buffer;
}

function* boxes(data: Buffer): Generator<Box> {
  let at = 0;
  while (at + 8 <= data.length) {
    const short = data.readUInt32BE(at);
    const type = data.toString('latin1', at + 4, at + 8);
    const headerBytes = short === 1 ? 16 : 8;
    if (at + headerBytes > data.length) return;
    const size =
      short === 1 ? Number(data.readBigUInt64BE(at + 8)) : short === 0 ? data.length - at : short;
    if (size < headerBytes) return;
    yield { type, body: data.subarray(at + headerBytes, at + size) };
    at += size;
  }
}

function findBox(data: Buffer, ...path: string[]): Buffer | undefined {
  let body: Buffer | undefined = data;
  for (const type of path) {
    if (body === undefined) return undefined;
    body = boxes(body).find((box) => box.type === type)?.body;
  }
  return body;
}

/** Reads an MP4's movie header and tracks; undefined when the bytes are no MP4 with a picture. */
export function probeMp4(bytes: Uint8Array): Mp4Facts | undefined {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (data.toString('latin1', 4, 8) !== 'ftyp') return undefined;
  const movie = findBox(data, 'moov');
  const header = movie === undefined ? undefined : findBox(movie, 'mvhd');
  if (movie === undefined || header === undefined) return undefined;
  try {
    const isLong = header.readUInt8(0) === 1;
    const timescale = header.readUInt32BE(isLong ? 20 : 12);
    const duration = isLong ? Number(header.readBigUInt64BE(24)) : header.readUInt32BE(16);
    let size: Dimensions | undefined;
    let hasAudio = false;
    for (const track of boxes(movie).filter((box) => box.type === 'trak')) {
      const handler = findBox(track.body, 'mdia', 'hdlr')?.toString('latin1', 8, 12);
      if (handler === 'soun') hasAudio = true;
      const trackHeader = findBox(track.body, 'tkhd');
      if (handler === 'vide' && trackHeader !== undefined) {
        const at = trackHeader.length - 8;
        size = { width: trackHeader.readUInt16BE(at), height: trackHeader.readUInt16BE(at + 4) };
      }
    }
    if (size === undefined || timescale === 0) return undefined;
    return { ...size, durationSeconds: Math.floor(duration / timescale), hasAudio };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return undefined;
  }
}
