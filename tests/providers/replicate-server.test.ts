import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ReplicateServerOptions, startReplicateServer } from '../support/replicate-server.ts';

async function setUp(t: TestContext, options: ReplicateServerOptions = {}) {
  const server = await startReplicateServer({ specPath: '', schemasDir: '', ...options });
  t.after(() => server.close());
  const headers = { authorization: `Bearer ${server.token}`, 'content-type': 'application/json' };
  const post = (path: string, body: unknown, more: Record<string, string> = {}) =>
    fetch(`${server.baseUrl}${path}`, {
      method: 'POST',
      headers: { ...headers, ...more },
      body: JSON.stringify(body),
    });
  return { server, post };
}

async function folderOf(t: TestContext, files: Record<string, unknown>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'replicate-server-'));
  t.after(() => rm(folder, { recursive: true }));
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(folder, name), JSON.stringify(content));
  }
  return folder;
}

const uri = { type: 'string', format: 'uri', nullable: true };
const response = { type: 'object', required: ['id', 'urls'], properties: { missing: uri } };
const openApi = {
  paths: {
    '/predictions': {
      post: {
        requestBody: {
          content: { 'application/json': { schema: { $ref: '#/components/schemas/Ask' } } },
        },
        responses: { 201: { content: { 'application/json': { schema: response } } } },
      },
    },
  },
  components: {
    schemas: {
      Ask: {
        type: 'object',
        additionalProperties: false,
        required: ['version'],
        properties: { version: { type: 'string' }, input: { type: 'object' }, webhook: uri },
      },
    },
  },
};

