const END_OF_DIRECTORY = 0x06054b50;
const ZIP64_LOCATOR = 0x07064b50;
const ZIP64_END_OF_DIRECTORY = 0x06064b50;
const DIRECTORY_ENTRY = 0x02014b50;
const END_SIZE = 22;
const ENTRY_SIZE = 46;
const MAX_COMMENT = 0xffff;
const IN_ZIP64_16 = 0xffff;
const IN_ZIP64_32 = 0xffffffff;
const ENCRYPTED_FLAG = 0x0001;
const ZIP64_EXTRA = 0x0001;

/** What the directory of an archive claims about one entry; nothing is unpacked to know it. */
export interface ZipEntryHeader {
  readonly name: string;
  readonly encrypted: boolean;
  readonly compressedBytes: number;
  readonly bytes: number;
}

/**
 * Reads the central directory (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.12–4.3.16)
 * up to `maxEntries` + 1 entries; undefined when there is none or it is damaged.
 */
export function readZipDirectory(zip: Buffer, maxEntries: number): ZipEntryHeader[] | undefined {
  try {
    const start = findDirectory(zip);
    if (start === undefined) return undefined;
    let offset = start;
    const entries: ZipEntryHeader[] = [];
    // The entries are walked, not counted: the count in the trailer is as forgeable as the rest.
    while (entries.length <= maxEntries && isAt(zip, offset, DIRECTORY_ENTRY)) {
      const nameEnd = offset + ENTRY_SIZE + zip.readUInt16LE(offset + 28);
      const extraEnd = nameEnd + zip.readUInt16LE(offset + 30);
      if (extraEnd > zip.length) return undefined;
      const sizes = readSizes(zip, offset, zip.subarray(nameEnd, extraEnd));
      entries.push({
        name: decodeZipName(zip.subarray(offset + ENTRY_SIZE, nameEnd)),
        encrypted: (zip.readUInt16LE(offset + 8) & ENCRYPTED_FLAG) !== 0,
        ...sizes,
      });
      offset = extraEnd + zip.readUInt16LE(offset + 32);
    }
    return entries;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** A name as text: UTF-8 when it is that, else CP866, which Russian Windows writes. */
export function decodeZipName(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('ibm866').decode(bytes);
  }
}

function findDirectory(zip: Buffer): number | undefined {
  const end = findEnd(zip);
  if (end === undefined) return undefined;
  const size = zip.readUInt32LE(end + 12);
  const offset = zip.readUInt32LE(end + 16);
  const count = zip.readUInt16LE(end + 10);
  if (size === IN_ZIP64_32 || offset === IN_ZIP64_32 || count === IN_ZIP64_16) {
    const locator = end - 20;
    if (!isAt(zip, locator, ZIP64_LOCATOR)) return undefined;
    const end64 = Number(zip.readBigUInt64LE(locator + 8));
    if (!isAt(zip, end64, ZIP64_END_OF_DIRECTORY)) return undefined;
    return Number(zip.readBigUInt64LE(end64 + 48));
  }
  if (isAt(zip, offset, DIRECTORY_ENTRY) || size === 0) return offset;
  // Something was put in front of the archive, and its offsets were not corrected.
  return isAt(zip, end - size, DIRECTORY_ENTRY) ? end - size : undefined;
}

function findEnd(zip: Buffer): number | undefined {
  const lowest = Math.max(0, zip.length - END_SIZE - MAX_COMMENT);
  for (let offset = zip.length - END_SIZE; offset >= lowest; offset -= 1) {
    if (isAt(zip, offset, END_OF_DIRECTORY)) return offset;
  }
  return undefined;
}

function readSizes(zip: Buffer, offset: number, extra: Buffer) {
  let compressedBytes = zip.readUInt32LE(offset + 20);
  let bytes = zip.readUInt32LE(offset + 24);
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== ZIP64_EXTRA) continue;
    let field = at + 4;
    if (bytes === IN_ZIP64_32) {
      bytes = Number(extra.readBigUInt64LE(field));
      field += 8;
    }
    if (compressedBytes === IN_ZIP64_32) compressedBytes = Number(extra.readBigUInt64LE(field));
    break;
  }
  return { compressedBytes, bytes };
}

function isAt(zip: Buffer, offset: number, signature: number): boolean {
  return offset >= 0 && offset + 4 <= zip.length && zip.readUInt32LE(offset) === signature;
}
