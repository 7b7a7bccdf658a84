import { type FileHandle, open } from 'node:fs/promises';
import { createJpegWalk } from './jpeg-structure.ts';
import type { PictureFormat } from './picture-format.ts';

const READ_BYTES = 256 * 1024;
const PNG_SIGNATURE_BYTES = 8;
/** A chunk of a PNG beside its data: length, type and checksum. */
const PNG_CHUNK_BYTES = 12;
/** The name and the length of a RIFF file, which the length does not count. */
const RIFF_HEADER_BYTES = 8;

/**
 * Whether the structure of a picture proves that nothing of it is missing. Not that it decodes: damage in
 * its middle passes. Of a format that has no such proof, or a picture that is built unusually: false.
 */
export async function isProvenWhole(path: string, format: PictureFormat): Promise<boolean> {
  await using file = await open(path);
  switch (format) {
    case 'jpeg':
      return await endsJpeg(file);
    case 'png':
      return await endsPng(file);
    case 'webp':
      return await endsWebp(file);
    case 'heic':
      return false;
  }
}

async function endsJpeg(file: FileHandle): Promise<boolean> {
  const walk = createJpegWalk();
  const piece = Buffer.allocUnsafe(READ_BYTES);
  for (;;) {
    const { bytesRead } = await file.read(piece, 0, READ_BYTES);
    const verdict = walk(piece.subarray(0, bytesRead));
    if (verdict !== 'more' || bytesRead === 0) return verdict === 'whole';
  }
}

/** Its chunks follow each other to the one named IEND: https://www.w3.org/TR/png-3/#5DataRep. */
async function endsPng(file: FileHandle): Promise<boolean> {
  const { size } = await file.stat();
  for (let at = PNG_SIGNATURE_BYTES; at + PNG_CHUNK_BYTES <= size; ) {
    const { buffer } = await file.read(Buffer.alloc(8), 0, 8, at);
    at += PNG_CHUNK_BYTES + buffer.readUInt32BE(0);
    if (buffer.toString('latin1', 4) === 'IEND') return at <= size;
  }
  return false;
}

/** It says how long it is: https://developers.google.com/speed/webp/docs/riff_container. */
async function endsWebp(file: FileHandle): Promise<boolean> {
  const { size } = await file.stat();
  const { buffer, bytesRead } = await file.read(Buffer.alloc(8), 0, 8, 0);
  return bytesRead === 8 && buffer.readUInt32LE(4) + RIFF_HEADER_BYTES <= size;
}
