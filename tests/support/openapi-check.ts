import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { z } from 'zod';

/** Every method gives sentences about what is wrong; none when all is well or nothing is known. */
export interface OpenApiCheck {
  /** A request body, already parsed; for multipart the parts by name. `path` without the base. */
  request(method: string, path: string, body: unknown): string[];
  /** The answer to it. */
  response(method: string, path: string, status: number, body: unknown): string[];
  /** The `input` of a prediction against the model's own schema, when there is a file of it. */
  input(model: string, input: unknown): string[];
}

const contentSchema = z.record(z.string(), z.object({ schema: z.unknown() }));
const operationSchema = z.object({
  requestBody: z.object({ content: contentSchema }).optional(),
  responses: z.record(z.string(), z.object({ content: contentSchema.optional() })),
});
const documentSchema = z.object({
  paths: z.record(z.string(), z.record(z.string(), z.unknown())),
  components: z.unknown(),
});
const inputSchema = z.looseObject({ properties: z.record(z.string(), z.unknown()) });

interface OpenApiOptions {
  readonly specPath?: string | undefined;
  readonly schemasDir?: string | undefined;
}

/** Made once for each document: the schemas take long to compile. */
const known = new Map<string, OpenApiCheck>();

/**
 * Holds requests and answers against an OpenAPI 3.1 document.
 * @param specPath the document; without it nothing is found wrong with bodies.
 * @param schemasDir a folder of `<model name>.schema.json`; without it inputs are not looked at.
 */
export function createOpenApiCheck(options: OpenApiOptions): OpenApiCheck {
  const key = JSON.stringify([options.specPath, options.schemasDir]);
  const check = known.get(key) ?? loadCheck(options);
  known.set(key, check);
  return check;
}

function loadCheck(options: OpenApiOptions): OpenApiCheck {
  const spec = options.specPath ? loadSpec(options.specPath) : undefined;
  const models = new Map<string, ValidateFunction | undefined>();

  function validatorOf(model: string): ValidateFunction | undefined {
    const name = model.replace(/^.*\//, '').replace(/:.*$/, '');
    const path = options.schemasDir && join(options.schemasDir, `${name}.schema.json`);
    if (!path) return undefined;
    if (!models.has(path)) models.set(path, existsSync(path) ? loadInput(path) : undefined);
    return models.get(path);
  }

  return {
    request: (method, path, body) => spec?.request(method, path, body) ?? [],
    response: (method, path, status, body) => spec?.response(method, path, status, body) ?? [],
    input(model, input) {
      const validate = validatorOf(model);
      return validate ? complaints(validate, input, `input of ${model}`) : [];
    },
  };
}

function loadSpec(specPath: string): Omit<OpenApiCheck, 'input'> {
  const document = documentSchema.parse(JSON.parse(readFileSync(specPath, 'utf8')));
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  formats.default(ajv);
  ajv.addFormat('binary', true);
  const components = asJsonSchema(document.components);
  const compiled = new Map<string, ValidateFunction>();

  function validator(key: string, schema: unknown): ValidateFunction {
    const known = compiled.get(key);
    if (known) return known;
    // References in the document point at its root: give each schema the components beside it.
    const fresh = ajv.compile({ allOf: [asJsonSchema(schema)], components });
    compiled.set(key, fresh);
    return fresh;
  }

  function operation(method: string, path: string) {
    const template = Object.keys(document.paths)
      .filter((candidate) => matches(candidate, path))
      .sort((a, b) => parameters(a) - parameters(b))[0];
    const found = template && document.paths[template]?.[method.toLowerCase()];
    return found ? { key: `${method} ${template}`, ...operationSchema.parse(found) } : undefined;
  }

  return {
    request(method, path, body) {
      const found = operation(method, path);
      if (!found) return [`${method} ${path}: no such operation`];
      const schema = Object.values(found.requestBody?.content ?? {})[0]?.schema;
      if (!schema) return body === undefined ? [] : [`${found.key}: takes no body`];
      return complaints(validator(`${found.key} body`, schema), body, `${found.key} body`);
    },
    response(method, path, status, body) {
      const found = operation(method, path);
      if (!found) return [`${method} ${path}: no such operation`];
      const response = found.responses[String(status)];
      // The document names hardly any errors.
      if (!response) return status < 400 ? [`${found.key}: never answers ${status}`] : [];
      const schema = response.content?.['application/json']?.schema;
      if (!schema) return [];
      const about = `${found.key} answer ${status}`;
      return complaints(validator(about, schema), body, about);
    },
  };
}

function loadInput(path: string): ValidateFunction {
  const ajv = new Ajv({ strict: false, allErrors: true });
  formats.default(ajv);
  const schema = inputSchema.parse(
    asJsonSchema(withoutReferences(JSON.parse(readFileSync(path, 'utf8')))),
  );
  return ajv.compile({ ...schema, additionalProperties: false });
}

function complaints(validate: ValidateFunction, value: unknown, about: string): string[] {
  if (validate(value)) return [];
  return (validate.errors ?? []).map(
    (error) =>
      `${about}: ${error.instancePath || '/'} ${error.message} ${JSON.stringify(error.params)}`,
  );
}

/**
 * What such documents mean, in words of JSON Schema: `nullable` is from OpenAPI 3.0 and unknown to
 * it, and their `oneOf` members overlap (a version is a string, or "hidden").
 */
function asJsonSchema(node: unknown): unknown {
  return rewrite(node, ({ nullable, oneOf, ...rest }) => {
    const schema = Array.isArray(oneOf) ? { ...rest, anyOf: oneOf } : rest;
    return nullable === true ? { anyOf: [schema, { type: 'null' }] } : schema;
  });
}

/**
 * The enumerations that a model's schema refers to were not stored with it; of the field's type at
 * least its default tells.
 */
function withoutReferences(node: unknown): unknown {
  return rewrite(node, (object) => {
    if (typeof object['$ref'] === 'string') return {};
    if (!Array.isArray(object['allOf'])) return object;
    return 'default' in object && object['default'] !== null
      ? { ...object, type: typeof object['default'] }
      : object;
  });
}

function rewrite(
  node: unknown,
  change: (object: Record<string, unknown>) => Record<string, unknown>,
): unknown {
  if (Array.isArray(node)) return node.map((item) => rewrite(item, change));
  if (typeof node !== 'object' || node === null) return node;
  return change(
    Object.fromEntries(Object.entries(node).map(([key, value]) => [key, rewrite(value, change)])),
  );
}

function matches(template: string, path: string): boolean {
  const expected = template.split('/');
  const given = path.split('/');
  return (
    expected.length === given.length &&
    expected.every((part, index) => part.startsWith('{') || part === given[index])
  );
}

function parameters(template: string): number {
  return template.split('{').length;
}
