import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { z } from 'zod';
import { SERVICES } from '../../src/services/index.ts';
import type { Question, Service } from '../../src/services/service.ts';
import { CLOSED, materialOf, TERMS } from './terms.ts';

const ALL: readonly Service[] = SERVICES;

test('the menu has nine services, in this order', () => {
  assert.deepEqual(
    ALL.map(({ id, group, finish }) => [id, group, finish]),
    [
      ['image_morphing', 'video', 'stitched_video'],
      ['neuro_photo', 'photo', 'images'],
      ['neuro_photo_v2', 'photo', 'images'],
      ['digital_avatar_body', 'photo', 'trained_model'],
      ['image_to_prompt', 'photo', 'text'],
      ['image_to_video', 'video', 'video'],
      ['text_to_video', 'video', 'video'],
      ['text_to_speech', 'voice', 'speech'],
      ['voice_to_text', 'voice', 'text'],
    ],
  );
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

    for (const language of ['en', 'ru']) {
      test(`has all its words: ${language}`, () => {
        const words = readWords(language);
        const missing = keysOf(service).filter((key) => words[key] === undefined);
        assert.deepEqual(missing, []);
        const has = (pattern: RegExp) =>
          Object.keys(words).some((key) => key.startsWith(service.id) && pattern.test(key));
        assert.ok(has(/\.quoteLine(_other)?$/) && has(/\.step_other$/));
        assert.ok((words[`${service.id}.button`] ?? '').length <= 28);
        assert.ok((words[`${service.id}.command`] ?? '').length <= 100);
      });

      test(`its quote names only values that it has: ${language}`, () => {
        const [input] = service.examples(TERMS);
        const known = [
          ...Object.keys(Object(input)),
          ...Object.keys(service.figures?.(input) ?? {}),
        ];
        for (const [key, text] of Object.entries(readWords(language))) {
          if (!key.startsWith(`${service.id}.quoteLine`)) continue;
          for (const [, name = ''] of text.matchAll(/\{\{(\w+)\}\}/g)) {
            assert.ok(known.includes(name), `${key}: ${name}`);
          }
        }
      });
    }
  });
}

/** The texts that must be there, for what the service declares. */
function keysOf(service: Service): string[] {
  const [input] = service.examples(TERMS);
  const keys = ['name', 'button', 'command', 'about', 'done', 'again.repeat'];
  for (const question of service.questions) {
    const morphPhotos = question.kind === 'photos' && question.max === 'all';
    if (question.kind !== 'gender' && question.kind !== 'avatar' && !morphPhotos) {
      keys.push(`ask.${question.field}`);
    }
    if (question.kind === 'choice') {
      for (const { value, label } of question.options(TERMS, answersOf(input, question))) {
        if (label === undefined) keys.push(`options.${question.field}.${value}`);
      }
    }
    if (question.kind === 'text') {
      for (const { value } of question.presets ?? []) {
        keys.push(`presets.${question.field}.${value}`);
      }
    }
  }
  for (const field of service.again) keys.push(`again.${field}`);
  return keys.map((key) => `${service.id}.${key}`);
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

/** The texts of the services, by their full names. */
function readWords(language: string): Record<string, string> {
  const path = join(import.meta.dirname, '../../locales', language, 'services.json');
  const words: Record<string, string> = {};
  const walk = (value: unknown, name: string): void => {
    if (typeof value === 'string') words[name] = value;
    else
      for (const [key, inner] of Object.entries(Object(value)))
        walk(inner, name ? `${name}.${key}` : key);
  };
  walk(JSON.parse(readFileSync(path, 'utf8')), '');
  return words;
}
