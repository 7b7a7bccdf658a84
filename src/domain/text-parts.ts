/**
 * What fits into one message, in UTF-16 units after its formatting is read:
 * https://core.telegram.org/bots/api#sendmessage.
 */
export const MESSAGE_LENGTH = 4096;

/** A part that is cut early for the sake of its sense is at least this full. */
const MIN_FILL = 1 / 2;
/** So far behind a place its blanks are looked at. In UTF-16 units. */
const BLANKS_LOOKED_AT = 64;

/** What a person calls a character: a letter with its accents, a family of emoji. */
const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' });

/** Places to cut at, the best first. */
const SEAMS = ['paragraph', 'line', 'sentence', 'word'] as const;
type Seam = (typeof SEAMS)[number];

const BLANK = /^\s+$/u;
/** A sentence may end within quotation marks or brackets. */
const SENTENCE_END = /[.!?…][\p{Pe}\p{Pf}"']*$/u;
/** Writing without blanks between sentences. */
const FULL_WIDTH_END = /^[。！？]$/u;

/**
 * How many characters a text has, for limits and prices: code points, once letters and their accents are
 * joined (NFC), so that an accented letter counts once however it was typed. Not graphemes: one of those may
 * hold any number of code points, and those are what models are paid for.
 */
export function countCharacters(text: string): number {
  let count = 0;
  for (const _ of text.normalize('NFC')) count += 1;
  return count;
}

/**
 * A text in parts of at most `maxLength` UTF-16 units, in their order: cut between paragraphs where a part is
 * at least half full there, else between lines, sentences or words, else between characters. Blanks at the
 * cuts and around the text are dropped, and nothing else; a text of blanks has no parts. A character is cut,
 * between its code points, only when it alone is longer than a part.
 */
export function splitText(text: string, maxLength = MESSAGE_LENGTH): string[] {
  if (maxLength < 2) throw new RangeError('A part has room for one code point at least');
  const parts: string[] = [];
  let rest = skipBlanks(text.trimEnd());
  while (rest.length > maxLength) {
    const end = findCut(rest, maxLength);
    parts.push(rest.slice(0, end));
    rest = skipBlanks(rest.slice(end));
  }
  return rest === '' ? parts : [...parts, rest];
}

/** Where the first part of a longer text ends. */
function findCut(text: string, maxLength: number): number {
  // Whether a character ends at the limit depends on the code point behind it.
  const characters = [...graphemes.segment(text.slice(0, maxLength + 2))];
  const best = new Map<Seam, number>();
  let lastEnd = 0;
  for (const [index, { segment, index: start }] of characters.entries()) {
    const end = start + segment.length;
    if (end > maxLength) break;
    if (BLANK.test(segment)) continue;
    lastEnd = end;
    const seam = seamBehind(text, end, characters[index + 1]?.segment ?? '');
    if (seam && end >= maxLength * MIN_FILL) best.set(seam, end);
  }
  for (const seam of SEAMS) {
    const end = best.get(seam);
    if (end !== undefined) return end;
  }
  return lastEnd > 0 ? lastEnd : codePointEnd(text, maxLength);
}

/** What ends with the character in front of a place. */
function seamBehind(text: string, place: number, next: string): Seam | undefined {
  if (FULL_WIDTH_END.test(text.slice(place - 1, place))) return 'sentence';
  if (!BLANK.test(next)) return undefined;
  const blanks = /^\s*/u.exec(text.slice(place, place + BLANKS_LOOKED_AT))?.[0] ?? '';
  const lines = blanks.split(/\r\n|\r|\n|\u2028|\u2029/u).length - 1;
  if (lines > 0) return lines > 1 ? 'paragraph' : 'line';
  return SENTENCE_END.test(text.slice(Math.max(0, place - 8), place)) ? 'sentence' : 'word';
}

/** Without the blanks in front; one that carries an accent is a character. */
function skipBlanks(text: string): string {
  const blanks = text.length - text.trimStart().length;
  if (blanks === 0) return text;
  const around = graphemes.segment(text.slice(blanks - 1, blanks + 2));
  return text.slice(around.containing(1)?.index === 0 ? blanks - 1 : blanks);
}

function codePointEnd(text: string, limit: number): number {
  const isInside = (text.codePointAt(limit - 1) ?? 0) > 0xffff;
  return isInside ? limit - 1 : limit;
}
