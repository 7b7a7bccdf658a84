/** A file to be shown or saved. */
export interface ServedFile {
  readonly bytes: Uint8Array;
  readonly mimeType: string | undefined;
  /** With it the browser saves the file under this name. */
  readonly saveAs?: string | undefined;
}

/** What a browser may show in a page; anything else could be a page with scripts of its own. */
const shown = /^(?:image\/(?:jpeg|png|gif|webp)|video\/mp4|audio\/(?:mpeg|ogg|mp4))$/;

/** Answers a request for a file, whole or the range that is asked for: players seek by ranges. */
export function respondWithFile(file: ServedFile, range: string | undefined): Response {
  const { bytes, mimeType = '', saveAs } = file;
  const isShown = shown.test(mimeType) && saveAs === undefined;
  const headers = {
    'accept-ranges': 'bytes',
    'cache-control': 'private, max-age=86400, immutable',
    'content-type': isShown ? mimeType : 'application/octet-stream',
    'content-disposition': isShown
      ? 'inline'
      : `attachment; filename*=UTF-8''${encodeURIComponent(saveAs ?? 'file')}`,
  };
  const size = bytes.byteLength;
  const part = range === undefined ? undefined : parseRange(range, size);
  if (part === undefined) {
    return new Response(copyOf(bytes), { headers: { ...headers, 'content-length': `${size}` } });
  }
  if (part === 'unsatisfiable') {
    return new Response(null, { status: 416, headers: { 'content-range': `bytes */${size}` } });
  }
  const { start, end } = part;
  return new Response(copyOf(bytes.subarray(start, end + 1)), {
    status: 206,
    headers: {
      ...headers,
      'content-length': `${end + 1 - start}`,
      'content-range': `bytes ${start}-${end}/${size}`,
    },
  });
}

/**
 * Reads a `Range` header of one range, as players send it; others may be ignored.
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-range
 */
export function parseRange(
  header: string,
  size: number,
): { readonly start: number; readonly end: number } | 'unsatisfiable' | undefined {
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(header) ?? [];
  if (from === '' && to === '') return undefined;
  const start = from === '' ? Math.max(0, size - Number(to)) : Number(from);
  const end = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  return start > end || start >= size ? 'unsatisfiable' : { start, end };
}

/** Bodies want memory of their own, which a view into a larger buffer is not. */
function copyOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
