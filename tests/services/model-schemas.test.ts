import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import { CANVASES } from '../../src/domain/canvas.ts';
import { imageMorphing } from '../../src/services/image-morphing.ts';
import { SERVICES } from '../../src/services/index.ts';
import type { Service, StepRequest } from '../../src/services/service.ts';
import { VIDEO_MODELS } from '../../src/services/video-models.ts';
import { materialOf, TERMS } from './terms.ts';

/** Folder of published input schemas, one `<model>.schema.json` each. */
const SCHEMAS = process.env['REPLICATE_SCHEMAS'] || undefined;

describe('the request of a morph fits the published input schema of', () => {
  for (const model of VIDEO_MODELS) {
    test(model.id, { skip: reasonToSkip(model.id) }, () => {
      for (const shape of model.shapes) {
        const request = imageMorphing.request(
          { photoCount: 2, mode: 'seamless', gender: 'male' },
          materialOf(model.id, { photos: ['/a.jpg', '/b.jpg'], canvas: CANVASES[shape] }),
        );
        fits(request, model.id);
        assert.deepEqual(Object.keys(request.files), [model.firstFrame, model.lastFrame]);
      }
    });
  }
});

const others: readonly Service[] = SERVICES.filter(({ id }) => id !== imageMorphing.id);
for (const service of others) {
  describe(`the request of ${service.id} fits the published input schema of`, () => {
    for (const model of service.models.filter(({ provider }) => provider === undefined)) {
      test(model.id, { skip: reasonToSkip(model.id) }, () => {
        const only = { ...TERMS, isOffered: (id: string) => id === model.id };
        const inputs = service
          .examples(only)
          .filter((input) => service.model(input, only) === model.id);
        assert.ok(inputs.length > 0, 'there is an example for the model');
        for (const input of inputs) fits(service.request(input, materialOf(model.id)), model.id);
      });
    }
  });
}

interface InputSchema {
  readonly properties: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

function fits(request: StepRequest, modelId: string): void {
  const schema = readSchema(modelId);
  const ajv = new Ajv({ strict: false, allErrors: true });
  formats.default(ajv);
  const uploaded = Object.entries(request.files).map(([field, paths]) => {
    const takes = schema.properties[field];
    const url = 'https://example.com/photo.jpg';
    if (Array.isArray(paths)) return [field, paths.map(() => url)];
    assert.equal(takes?.['format'], 'uri', `${field} takes a file`);
    return [field, url];
  });
  const body = { ...request.input, ...Object.fromEntries(uploaded) };
  assert.ok(ajv.validate(schema, body), ajv.errorsText());
}

function reasonToSkip(modelId: string): string | false {
  if (SCHEMAS === undefined) return 'REPLICATE_SCHEMAS names no folder of published schemas';
  return !existsSync(schemaPath(modelId)) && `no schema was published for ${modelId}`;
}

/** Unknown fields count as errors; references to enumerations are not in the file and hold anything. */
function readSchema(modelId: string): InputSchema {
  const parsed = JSON.parse(readFileSync(schemaPath(modelId), 'utf8'), (key, value: unknown) =>
    key === 'allOf' ? undefined : value,
  );
  return { ...parsed, additionalProperties: false };
}

function schemaPath(modelId: string): string {
  const [, name = ''] = modelId.split(/[/:]/);
  return join(SCHEMAS ?? '', `${name}.schema.json`);
}
