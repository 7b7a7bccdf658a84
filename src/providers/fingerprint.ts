import { createHash } from 'node:crypto';

/** A digest of a model and the fields it is asked with, whatever their order. */
export function fingerprintOf(model: string, input: Readonly<Record<string, unknown>>): string {
  const fields = Object.entries(input).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([model, fields]))
    .digest('hex');
}
