const CONTROLS = /[\p{Cc}--[\n\t]]/gv;

/**
 * A text that a person wrote, as it is kept and sent on: trimmed, without control characters (line breaks and
 * tabs stay), and with U+FFFD for halves of characters, which neither a database nor an API takes. Cleaned
 * again, it stays as it is.
 */
export function cleanText(text: string): string {
  return text.toWellFormed().replaceAll(CONTROLS, '').trim();
}

/** The same on one line, for a name. */
export function cleanLine(text: string): string {
  return cleanText(text).replaceAll(/\s+/g, ' ');
}