describe('the scripted Replicate', () => {
  it('gives a real clip of the asked length by default', async (t) => {
    const { server, post } = await setUp(t, { delayMs: 1 });
    await post('/models/a/b/predictions', { input: { duration: 1 } });
    while (server.running.now > 0) await sleep(20);
    const bytes = Buffer.from(
      await (await fetch(String(server.predictions[0]?.output))).arrayBuffer(),
    );
    assert.equal(bytes.subarray(4, 8).toString(), 'ftyp');
    assert.deepEqual(server.violations, []);
  });

  it('gives what models of a name like this make', async (t) => {
    const { server, post } = await setUp(t, { delayMs: 1 });
    const outputOf = async (model: string, input: object) => {
      await post(`/models/${model}/predictions`, { input });
      while (server.running.now > 0) await sleep(10);
      return server.predictions.at(-1)?.output;
    };
    const typeOf = async (output: unknown) => {
      const response = await fetch(String(output));
      const bytes = Buffer.from(await response.arrayBuffer());
      return `${response.headers.get('content-type')} ${bytes.length > 100}`;
    };
    for (const model of ['openai/gpt-5-mini', 'openai/gpt-4o-transcribe']) {
      const words = await outputOf(model, {});
      assert.ok(Array.isArray(words) && words.every((word) => typeof word === 'string'), model);
    }
    const transcript = await outputOf('openai/whisper', {});
    assert.equal(typeof (transcript as { transcription: string }).transcription, 'string');
    const speech = await outputOf('minimax/speech-02-turbo', { text: 'x' });
    assert.equal(await typeOf(speech), 'audio/mpeg true');
    const picture = await outputOf('black-forest-labs/flux-2-pro', { aspect_ratio: '3:4' });
    assert.equal(await typeOf(picture), 'image/jpeg true');
    const several = await outputOf('black-forest-labs/flux-dev-lora', {
      ...{ num_outputs: 3, output_format: 'png' },
    });
    assert.ok(Array.isArray(several) && several.length === 3);
    assert.equal(await typeOf(several[2]), 'image/png true');
    assert.equal(new Set(several).size, 3);
    const clip = await outputOf('xai/grok-imagine-video', { duration: 1 });
    assert.equal(await typeOf(clip), 'video/mp4 true');
  });

  it('gives what a test decides, by the request and its files', async (t) => {
    const seen: string[] = [];
    const { server, post } = await setUp(t, {
      delayMs: 1,
      outputOf: ({ model, files }) => {
        seen.push(`${model} ${files['images']}`);
        return { value: { text: 'as decided' } };
      },
    });
    const images = ['one', 'two'].map((text) => `data:text/plain;base64,${btoa(text)}`);
    await post('/models/a/b/predictions', { input: { images } });
    while (server.running.now > 0) await sleep(10);
    assert.deepEqual(server.predictions[0]?.output, { text: 'as decided' });
    assert.deepEqual(seen, ['a/b one,two']);
  });

  it('trains only into a private model that is there, and takes note of a public one', async (t) => {
    const models = [{ name: 'open', visibility: 'public' }, { name: 'closed' }] as const;
    const { server, post } = await setUp(t, { models });
    const train = (destination: string, more: Record<string, string> = {}) =>
      post('/models/a/trainer/versions/v/trainings', { destination, input: {} }, more);
    assert.equal((await train('loopback/missing')).status, 404);
    assert.equal((await train('loopback/closed')).status, 201);
    assert.deepEqual(server.violations, []);
    await train('loopback/open');
    await train('loopback/closed', { 'cancel-after': '60m' });
    assert.equal(server.violations.length, 2, server.violations.join());
    while (server.running.now > 0) await sleep(10);
    assert.equal(server.models[1]?.versions.length, 2);
    const bought = (version: string) => post('/predictions', { version, input: {} });
    assert.equal((await bought('loopback/closed:gone')).status, 422);
    assert.equal((await bought(`loopback/closed:${server.models[1]?.versions[0]}`)).status, 201);
  });

  it('counts how many predictions run at once', async (t) => {
    const { server, post } = await setUp(t);
    server.script(() => ({ outcome: 'fail', delayMs: 500 }));
    await Promise.all([1, 2, 3].map(() => post('/models/a/b/predictions', { input: {} })));
    assert.deepEqual(server.running, { now: 3, peak: 3 });
    while (server.running.now > 0) await sleep(10);
    assert.equal(server.running.peak, 3);
  });

  it('fails a prediction whose uploaded file has expired', async (t) => {
    const { server, post } = await setUp(t, { fileLifetimeMs: 0, delayMs: 1 });
    const form = new FormData();
    form.append('content', new File(['x'], 'a.jpg', { type: 'image/jpeg' }));
    const headers = { authorization: `Bearer ${server.token}` };
    const sent = await fetch(`${server.baseUrl}/files`, { method: 'POST', headers, body: form });
    const { urls } = (await sent.json()) as { urls: { get: string } };
    await post('/models/a/b/predictions', { input: { start_image: urls.get } });
    while (server.running.now > 0) await sleep(5);
    assert.match(String(server.predictions[0]?.error), /Failed to download/);
  });

  it('takes note of a missing token, an unknown field and an odd deadline', async (t) => {
    const { server, post } = await setUp(t);
    const path = '/models/a/b/predictions';
    const body = { input: {} };
    assert.equal((await post(path, body, { authorization: 'Bearer x' })).status, 401);
    assert.equal((await post(path, { ...body, cancel_after: 5 })).status, 422);
    await post(path, body, { 'cancel-after': '5 minutes' });
    assert.equal(server.violations.length, 3, server.violations.join('\n'));
    assert.equal(server.predictions.length, 1);
  });

  it('takes note of bodies and answers that are not as the document says', async (t) => {
    const folder = await folderOf(t, { 'spec.json': openApi });
    const { server, post } = await setUp(t, { specPath: join(folder, 'spec.json') });
    await post('/predictions', { version: 'a/b', input: {} });
    assert.deepEqual(server.violations, []);
    await post('/predictions', { version: 7, input: {} });
    assert.match(server.violations[0] ?? '', /\/version must be string/);
    await fetch(`${server.baseUrl}/predictions`, {
      headers: { authorization: `Bearer ${server.token}` },
    });
    assert.match(server.violations.at(-1) ?? '', /GET \/predictions: no such operation|never/);
  });

  it("takes note of an input that is not as the model's schema says", async (t) => {
    const schema = {
      type: 'object',
      required: ['prompt'],
      properties: {
        prompt: { type: 'string' },
        end_image: uri,
        duration: { allOf: [{ $ref: '#/components/schemas/duration' }], default: 5 },
      },
    };
    const schemasDir = await folderOf(t, { 'morpher.schema.json': schema });
    const { server, post } = await setUp(t, { schemasDir });
    const ask = (input: object) => post('/models/a/morpher/predictions', { input });
    await ask({ prompt: 'x', duration: 10, end_image: 'https://x.example/a.jpg' });
    await ask({ prompt: 'x', end_image: null });
    await post('/models/a/unknown-model/predictions', { input: { any: 1 } });
    assert.deepEqual(server.violations, []);
    await ask({ duration: 10 });
    await ask({ prompt: 'x', duration: '10' });
    await ask({ prompt: 'x', end_image: 'no uri' });
    await ask({ prompt: 'x', prompt_optimizer: true });
    assert.ok(server.violations.length >= 4);
    for (const words of [/prompt/, /duration must be number/, /"uri"/, /additional/]) {
      assert.ok(
        server.violations.some((text) => words.test(text)),
        String(words),
      );
    }
  });
});
