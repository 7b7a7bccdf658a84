import { open } from 'node:fs/promises';

/** Containers that recordings come in, by the names of their demuxers; `mov` is also MP4, M4A and 3GP. */
export type SoundFormat = 'ogg' | 'mp3' | 'mov' | 'matroska' | 'wav' | 'flac' | 'aac';

const HEAD_BYTES = 16;
/** First boxes of a QuickTime file, which has no `ftyp` when it is old. */
const MOV_BOXES = new Set(['ftyp', 'moov', 'mdat', 'wide', 'free', 'skip']);

/**
 * The container of a recording by its first bytes, whatever its name says; undefined when it is none. That
 * it can be read is not said.
 */
export async function sniffSound(path: string): Promise<SoundFormat | undefined> {
  await using file = await open(path);
  const readAt = async (position: number) => {
    const { buffer, bytesRead } = await file.read(
      Buffer.alloc(HEAD_BYTES),
      0,
      HEAD_BYTES,
      position,
    );
    return buffer.subarray(0, bytesRead);
  };
  const head = await readAt(0);
  const tagBytes = measureTag(head);
  if (tagBytes === 0) return formatOf(head);
  // MP3 is recognised by its tag; the frames behind one may stand after padding.
  const tagged = formatOf(await readAt(tagBytes));
  return tagged === 'flac' || tagged === 'aac' ? tagged : 'mp3';
}

function formatOf(head: Buffer): SoundFormat | undefined {
  const text = head.toString('latin1');
  if (text.startsWith('OggS')) return 'ogg';
  if (text.startsWith('fLaC')) return 'flac';
  if (text.startsWith('\x1a\x45\xdf\xa3')) return 'matroska';
  if (/^(RIFF|RF64)....WAVE/s.test(text)) return 'wav';
  if (MOV_BOXES.has(text.slice(4, 8))) return 'mov';
  return frameFormatOf(head);
}

/**
 * Streams of bare frames, each with eleven set bits in front, then version and layer:
 * layer III (or II) is MP3, layer 0 is ADTS (https://www.iso.org/standard/53943.html, 1.A.2).
 */
function frameFormatOf(head: Buffer): SoundFormat | undefined {
  const [first = 0, second = 0] = head;
  if (first !== 0xff || (second & 0xe0) !== 0xe0) return undefined;
  const layer = (second >> 1) & 0b11;
  if (layer === 0b01 || layer === 0b10) return 'mp3';
  return (second & 0xf6) === 0xf0 ? 'aac' : undefined;
}

/** Length of the ID3 tag at the beginning, 0 without one: https://id3.org/id3v2.4.0-structure, 3.1. */
function measureTag(head: Buffer): number {
  if (head.length < 10 || head.toString('latin1', 0, 3) !== 'ID3') return 0;
  const size = [6, 7, 8, 9].reduce((sum, at) => sum * 128 + (head.readUInt8(at) & 0x7f), 0);
  const footer = (head.readUInt8(5) & 0x10) === 0 ? 0 : 10;
  return 10 + size + footer;
}
