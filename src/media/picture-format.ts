import { open } from 'node:fs/promises';

export type PictureFormat = 'jpeg' | 'png' | 'webp' | 'heic';

export const SNIFF_BYTES = 64;

const HEIC_BRANDS = new Set(['heic', 'heix', 'heim', 'heis', 'hevc', 'hevx']);
/** Containers that may hold HEIC or something else: their list of compatible brands decides. */
const GENERAL_BRANDS = new Set(['mif1', 'msf1']);

/** The format of a picture by its first `SNIFF_BYTES` bytes, whatever its name says. */
export function sniffPicture(bytes: Uint8Array): PictureFormat | undefined {
  const text = Buffer.from(bytes.subarray(0, SNIFF_BYTES)).toString('latin1');
  if (text.startsWith('\xff\xd8\xff')) return 'jpeg';
  if (text.startsWith('\x89PNG\r\n\x1a\n')) return 'png';
  if (text.startsWith('RIFF') && text.slice(8, 12) === 'WEBP') return 'webp';
  if (text.slice(4, 8) !== 'ftyp') return undefined;
  const brand = text.slice(8, 12);
  if (HEIC_BRANDS.has(brand)) return 'heic';
  if (!GENERAL_BRANDS.has(brand)) return undefined;
  const end = Buffer.from(bytes).readUInt32BE(0);
  const compatible = text.slice(16, end).match(/.{4}/gs) ?? [];
  return compatible.some((name) => HEIC_BRANDS.has(name)) ? 'heic' : undefined;
}

/** The format of a file by its first bytes. */
export async function sniffFile(path: string): Promise<PictureFormat | undefined> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(SNIFF_BYTES), 0, SNIFF_BYTES, 0);
    return sniffPicture(buffer.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}
