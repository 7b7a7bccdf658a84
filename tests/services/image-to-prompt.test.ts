import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imageToPrompt, imageToPromptInput } from '../../src/services/image-to-prompt.ts';
import { CLOSED, materialOf, TERMS } from './terms.ts';

const GEMINI = 'google/gemini-2.5-flash';

test('the model is given the photo and one fixed instruction', () => {
  assert.equal(imageToPrompt.model({ photoCount: 1 }, TERMS), GEMINI);
  assert.equal(imageToPrompt.model({ photoCount: 1 }, CLOSED), undefined);
  const request = imageToPrompt.request({ photoCount: 1 }, materialOf(GEMINI));
  assert.deepEqual(request.files, { images: ['/files/photo.jpg'] });
  const instruction = String(request.input['system_instruction']);
  assert.match(instruction, /one prompt in English/);
  assert.match(instruction, /never guess who they are/);
  assert.match(instruction, /say nothing of age, ethnicity, skin or beauty/);
});

test('one photo is described at a time', () => {
  assert.ok(imageToPromptInput.safeParse({ photoCount: 1 }).success);
  for (const photoCount of [0, 2, '1']) {
    assert.ok(!imageToPromptInput.safeParse({ photoCount }).success);
  }
});
