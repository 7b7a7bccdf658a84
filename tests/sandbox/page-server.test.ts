import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { request } from 'node:http';
import { describe, it, type TestContext } from 'node:test';
import type { BotProcess } from '../../src/sandbox/bot-process.ts';
import type { BotProcessState, PressResult, WorldChange } from '../../src/sandbox/page/wire.ts';
import { startPageServer } from '../../src/sandbox/page-server.ts';
import { PERSONAS } from '../../src/sandbox/sandbox-config.ts';
import { parseRange } from '../../src/sandbox/serve/file-response.ts';
import { startSandbox, testToken } from '../support/sandbox.ts';
import { createImage } from './fixtures.ts';

const ANN = 1001;

/** A page without a bot behind it: what the bot would do, the test does. */
async function openPage(t: TestContext) {
  const telegram = await startSandbox(t);
  for (const { id, firstName, language } of PERSONAS) {
    telegram.addUser({ id, first_name: firstName, language_code: language });
  }
  const sent: object[] = [];
  let kills = 0;
  let phase: BotProcessState['phase'] = 'running';
  const events: BotProcess['events'] = new EventEmitter();
  const bot: BotProcess = {
    get state() {
      return { phase, restarts: 0, sinceMs: 0 };
    },
    events,
    kill: () => {
      kills += 1;
    },
    send: (message) => phase === 'running' && sent.push(message) > 0,
    stop: async () => {},
  };
  const assets = new Map([['/', { bytes: Buffer.from('<p>'), mimeType: 'text/html' }]]);
  const page = await startPageServer({ port: 0, assets, telegram, bot, people: PERSONAS });
  t.after(() => page.close());
  const url = `http://127.0.0.1:${page.port}`;
  return {
    telegram,
    url,
    sent,
    /** The process enters a phase. */
    enter(next: BotProcessState['phase']) {
      phase = next;
      events.emit('change');
    },
    /** The process says something. */
    tell: (message: unknown) => events.emit('message', message),
    kills: () => kills,
    post: (path: string, body: unknown = {}) =>
      fetch(`${url}/api${path}`, { method: 'POST', body: JSON.stringify(body) }),
    /** Calls a method as the bot would. */
    call: async (method: string, body: object) => {
      const response = await fetch(`${telegram.url}/bot${testToken}/${method}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      return (await response.json()) as { ok: boolean; result: { message_id: number } };
    },
  };
}

/** Reads the stream of events until one is as it should be; returns all until then. */
async function follow(url: string, isEnough: (change: WorldChange) => boolean) {
  const stop = new AbortController();
  const response = await fetch(`${url}/events`, { signal: stop.signal });
  assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/);
  const changes: WorldChange[] = [];
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) {
      const data = /^data: (\{.*)$/m.exec(event)?.[1];
      if (data !== undefined) changes.push(JSON.parse(data) as WorldChange);
    }
    const last = changes.at(-1);
    if (last !== undefined && isEnough(last)) break;
  }
  stop.abort();
  return changes;
}

/** The status of a GET with any headers, also those that `fetch` does not let through. */
function statusOf(url: string, headers: Readonly<Record<string, string>>, method = 'GET') {
  return new Promise<number>((resolve, reject) => {
    request(url, { headers, method }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });
}

describe('what comes from another site is refused:', () => {
  for (const [title, path, headers, status] of [
    ['a name that somebody pointed at this machine', '/', { host: 'evil.example' }, 403],
    ['the same with our port', '/', { host: 'evil.example:8080' }, 403],
    ['a script of another site', '/events', { origin: 'https://evil.example' }, 403],
    ['a script of another port', '/events', { origin: 'http://localhost:1' }, 403],
    ['a page without an origin', '/', { origin: 'null' }, 403],
    ['a picture put into another site', '/files/x', { 'sec-fetch-site': 'cross-site' }, 403],
    ['but not a link to the page', '/', { 'sec-fetch-site': 'cross-site' }, 200],
    ['nor the page by its name', '/', { host: 'localhost:8080' }, 200],
  ] as const) {
    it(title, async (t) => {
      const { url } = await openPage(t);
      assert.equal(await statusOf(url + path, headers), status);
    });
  }

  it('a form that posts', async (t) => {
    const { url, kills } = await openPage(t);
    const headers = { origin: 'https://evil.example' };
    assert.equal(await statusOf(`${url}/api/bot/kill`, headers, 'POST'), 403);
    assert.equal(kills(), 0);
  });
});

describe('events', () => {
  it('begin with everything and go on with what changed', async (t) => {
    const { telegram, url, call } = await openPage(t);
    telegram.sendText(ANN, '/start');
    let began = false;
    const changes = await follow(url, (change) => {
      if (!began) {
        began = true;
        void call('sendMessage', { chat_id: ANN, text: 'Hello' });
      }
      return change.chats?.[ANN]?.messages?.at(-1)?.text === 'Hello';
    });
    const [first] = changes;
    assert.equal(first?.isWhole, true);
    assert.deepEqual(first?.people, PERSONAS);
    assert.equal(first?.process?.phase, 'running');
    assert.deepEqual(
      Object.keys(first?.chats ?? {}),
      PERSONAS.map(({ id }) => String(id)),
    );
    assert.deepEqual(first?.chats?.[ANN]?.facts?.waiting, [1], 'the bot has not read it');
    const last = changes.at(-1);
    assert.equal(last?.isWhole, false);
    assert.equal(last?.chats?.[ANN]?.messages?.length, 1);
    assert.equal(last?.chats?.[1002], undefined);
  });

  it('tell of edits, of what is gone, and that the bot has read', async (t) => {
    const { telegram, url, call } = await openPage(t);
    telegram.sendText(ANN, 'hi');
    const { result } = await call('sendMessage', { chat_id: ANN, text: 'one' });
    const gone = await call('sendMessage', { chat_id: ANN, text: 'two' });
    let steps = 0;
    const changes = await follow(url, (change) => {
      steps += 1;
      if (steps === 1) {
        const place = { chat_id: ANN, message_id: result.message_id };
        void call('editMessageText', { ...place, text: 'changed' });
        void call('deleteMessage', { chat_id: ANN, message_id: gone.result.message_id });
        const { update_id } = telegram.world.updates.waiting()[0] ?? { update_id: 0 };
        void call('getUpdates', { offset: update_id + 1, timeout: 0 });
      }
      return change.chats?.[ANN]?.facts?.waiting.length === 0;
    });
    const all = changes.slice(1).map((change) => change.chats?.[ANN]);
    assert.equal(all.flatMap((chat) => chat?.messages ?? []).at(-1)?.text, 'changed');
    assert.deepEqual(
      all.flatMap((chat) => chat?.removed ?? []),
      [gone.result.message_id],
    );
  });
});

describe('a person', () => {
  it('writes', async (t) => {
    const { telegram, post } = await openPage(t);
    const response = await post(`/people/${ANN}/text`, { text: ' /morph ' });
    assert.equal(response.status, 200);
    assert.equal(telegram.messages(ANN).at(-1)?.text, '/morph');
    assert.equal((await post(`/people/${ANN}/text`, { text: '  ' })).status, 400);
    assert.equal((await post('/people/5/text', { text: 'hi' })).status, 409);
  });

  it('sends an album, which reaches the bot whole', async (t) => {
    const { telegram, url } = await openPage(t);
    const form = new FormData();
    form.set('as', 'photo');
    form.set('caption', 'three');
    for (const width of [400, 500, 600]) {
      const bytes = await createImage(width, 300);
      form.append('file', new Blob([new Uint8Array(bytes)]), `${width}.jpg`);
    }
    const response = await fetch(`${url}/api/people/${ANN}/files`, { method: 'POST', body: form });
    assert.equal(response.status, 200);
    const messages = telegram.messages(ANN);
    assert.deepEqual(
      messages.map(({ photo, caption }) => [photo?.at(-1)?.width, caption]),
      [
        [400, 'three'],
        [500, undefined],
        [600, undefined],
      ],
    );
    assert.equal(new Set(messages.map((message) => message.media_group_id)).size, 1);
    assert.equal(telegram.world.updates.waiting().length, 3);
  });

  it('sends a file under its name, untouched', async (t) => {
    const { telegram, url } = await openPage(t);
    const form = new FormData();
    form.set('as', 'file');
    form.append('file', new Blob(['PK…'], { type: 'application/zip' }), 'фото.zip');
    await fetch(`${url}/api/people/${ANN}/files`, { method: 'POST', body: form });
    const [message] = telegram.messages(ANN);
    assert.equal(message?.document?.file_name, 'фото.zip');
    assert.equal(message?.document?.mime_type, 'application/zip');
    const bytes = telegram.fileBytes(message?.document?.file_id ?? '');
    assert.equal(Buffer.from(bytes).toString(), 'PK…');
  });

  it('sends sounds and videos as what they are meant to be', async (t) => {
    const { telegram, url } = await openPage(t);
    const send = async (as: string, more: Readonly<Record<string, string>> = {}) => {
      const form = new FormData();
      for (const [key, value] of Object.entries({ as, durationSeconds: '3.6', ...more })) {
        form.set(key, value);
      }
      form.append('file', new Blob(['OggS…'], { type: 'audio/ogg' }), 'hello.ogg');
      const response = await fetch(`${url}/api/people/${ANN}/files`, {
        method: 'POST',
        body: form,
      });
      return { status: response.status, message: telegram.messages(ANN).at(-1) };
    };
    const { voice, caption } = (await send('voice', { caption: 'listen' })).message ?? {};
    assert.deepEqual([voice?.duration, voice?.mime_type, caption], [4, 'audio/ogg', 'listen']);
    const { audio } = (await send('audio')).message ?? {};
    assert.deepEqual([audio?.duration, audio?.file_name], [4, 'hello.ogg']);
    assert.equal((await send('video')).message?.video?.duration, 4);
    assert.equal((await send('video_note')).message?.video_note?.duration, 4);
    assert.equal((await send('hologram')).status, 400);
    assert.equal((await send('voice', { durationSeconds: 'long' })).status, 400);
  });

  it('presses a button and gets the answer', async (t) => {
    const { telegram, post, call } = await openPage(t);
    const { result } = await call('sendMessage', { chat_id: ANN, text: 'Well?' });
    const pressed = post(`/people/${ANN}/press`, { messageId: result.message_id, data: 'yes' });
    let update = telegram.world.updates.waiting()[0];
    while (update === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      update = telegram.world.updates.waiting()[0];
    }
    const callback_query_id = update.callback_query?.id;
    await call('answerCallbackQuery', { callback_query_id, text: 'Fine', show_alert: true });
    const answer = (await (await pressed).json()) as PressResult;
    assert.deepEqual(answer, { text: 'Fine', showAlert: true });
  });

  it('fills the purse and pays from it', async (t) => {
    const { telegram, post, call } = await openPage(t);
    const { result } = await call('sendInvoice', {
      chat_id: ANN,
      title: '50 stars',
      description: 'Stars for morphs',
      payload: 'p',
      currency: 'XTR',
      prices: [{ label: 'Stars', amount: 50 }],
    });
    const pay = async () => (await post(`/people/${ANN}/pay`, result_id)).json();
    const result_id = { messageId: result.message_id };
    assert.deepEqual(await pay(), { kind: 'short', missing: 50 });
    await post(`/people/${ANN}/stars`, { count: 60 });
    assert.equal(telegram.stars(ANN), 60);
    const paying = pay();
    while (telegram.world.updates.waiting().length === 0) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const pre_checkout_query_id = telegram.world.updates.waiting()[0]?.pre_checkout_query?.id;
    await call('answerPreCheckoutQuery', { pre_checkout_query_id, ok: true });
    assert.equal(((await paying) as { kind: string }).kind, 'paid');
    assert.equal(telegram.stars(ANN), 10);
  });

  it('blocks the bot, and clears the chat', async (t) => {
    const { telegram, post, call } = await openPage(t);
    await post(`/people/${ANN}/text`, { text: 'hi' });
    await post(`/people/${ANN}/block`);
    assert.equal((await call('sendMessage', { chat_id: ANN, text: 'x' })).ok, false);
    await post(`/people/${ANN}/unblock`);
    assert.equal((await call('sendMessage', { chat_id: ANN, text: 'x' })).ok, true);
    await post(`/people/${ANN}/clear`);
    assert.deepEqual(telegram.messages(ANN), []);
  });

  it('takes the files they sent with them when they clear the chat, and no others', async (t) => {
    const { telegram, post, call } = await openPage(t);
    const bytes = await createImage(400, 300);
    const send = () => telegram.sendPhoto(ANN, bytes).photo?.map(({ file_id }) => file_id) ?? [];
    const own = send();
    const shown = send();
    const waiting = send();
    const boris = telegram.sendDocument(1002, bytes, { fileName: 'boris.jpg' });
    await call('sendPhoto', { chat_id: 1002, photo: shown.at(-1) });
    const [, , newest] = telegram.world.updates.waiting();
    await call('getUpdates', { offset: newest?.update_id });
    await post(`/people/${ANN}/clear`);
    const isKept = (fileId = '') => telegram.world.files.get(fileId) !== undefined;
    assert.deepEqual(own.filter(isKept), []);
    assert.ok([...shown, ...waiting, boris.document?.file_id].every(isKept));
    const next = telegram.world.files.get(send().at(-1) ?? '');
    const paths = [...shown, ...waiting].map((id) => telegram.world.files.get(id)?.path);
    assert.ok(next && !paths.includes(next.path), 'a new file takes the place of none');
  });
});

describe('trouble', () => {
  it('strikes the calls of the bot, and can be called off', async (t) => {
    const { telegram, post, call } = await openPage(t);
    await post('/faults', { name: 'flood' });
    assert.equal((await call('getMe', {})).ok, false);
    assert.ok(telegram.faults.pending > 0);
    await post('/faults/clear');
    assert.equal((await call('getMe', {})).ok, true);
    for (const name of ['slow', 'cut']) await post('/faults', { name });
    assert.ok(telegram.faults.pending > 10);
    assert.equal((await post('/faults', { name: 'meteor' })).status, 400);
  });

  it('that is still to strike is told by what it strikes', async (t) => {
    const { url, post } = await openPage(t);
    for (const name of ['cut', 'provider']) await post('/faults', { name });
    const [first] = await follow(url, () => true);
    assert.deepEqual(first?.faults, { calls: 4, downloads: 2, steps: 1 });
    await post('/faults/clear');
    const [calm] = await follow(url, () => true);
    assert.deepEqual(calm?.faults, { calls: 0, downloads: 0, steps: 0 });
  });

  it('at the provider outlives a kill, until it has struck', async (t) => {
    const { url, post, sent, enter, tell } = await openPage(t);
    const steps = async () => (await follow(url, () => true))[0]?.faults?.steps;
    await post('/faults', { name: 'provider' });
    enter('restarting');
    assert.equal((await post('/faults', { name: 'provider' })).status, 200);
    assert.equal(await steps(), 2);
    enter('running');
    assert.deepEqual(sent.at(-1), { fault: 'provider', times: 2, struck: [] });
    tell({ fault: 'provider', struck: 'a' });
    tell('hello');
    assert.equal(await steps(), 1);
    enter('restarting');
    enter('running');
    assert.deepEqual(sent.at(-1), { fault: 'provider', times: 1, struck: ['a'] });
    await post('/faults/clear');
    const { length } = sent;
    enter('restarting');
    enter('running');
    assert.equal(sent.length, length, 'there is nothing to tell');
  });

  it('reaches the provider through the process, and can kill it', async (t) => {
    const { post, sent, kills } = await openPage(t);
    await post('/faults', { name: 'provider' });
    assert.deepEqual(sent, [{ fault: 'provider', times: 1, struck: [] }]);
    await post('/faults/clear');
    assert.deepEqual(sent.at(-1), { fault: 'provider', times: 0, struck: [] });
    await post('/bot/kill');
    assert.equal(kills(), 1);
  });
});

describe('files', () => {
  it('come whole, in ranges, or under a name', async (t) => {
    const { telegram, url } = await openPage(t);
    const bytes = await createImage(400, 300);
    const { photo } = telegram.sendPhoto(ANN, bytes);
    const file = `${url}/files/${photo?.at(-1)?.file_id}`;
    const whole = await fetch(file);
    assert.equal(whole.headers.get('content-type'), 'image/jpeg');
    assert.deepEqual(Buffer.from(await whole.arrayBuffer()), bytes);
    const part = await fetch(file, { headers: { range: 'bytes=10-19' } });
    assert.equal(part.status, 206);
    assert.equal(part.headers.get('content-range'), `bytes 10-19/${bytes.length}`);
    assert.deepEqual(Buffer.from(await part.arrayBuffer()), bytes.subarray(10, 20));
    assert.equal((await fetch(file, { headers: { range: 'bytes=9999999-' } })).status, 416);
    const saved = await fetch(`${file}?save=${encodeURIComponent('я.jpg')}`);
    assert.equal(
      saved.headers.get('content-disposition'),
      `attachment; filename*=UTF-8''${encodeURIComponent('я.jpg')}`,
    );
    assert.equal((await fetch(`${url}/files/unknown`)).status, 404);
  });

  it('are never shown as a page', async (t) => {
    const { telegram, url } = await openPage(t);
    const html = Buffer.from('<script>alert(1)</script>');
    const options = { fileName: 'a.html', mimeType: 'text/html' };
    const { document } = telegram.sendDocument(ANN, html, options);
    const response = await fetch(`${url}/files/${document?.file_id}`);
    assert.equal(response.headers.get('content-type'), 'application/octet-stream');
    assert.match(response.headers.get('content-disposition') ?? '', /^attachment/);
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
  });

  for (const [header, size, expected] of [
    ['bytes=0-', 10, { start: 0, end: 9 }],
    ['bytes=2-4', 10, { start: 2, end: 4 }],
    ['bytes=2-400', 10, { start: 2, end: 9 }],
    ['bytes=-3', 10, { start: 7, end: 9 }],
    ['bytes=-30', 10, { start: 0, end: 9 }],
    ['bytes=10-', 10, 'unsatisfiable'],
    ['bytes=5-2', 10, 'unsatisfiable'],
    ['bytes=-', 10, undefined],
    ['bytes=0-1,3-4', 10, undefined],
  ] as const) {
    it(`the range ${header} of ${size} bytes`, () => {
      assert.deepEqual(parseRange(header, size), expected);
    });
  }
});
