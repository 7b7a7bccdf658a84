import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Ajv } from 'ajv';
import formats from 'ajv-formats';
import { CANVASES } from '../../src/domain/canvas.ts';
import { imageMorphing } from '../../src/services/image-morphing.ts';
import { VIDEO_MODELS, type VideoModel } from '../../src/services/video-models.ts';

/** Folder of published input schemas, one `<model>.schema.json` each. */
const SCHEMAS = process.env['REPLICATE_SCHEMAS'] || undefined;

describe('the request fits the published input schema of', () => {
  for (const model of VIDEO_MODELS) {
    test(model.id, { skip: reasonToSkip(model) }, () => {
      const schema = readSchema(model);
      const fits = new Ajv({ strict: false, allErrors: true });
      formats.default(fits);
      for (const shape of model.shapes) {
        const request = imageMorphing.request(
          { photoCount: 2, mode: 'seamless', gender: 'male' },
          { from: '/a.jpg', to: '/b.jpg', canvas: CANVASES[shape] },
          model,
        );
        const uploaded = Object.keys(request.files).map((field) => [
          field,
          'https://example.com/photo.jpg',
        ]);
        const body = { ...request.input, ...Object.fromEntries(uploaded) };
        assert.ok(fits.validate(schema, body), `${shape}: ${fits.errorsText()}`);
        for (const field of [model.firstFrame, model.lastFrame]) {
          assert.equal(schema.properties[field]?.['format'], 'uri', `${field} takes a picture`);
        }
      }
    });
  }
});

interface InputSchema {
  readonly properties: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

function reasonToSkip(model: VideoModel): string | false {
  if (SCHEMAS === undefined) return 'REPLICATE_SCHEMAS names no folder of published schemas';
  return !existsSync(schemaPath(model)) && `no schema was published for ${model.id}`;
}

/** Unknown fields count as errors; references to enumerations are not in the file and hold anything. */
function readSchema(model: VideoModel): InputSchema {
  const parsed = JSON.parse(readFileSync(schemaPath(model), 'utf8'), (key, value: unknown) =>
    key === 'allOf' ? undefined : value,
  );
  return { ...parsed, additionalProperties: false };
}

function schemaPath(model: VideoModel): string {
  return join(SCHEMAS ?? '', `${model.id.split('/')[1]}.schema.json`);
}
