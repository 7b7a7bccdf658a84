import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFields } from '../../src/sandbox/http/request-fields.ts';
import { createSpecCheck, loadSpecCheck } from '../../src/sandbox/http/spec-check.ts';

const field = (name: string, types: string[], required = false, description = '') => ({
  name,
  types,
  required,
  description,
});

const check = createSpecCheck({
  methods: {
    send: {
      fields: [
        field('chat_id', ['Integer', 'String'], true),
        field('text', ['String'], true, 'Text, 1-10 characters after entities parsing'),
        field('parse_mode', ['String']),
        field('photo', ['InputFile', 'String']),
        field('media', ['Array of Media']),
        field('album', ['Array of MediaPhoto', 'Array of MediaVideo']),
        field('markup', ['Buttons', 'Removal']),
        field('silent', ['Boolean']),
      ],
      returns: ['Message', 'Boolean'],
    },
  },
  types: {
    Update: {
      fields: [field('update_id', ['Integer'], true), field('message', ['Message'])],
    },
    Message: { fields: [field('id', ['Integer'], true), field('text', ['String'])] },
    Buttons: { fields: [field('rows', ['Array of Array of Button'], true)] },
    Button: {
      fields: [
        field('text', ['String'], true),
        field('data', ['String'], false, 'Optional. Data, 1-4 bytes'),
      ],
    },
    Removal: { fields: [field('remove', ['Boolean'], true)] },
    Media: { subtypes: ['MediaPhoto', 'MediaVideo'] },
    MediaPhoto: {
      fields: [
        field('type', ['String'], true, 'Type of the media, must be photo'),
        field('media', ['String'], true),
      ],
    },
    MediaVideo: {
      fields: [
        field('type', ['String'], true, 'Type of the media, must be video'),
        field('media', ['String'], true),
        field('width', ['Integer']),
      ],
    },
  },
});

const file = { name: 'a.jpg', bytes: new Uint8Array(1), mimeType: undefined };
const ofJson = (values: Record<string, unknown>) =>
  check.checkRequest('send', createFields(values));
const ofMultipart = (values: Record<string, string>, files: string[] = []) =>
  check.checkRequest(
    'send',
    createFields(values, new Map(files.map((name) => [name, file])), false),
  );

test('a list that may hold several types may mix them', () => {
  const photo = { type: 'photo', media: 'a' };
  const video = { type: 'video', media: 'b' };
  const send = (album: unknown) => ofJson({ chat_id: 1, text: 'hi', album });
  assert.deepEqual(send([photo, video]), []);
  assert.equal(send([photo, { type: 'sound', media: 'c' }]).length, 1);
});

test('a right request has no findings, in JSON or in multipart', () => {
  const markup = { rows: [[{ text: 'a', data: 'b' }]] };
  assert.deepEqual(ofJson({ chat_id: 1, text: 'hi', markup, silent: true }), []);
  assert.deepEqual(ofJson({ chat_id: '@channel', text: 'hi', markup: JSON.stringify(markup) }), []);
  assert.deepEqual(
    ofMultipart({ chat_id: '1', text: '2', silent: 'true', photo: 'attach://x' }, ['x']),
    [],
  );
  assert.deepEqual(ofMultipart({ chat_id: '1', text: '2' }, ['photo']), []);
});

for (const [name, found, expected] of [
  ['unknown fields', ofJson({ chat_id: 1, text: 'a', txt: 1 }), ['send.txt: unknown field']],
  ['missing fields', ofJson({ text: 'a' }), ['send.chat_id: missing']],
  [
    'wrong types',
    ofJson({ chat_id: 1.5, text: 7, silent: 'true' }),
    [
      'send.chat_id: expected Integer or String, got 1.5',
      'send.text: expected String, got 7',
      'send.silent: expected Boolean, got "true"',
    ],
  ],
  [
    'wrong types deep inside, in the closest of several types',
    ofJson({ chat_id: 1, text: 'a', markup: { rows: [[{ text: 'a', data: 5 }]] } }),
    ['send.markup.rows[0][0].data: expected String, got 5'],
  ],
  [
    'lengths in bytes',
    ofJson({ chat_id: 1, text: 'a', markup: { rows: [[{ text: 'a', data: 'ддд' }]] } }),
    ['send.markup.rows[0][0].data: 6 bytes, allowed are 1-4'],
  ],
  [
    'lengths in characters',
    ofJson({ chat_id: 1, text: '' }),
    ['send.text: 0 characters, allowed are 1-10'],
  ],
  [
    'fields of the other subtype',
    ofJson({ chat_id: 1, text: 'a', media: [{ type: 'photo', media: 'id', width: 3 }] }),
    ['send.media[0].width: unknown field'],
  ],
  [
    'files that are referred to but not sent',
    ofMultipart({ chat_id: '1', text: 'a', photo: 'attach://y' }),
    ['send: attach://y is not in the request'],
  ],
  [
    'files nobody asked for',
    ofMultipart({ chat_id: '1', text: 'a' }, ['video']),
    ['send.video: unknown field'],
  ],
] as const) {
  test(`${name} are found`, () => assert.deepEqual(found, expected));
}

test('a length that holds only after parsing is left to the method', () => {
  assert.deepEqual(ofJson({ chat_id: 1, text: '<b>123456</b>', parse_mode: 'HTML' }), []);
});

test('answers and updates are checked the same way', () => {
  assert.deepEqual(check.checkResult('send', { id: 1 }), []);
  assert.deepEqual(check.checkResult('send', true), []);
  assert.deepEqual(check.checkResult('send', { id: 1, txt: 'a' }), [
    'send -> result.txt: unknown field',
  ]);
  const update = { update_id: 1, message: { id: 'x' } };
  assert.deepEqual(
    check.checkUpdate(update as unknown as Parameters<typeof check.checkUpdate>[0]),
    ['update.message.id: expected Integer, got "x"'],
  );
});

test('unknown methods are found', () => {
  assert.deepEqual(check.checkRequest('sendd', createFields({})), ['sendd: unknown method']);
});

test('the published specification is understood', async (t) => {
  const path = process.env['BOT_API_SPEC'];
  if (path === undefined) return t.skip('BOT_API_SPEC is not set');
  const published = await loadSpecCheck(path);
  const payload = { chat_id: 1, text: 'a', reply_markup: { inline_keyboard: [[{ text: 5 }]] } };
  assert.deepEqual(published.checkRequest('sendMessage', createFields(payload)), [
    'sendMessage.reply_markup.inline_keyboard[0][0].text: expected String, got 5',
  ]);
});
