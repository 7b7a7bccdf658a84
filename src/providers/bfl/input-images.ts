import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Fields, PredictionRequest } from '../provider.ts';

/** The fields that hold pictures: a text that somebody wrote is never taken for a file's name. */
const IMAGE_FIELD = /^input_image(?:_\d+)?$/;

/** A request's pictures by field, as file URLs; several in one field go on as `input_image_2` and so on. */
export function nameImages({
  input,
  files,
}: PredictionRequest): Readonly<Record<string, string>> | undefined {
  const named: Record<string, string> = {};
  for (const [field, given] of Object.entries(files)) {
    for (const [index, path] of [given].flat().entries()) {
      named[index === 0 ? field : `${field}_${index + 1}`] = pathToFileURL(path).href;
    }
  }
  const isClear =
    Object.keys(named).every((field) => IMAGE_FIELD.test(field)) &&
    !Object.keys(input).some((field) => IMAGE_FIELD.test(field));
  return isClear ? named : undefined;
}

/** The fields with what `toText` makes of the picture's bytes in place of each file URL; undefined when one is gone. */
export async function replaceImages(
  fields: Fields,
  toText: (bytes: Buffer) => string,
): Promise<Fields | undefined> {
  const replaced: Record<string, Fields[string]> = {};
  for (const [field, value] of Object.entries(fields)) {
    if (!IMAGE_FIELD.test(field) || typeof value !== 'string') {
      replaced[field] = value;
      continue;
    }
    const bytes = await readFile(fileURLToPath(value)).catch(() => undefined);
    if (!bytes) return undefined;
    replaced[field] = toText(bytes);
  }
  return replaced;
}

export function digestOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
