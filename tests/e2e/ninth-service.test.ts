import assert from 'node:assert/strict';
import { it } from 'node:test';
import { z } from 'zod';
import { createApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config.ts';
import { SERVICES } from '../../src/services/index.ts';
import type { Service } from '../../src/services/service.ts';
import { soldStep } from '../../src/services/sold-step.ts';
import { buttonLabels } from '../support/chat.ts';
import { countMedia, meetCustomer } from '../support/customers.ts';
import { accepted } from '../support/morphs.ts';
import { createQuickMorpher } from '../support/quick-morpher.ts';
import { booksOf } from '../support/service-books.ts';
import { prepareWhole } from '../support/whole.ts';

const MODEL = {
  id: 'openai/gpt-5.2',
  typicalSeconds: 5,
  priceCheckedAt: '2026-11-22',
};

const haikuInput = z.object({
  topic: z.string().min(2).max(40),
  count: z.enum(['1', '3']),
});

/** Something to sell that exists in this file alone. */
const haiku: Service<z.infer<typeof haikuInput>> = {
  id: 'haiku',
  group: 'voice',
  input: haikuInput,
  questions: [
    { kind: 'text', field: 'topic', minLength: 2, maxLength: 40 },
    {
      kind: 'choice',
      field: 'count',
      options: () => haikuInput.shape.count.options.map((value) => ({ value })),
    },
  ],
  models: [MODEL],
  finish: 'text',
  again: ['topic'],
  model: (_input, { isOffered }) => (isOffered(MODEL.id) ? MODEL.id : undefined),
  plan: ({ count }, { tariff }) =>
    Array.from({ length: Number(count) }, () => soldStep(0.02, tariff)),
  request: ({ topic }, { model, position }) => ({
    model,
    input: { prompt: `Haiku ${position + 1} about ${topic}` },
    files: {},
  }),
  examples: () => [{ topic: 'rain', count: '1' }],
};

const words = (name: string, own: { readonly ask: string; readonly done: string }) => ({
  name,
  button: `🍃 ${name}`,
  command: name,
  about: name,
  ask: { topic: own.ask, count: own.ask },
  options: { count: { 1: `${name}: 1`, 3: `${name}: 3` } },
  quoteLine: '{{topic}} · {{count}}',
  step_one: '{{count}} haiku',
  step_few: '{{count}} haiku',
  step_many: '{{count}} haiku',
  step_other: '{{count}} haiku',
  done: own.done,
  again: { repeat: '🔁', topic: `🍃 ${own.ask}` },
});

const TEXTS = {
  en: { haiku: words('Haiku', { ask: 'About what?', done: 'Breathe in.' }) },
  ru: { haiku: words('Хокку', { ask: 'О чём?', done: 'Вдохните.' }) },
};

it('a service that is one file and its words is sold like any other', async (t) => {
  const whole = await prepareWhole(t, { delayMs: 20 });
  const { replicate, telegram } = whole;
  const app = createApp(
    loadConfig({ ...whole.env, LOG_LEVEL: 'warn' }),
    (error) => {
      throw error;
    },
    {
      createMorpher: createQuickMorpher,
      services: [...SERVICES, haiku],
      serviceTexts: TEXTS,
    },
  );
  t.after(() => app.stop());
  await app.start();

  const ann = await meetCustomer(whole, { stars: '20' });
  t.after(() => t.diagnostic(ann.person.transcript()));
  assert.equal(await ann.choose('Haiku'), '🍃 Haiku · from 1.87 ⭐');
  await ann.see(/About what\?/);
  ann.say('r');
  await ann.see(/too short/);
  ann.say('rain & sea');
  await ann.press(/^Haiku: 3$/);
  await ann.see(/Haiku — rain & sea · Haiku: 3 · 5\.61 ⭐/);
  replicate.next(
    { value: 'first' },
    { outcome: 'fail', error: 'The input or output was flagged (E005)' },
    { value: ['th', 'ird'] },
  );
  await ann.confirm('5.61');
  const closing = await ann.receive('3.74', /^Breathe in\.[\s\S]*1\.87 ⭐ came back/);
  assert.ok(
    ann.received().some(({ text }) => /^(first\n\nthird|third\n\nfirst)$/.test(text ?? '')),
  );
  assert.deepEqual(countMedia(ann.received()), {});
  assert.deepEqual(buttonLabels(closing), ['🔁', '🍃 About what?']);
  assert.equal(await ann.balance(), '16.26');

  await ann.goOn(closing, /About what/);
  ann.say('snow');
  await ann.confirm('5.61');
  await ann.receive('5.61');
  assert.deepEqual(
    replicate.predictions
      .slice(-3)
      .map(({ input }) => input['prompt'])
      .toSorted(),
    ['Haiku 1 about snow', 'Haiku 2 about snow', 'Haiku 3 about snow'],
  );
  ann.since(ann.say('/price'));
  await ann.see(/🍃 Haiku — from 1\.87 ⭐/);
  ann.since(ann.say('/history'));
  await ann.see(/1\. .* · Haiku · 3 haiku · 5\.61 ⭐ · delivered/);

  const boris = await meetCustomer(whole, { stars: '20', language: 'ru' });
  boris.since(boris.say('/haiku'));
  await boris.see(/О чём\?/);
  boris.say('снег');
  await boris.press(/^Хокку: 1$/);
  await boris.confirm('1.87');
  await boris.receive('1.87', /^Вдохните\./);
  assert.ok(accepted(telegram, 'sendMessage', boris.id).length > 0);

  await app.stop();
  const books = await whole.look(booksOf);
  assert.deepEqual(books.wrong, []);
  assert.deepEqual(books.orders.map(({ serviceType, paid }) => [serviceType, paid]).toSorted(), [
    ['haiku', 187],
    ['haiku', 374],
    ['haiku', 561],
  ]);
});
