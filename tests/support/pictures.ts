import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import sharp from 'sharp';
import { type FfmpegTools, locateFfmpeg, runFfmpeg } from '../../src/media/ffmpeg.ts';

export interface PictureOptions {
  readonly width?: number;
  readonly height?: number;
  /** Another seed is another picture. */
  readonly seed?: number;
}

/** A picture with a sky, a ground and a sun, so that top, bottom and sides can be told apart. */
export function drawPicture({ width = 640, height = 480, seed = 1 }: PictureOptions = {}) {
  const hue = (seed * 67) % 360;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
    <defs><linearGradient id="sky" x1="0" y1="0" x2="0" y2="1">
      <stop offset="0" stop-color="hsl(${hue} 70% 45%)"/>
      <stop offset="1" stop-color="hsl(${(hue + 50) % 360} 80% 75%)"/>
    </linearGradient></defs>
    <rect width="100%" height="100%" fill="url(#sky)"/>
    <circle cx="${width * (0.25 + ((seed * 0.17) % 0.5))}" cy="${height * 0.3}" r="${Math.min(width, height) * 0.13}" fill="#fff4c2"/>
    <path d="M0 ${height * 0.7} Q ${width * 0.3} ${height * 0.5} ${width * 0.55} ${height * 0.72} T ${width} ${height * 0.62} V ${height} H 0 Z" fill="hsl(${(hue + 150) % 360} 45% 30%)"/>
    <path d="M0 ${height * 0.86} Q ${width * 0.5} ${height * 0.7} ${width} ${height * 0.9} V ${height} H 0 Z" fill="hsl(${(hue + 170) % 360} 50% 20%)"/>
  </svg>`;
  return sharp(Buffer.from(svg)).flatten();
}

/** `drawPicture` as a JPEG. */
export function makeJpeg(options: PictureOptions = {}): Promise<Buffer> {
  return drawPicture(options).jpeg({ quality: 85 }).toBuffer();
}

/** A JPEG of coloured quarters: red, green / blue, white; with an EXIF orientation and a place in it. */
export function makeOrientedJpeg(orientation: number, width = 640, height = 480): Promise<Buffer> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
    <rect width="50%" height="50%" fill="#f00"/><rect x="50%" width="50%" height="50%" fill="#0f0"/>
    <rect y="50%" width="50%" height="50%" fill="#00f"/>
    <rect x="50%" y="50%" width="50%" height="50%" fill="#fff"/></svg>`;
  return sharp(Buffer.from(svg))
    .flatten()
    .withExif({
      IFD0: { Copyright: 'someone' },
      IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '59/1 56/1 0/1' },
    })
    .withMetadata({ orientation })
    .jpeg({ quality: 95, chromaSubsampling: '4:4:4' })
    .toBuffer();
}

/** A square PNG that claims a size it has no data for. */
export function makeEmptyPng(side: number): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const frame = Buffer.alloc(4);
    const checksum = Buffer.alloc(4);
    frame.writeUInt32BE(data.length);
    checksum.writeUInt32BE(crc32(body));
    return Buffer.concat([frame, body, checksum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header.set([8, 6], 8);
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
  const parts = [chunk('IHDR', header), chunk('IDAT', Buffer.alloc(9)), chunk('IEND', Buffer.of())];
  return Buffer.concat([signature, ...parts]);
}

export interface ZipEntry {
  /** Text is written as UTF-8. */
  readonly name: string | Buffer;
  readonly data: Uint8Array;
  /** What the headers say the unpacked size is, when they lie. */
  readonly claimedBytes?: number;
  readonly encrypted?: boolean;
}

/** A ZIP archive written byte by byte, so that it can lie where a library would not. */
export function makeZip(entries: readonly ZipEntry[]): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const name = Buffer.from(entry.name);
    const packed = deflateRawSync(entry.data);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(entry.encrypted ? 1 : 0, 2);
    fields.writeUInt16LE(8, 4);
    fields.writeUInt32LE(crc32(entry.data), 10);
    fields.writeUInt32LE(packed.length, 14);
    fields.writeUInt32LE(entry.claimedBytes ?? entry.data.length, 18);
    fields.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), fields, name, packed]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\0'), fields, rest, name]));
    locals.push(local);
    offset += local.length;
  }
  const listed = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(listed.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, listed, end]);
}

/** A directory for one test, removed when the test's scope ends. */
export async function useDirectory(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'morphogram-media-'));
  return {
    path,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

/** The copies of ffmpeg that npm installed, and this machine's own where there is one. */
export async function findAllTools(): Promise<ReadonlyMap<'bundled' | 'system', FfmpegTools>> {
  const all = new Map<'bundled' | 'system', FfmpegTools>();
  all.set('bundled', await locateFfmpeg({ systemPath: '' }));
  const first = await locateFfmpeg();
  if (!first.description.includes('(bundled)')) all.set('system', first);
  return all;
}

export interface ClipOptions {
  readonly frames?: number;
  readonly fps?: string;
  readonly size?: string;
  /** Another seed is another clip. */
  readonly seed?: number;
  readonly sound?: boolean;
  /** Output options such as `-bf 0`. */
  readonly options?: readonly string[];
}

/** A short H.264 clip of a moving test picture; returns its path. */
export async function makeClip(
  tools: FfmpegTools,
  directory: string,
  { frames = 13, fps = '24', size = '320x180', seed = 0, sound, options = [] }: ClipOptions = {},
): Promise<string> {
  const output = join(directory, `${randomUUID()}.mp4`);
  const lavfi = (source: string) => ({ source, options: ['-f', 'lavfi'] });
  await runFfmpeg(
    tools,
    {
      inputs: [
        lavfi(`testsrc=size=${size}:rate=${fps},hue=h=${seed * 50}`),
        ...(sound ? [lavfi('sine=sample_rate=44100')] : []),
      ],
      options: [
        ...['-frames:v', `${frames}`, '-c:v', 'libx264', '-preset', 'veryfast'],
        ...['-pix_fmt', 'yuv420p', ...(sound ? ['-c:a', 'aac', '-shortest'] : []), ...options],
      ],
      output,
    },
    { timeoutMs: 60_000 },
  );
  return output;
}
