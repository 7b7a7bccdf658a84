/** Markers by their second byte: https://www.w3.org/Graphics/JPEG/itu-t81.pdf, table B.1. */
const START_OF_SCAN = 0xda;
const END_OF_IMAGE = 0xd9;
/** Baseline, extended and progressive: what every decoder knows. */
const FRAMES: ReadonlySet<number> = new Set([0xc0, 0xc1, 0xc2]);
/** Tables between frames and scans: Huffman, quantisation, number of lines, restart interval. */
const TABLES: ReadonlySet<number> = new Set([0xc4, 0xdb, 0xdc, 0xdd]);
const COMMENT = 0xfe;

/**
 * - `whole`: the end of the image came, behind a frame and its scans;
 * - `more`: so far it is well formed;
 * - `unclear`: it is not what this walk knows; only a decoder can tell.
 */
export type JpegVerdict = 'whole' | 'more' | 'unclear';

/** Takes the bytes of a file piece by piece, in order; what comes after a verdict other than `more` is ignored. */
export type JpegWalk = (bytes: Uint8Array) => JpegVerdict;

/**
 * Walks from marker to marker to the end of the first image, so that a file cut short is told from a whole
 * one without being decoded. A thumbnail lies inside a segment, which is passed over as a whole; further
 * pictures and other data behind the end are not looked at. Damage that keeps the structure passes.
 */
export function createJpegWalk(): JpegWalk {
  let state: 'marker' | 'code' | 'length' | 'lengthLow' | 'segment' | 'scan' | 'scanCode' =
    'marker';
  let verdict: JpegVerdict = 'more';
  let marker = 0;
  let left = 0;
  let hasFrame = false;
  let hasScan = false;
  let isFirst = true;

  /** The byte behind 0xff, outside of a scan's data. */
  function readCode(code: number): void {
    // Any number of 0xff may stand before a code.
    if (code === 0xff) return;
    if (isFirst) {
      isFirst = false;
      state = 'marker';
      if (code !== 0xd8) verdict = 'unclear';
    } else if (code === END_OF_IMAGE && hasScan) {
      verdict = 'whole';
    } else if (isSegment(code)) {
      marker = code;
      state = 'length';
    } else {
      verdict = 'unclear';
    }
  }

  function endSegment(): void {
    state = 'marker';
    if (FRAMES.has(marker)) hasFrame = true;
    if (marker !== START_OF_SCAN) return;
    state = 'scan';
    hasScan = true;
    if (!hasFrame) verdict = 'unclear';
  }

  return (bytes) => {
    for (let at = 0; at < bytes.length && verdict === 'more'; at += 1) {
      const byte = bytes[at] ?? 0;
      switch (state) {
        case 'marker':
          if (byte === 0xff) state = 'code';
          else verdict = 'unclear';
          break;
        case 'code':
          readCode(byte);
          break;
        case 'length':
          left = byte * 256;
          state = 'lengthLow';
          break;
        case 'lengthLow':
          // The length counts its own two bytes.
          left += byte - 2;
          state = 'segment';
          if (left < 0) verdict = 'unclear';
          else if (left === 0) endSegment();
          break;
        case 'segment': {
          const taken = Math.min(left, bytes.length - at);
          left -= taken;
          at += taken - 1;
          if (left === 0) endSegment();
          break;
        }
        case 'scan': {
          const next = bytes.indexOf(0xff, at);
          at = next < 0 ? bytes.length : next;
          if (next >= 0) state = 'scanCode';
          break;
        }
        case 'scanCode':
          // A zero makes 0xff plain data, and restart markers only part it.
          if (byte === 0 || (byte >= 0xd0 && byte <= 0xd7)) state = 'scan';
          else readCode(byte);
          break;
      }
    }
    return verdict;
  };
}

function isSegment(code: number): boolean {
  const isApplication = code >= 0xe0 && code <= 0xef;
  return (
    isApplication ||
    code === START_OF_SCAN ||
    code === COMMENT ||
    FRAMES.has(code) ||
    TABLES.has(code)
  );
}
