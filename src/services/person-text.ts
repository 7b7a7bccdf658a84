import { z } from 'zod';
import { cleanLine, cleanText } from '../domain/person-text.ts';

/**
 * A text of a person's own, for a model to read. It is never interpreted.
 * @param maxLength in UTF-16 units, as Telegram counts.
 * @see cleanText
 */
export function personText(minLength: number, maxLength: number) {
  return z.string().overwrite(cleanText).min(minLength).max(maxLength);
}

/** The same on one line, for a name. */
export function personLine(minLength: number, maxLength: number) {
  return z.string().overwrite(cleanLine).min(minLength).max(maxLength);
}
