import { readFile } from 'node:fs/promises';
import type { Update } from 'grammy/types';
import { z } from 'zod';
import type { Fields } from './request-fields.ts';

const fieldSchema = z.object({
  name: z.string(),
  types: z.array(z.string()),
  required: z.boolean(),
  description: z.string(),
});
const specSchema = z.object({
  methods: z.record(
    z.string(),
    z.object({ fields: z.array(fieldSchema).optional(), returns: z.array(z.string()) }),
  ),
  types: z.record(
    z.string(),
    z.object({
      fields: z.array(fieldSchema).optional(),
      subtypes: z.array(z.string()).optional(),
    }),
  ),
});
type SpecField = z.infer<typeof fieldSchema>;

/** Compares what is said over the wire with the published description of the Bot API. */
export interface SpecCheck {
  /** Each function returns its findings as sentences; none when all is well. */
  checkRequest(method: string, fields: Fields): string[];
  checkResult(method: string, result: unknown): string[];
  checkUpdate(update: Update): string[];
}

/** Reads a specification. @throws {Error} when the file is missing or of another shape */
export async function loadSpecCheck(path: string): Promise<SpecCheck> {
  return createSpecCheck(JSON.parse(await readFile(path, 'utf8')));
}

/** Creates the check from a parsed specification. */
export function createSpecCheck(json: unknown): SpecCheck {
  const spec = specSchema.parse(json);

  /** Findings for a value that may be of any of these types; those of the closest when none fits. */
  function checkAny(value: unknown, types: readonly string[], at: string): string[] {
    const elements = types.flatMap((type) => /^Array of (.+)$/.exec(type)?.[1] ?? []);
    if (Array.isArray(value) && elements.length > 1) {
      // Photos and videos may be in one list.
      return value.flatMap((item, index) => checkAny(item, elements, `${at}[${index}]`));
    }
    let closest: string[] | undefined;
    for (const type of types) {
      const found = checkType(value, type, at);
      if (found.length === 0) return [];
      if (closest === undefined || rank(found, at) < rank(closest, at)) closest = found;
    }
    const isPlainMiss = closest === undefined || closest.some((one) => one.startsWith(`${at}: `));
    return isPlainMiss && types.length > 1
      ? [`${at}: expected ${types.join(' or ')}, got ${preview(value)}`]
      : (closest ?? []);
  }
  /** A mismatch deeper down is closer to the truth than one at the value itself. */
  const rank = (found: readonly string[], at: string) =>
    (found.some((one) => one.startsWith(`${at}: `)) ? 1000 : 0) + found.length;

  function checkType(value: unknown, type: string, at: string): string[] {
    const element = /^Array of (.+)$/.exec(type)?.[1];
    if (element !== undefined) {
      if (!Array.isArray(value)) return [`${at}: expected ${type}, got ${preview(value)}`];
      return value.flatMap((item, index) => checkType(item, element, `${at}[${index}]`));
    }
    switch (type) {
      case 'String':
        return expect(typeof value === 'string');
      case 'Boolean':
        return expect(typeof value === 'boolean');
      case 'Integer':
        return expect(Number.isSafeInteger(value));
      case 'Float':
        return expect(typeof value === 'number');
      case 'InputFile':
        return expect(typeof value === 'string' && value.startsWith('attach://'));
      default: {
        const known = spec.types[type];
        if (known === undefined) return [`${at}: the specification has no type ${type}`];
        if (known.subtypes !== undefined) return checkAny(value, known.subtypes, at);
        if (typeof value !== 'object' || value === null || Array.isArray(value))
          return expect(false);
        return checkObject(value as Record<string, unknown>, known.fields ?? [], at);
      }
    }
    function expect(isFine: boolean): string[] {
      return isFine ? [] : [`${at}: expected ${type}, got ${preview(value)}`];
    }
  }

  function checkObject(
    value: Readonly<Record<string, unknown>>,
    fields: readonly SpecField[],
    at: string,
  ): string[] {
    const found: string[] = [];
    const known = new Map(fields.map((field) => [field.name, field]));
    for (const [name, item] of Object.entries(value)) {
      const field = known.get(name);
      if (field === undefined) found.push(`${at}.${name}: unknown field`);
      else if (item !== undefined) found.push(...checkField(item, field, `${at}.${name}`, value));
    }
    for (const { name, required } of fields) {
      if (required && value[name] === undefined) found.push(`${at}.${name}: missing`);
    }
    return found;
  }

  function checkField(
    value: unknown,
    field: SpecField,
    at: string,
    siblings: Readonly<Record<string, unknown>>,
  ): string[] {
    const constant = /(?:always|must be) ["“]?(\w+)["”]?$/.exec(field.description)?.[1];
    // At the object itself, so that the wrong subtype of a union is not taken for the closest.
    const parent = at.slice(0, at.lastIndexOf('.'));
    if (constant !== undefined && value !== constant) {
      return [`${parent}: ${field.name} is ${preview(value)} instead of "${constant}"`];
    }
    const found = checkAny(value, field.types, at);
    return found.length > 0 ? found : checkLength(value, field, at, siblings);
  }

  return {
    checkRequest(method, fields) {
      const known = spec.methods[method];
      if (known === undefined) return [`${method}: unknown method`];
      const specFields = known.fields ?? [];
      const values = decode(fields, specFields);
      const attached: string[] = JSON.stringify(values).match(/attach:\/\/[^"\\]+/g) ?? [];
      for (const name of fields.files.keys()) {
        if (!attached.includes(`attach://${name}`)) values[name] = `attach://${name}`;
      }
      const missing = attached
        .filter((reference) => !fields.files.has(reference.slice('attach://'.length)))
        .map((reference) => `${method}: ${reference} is not in the request`);
      return [...checkObject(values, specFields, method), ...missing];
    },
    checkResult(method, result) {
      const known = spec.methods[method];
      return known === undefined ? [] : checkAny(result, known.returns, `${method} -> result`);
    },
    checkUpdate: (update) => checkType(update, 'Update', 'update'),
  };
}

/** Gives arguments sent as strings the JSON type their field asks for. */
function decode(fields: Fields, specFields: readonly SpecField[]): Record<string, unknown> {
  const decoded: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields.values)) {
    const types = specFields.find((field) => field.name === name)?.types ?? [];
    const isText = types.every((type) => type === 'String' || type === 'InputFile');
    decoded[name] =
      typeof value === 'string' && !isText ? decodeText(value, types, fields.isTyped) : value;
  }
  return decoded;
}

