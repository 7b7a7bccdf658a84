import { z } from 'zod';

/**
 * A text of a person's own, for a model to read: trimmed, without control characters (line breaks and tabs stay)
 * and without halves of characters, which neither a database nor an API takes. It is never interpreted.
 * @param maxLength in UTF-16 units, as Telegram counts.
 */
export function personText(minLength: number, maxLength: number) {
  return z.string().overwrite(clean).trim().min(minLength).max(maxLength);
}

/** The same on one line, for a name. */
export function personLine(minLength: number, maxLength: number) {
  return z
    .string()
    .overwrite((text) => clean(text).replaceAll(/\s+/g, ' '))
    .trim()
    .min(minLength)
    .max(maxLength);
}

const CONTROLS = /[\p{Cc}--[\n\t]]/gv;

function clean(text: string): string {
  return text.toWellFormed().replaceAll(CONTROLS, '');
}
