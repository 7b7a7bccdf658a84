import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { z } from 'zod';
import { SERVICES } from '../../src/services/index.ts';
import type { Question, Service } from '../../src/services/service.ts';
import { CLOSED, materialOf, TERMS } from './terms.ts';

const ALL: readonly Service[] = SERVICES;

test('no two services have the same id, which fits into callback data', () => {
  const ids = ALL.map(({ id }) => id);
  assert.equal(new Set(ids).size, ids.length);
  for (const id of ids) assert.match(id, /^\w{1,20}$/);
});

for (const service of ALL) {
  describe(service.id, () => {
    test('has examples that are inputs of its own, and none that somebody could not render', () => {
      const examples = service.examples(TERMS);
      assert.ok(examples.length > 0);
      for (const input of examples) {
        assert.deepEqual(service.input.parse(input), input);
        assert.ok(service.models.some(({ id }) => id === service.model(input, TERMS)));
        assert.equal(service.model(input, CLOSED), undefined);
      }
    });

    test('is declared so that a tool can be made of it', () => {
      assert.equal(z.toJSONSchema(service.input, { io: 'input' })['type'], 'object');
    });

    test('says when the price of each model was checked, and how long it takes', () => {
      for (const { id, priceCheckedAt, typicalSeconds } of service.models) {
        assert.match(id, /^[\w.-]+\/[\w.-]+(:[0-9a-f]{64})?$/);
        assert.match(priceCheckedAt, /^20\d\d-\d\d-\d\d$/);
        assert.ok(!Number.isNaN(Date.parse(priceCheckedAt)), id);
        assert.ok(typicalSeconds > 0, id);
      }
    });

    test('asks for fields of its input, and offers to change such', () => {
      const asked = service.questions.map(({ field }) => field);
      assert.equal(new Set(asked).size, asked.length);
      for (const input of service.examples(TERMS)) {
        const fields = Object.keys(Object(input));
        for (const field of asked) assert.ok(fields.includes(field), field);
      }
      for (const field of service.again) assert.ok(asked.includes(field), field);
    });

    test('has options that fit into callback data', () => {
      const [input] = service.examples(TERMS);
      for (const question of service.questions) {
        for (const value of valuesOf(question, input)) {
          assert.match(value, /^[\w.-]{1,24}$/);
        }
      }
    });

    test('asks for the same again when a step is sent again, and for files by their paths', () => {
      for (const input of service.examples(TERMS)) {
        const material = materialOf(service.model(input, TERMS) ?? '');
        const request = service.request(input, material);
        assert.deepEqual(service.request(input, material), request);
        for (const path of Object.values(request.files).flat()) assert.match(path, /^\//);
      }
    });
  });
}

function valuesOf(question: Question, input: unknown): string[] {
  if (question.kind === 'choice') {
    return question.options(TERMS, answersOf(input, question)).map(({ value }) => value);
  }
  return question.kind === 'text' ? (question.presets ?? []).map(({ value }) => value) : [];
}

/** Everything answered but the question itself and what a person would be asked after it. */
function answersOf(input: unknown, { field }: Question): Record<string, unknown> {
  return field === 'model' ? {} : { ...Object(input), [field]: undefined };
}