function decodeText(value: string, types: readonly string[], isTyped: boolean): unknown {
  const mayBePlain = ['Integer', 'Float', 'Boolean', 'String'];
  const isStructured = types.some((type) => !mayBePlain.includes(type));
  // Objects may be sent as JSON text in any encoding, plain values only where all is text.
  if (isTyped && !isStructured) return value;
  try {
    const parsed = JSON.parse(value.replace(/^(True|False)$/, (word) => word.toLowerCase()));
    return typeof parsed === 'string' ? value : (parsed as unknown);
  } catch {
    return value;
  }
}

/** Limits are told in prose: "1-64 bytes", "0-1024 characters after entities parsing". */
function checkLength(
  value: unknown,
  { description }: SpecField,
  at: string,
  siblings: Readonly<Record<string, unknown>>,
): string[] {
  const limit = /\b(\d+)-(\d+) (characters|bytes)\b/.exec(description);
  if (typeof value !== 'string' || limit === null) return [];
  // Markup does not count, and only the method itself takes it off.
  if (description.includes('entities parsing') && 'parse_mode' in siblings) return [];
  const [, min = '0', max = '0', unit] = limit;
  const length = unit === 'bytes' ? Buffer.byteLength(value) : [...value].length;
  return length >= Number(min) && length <= Number(max)
    ? []
    : [`${at}: ${length} ${unit}, allowed are ${min}-${max}`];
}

function preview(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined';
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
