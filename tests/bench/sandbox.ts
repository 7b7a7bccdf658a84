import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Message } from 'grammy/types';
import { applyChange, createEmptyState, type PageState } from '../../src/sandbox/page/state.ts';
import type { WorldChange } from '../../src/sandbox/page/wire.ts';
import { words } from '../support/morphs.ts';
import { useDirectory } from '../support/pictures.ts';
import { type Bench, spread } from './measure.ts';

const ROOT = join(import.meta.dirname, '../..');
const SAMPLES = join(ROOT, 'src/sandbox/page/samples');
const REPETITIONS = 3;
const PHOTOS = 3;
const START_GOAL_SECONDS = 5;
const MORPH_GOAL_SECONDS = 20;
const TIMEOUT_MS = 180_000;
const LOOK_EVERY_MS = 20;
const ANN = 1001;
const OLGA = 1003;

/** What somebody in front of the page waits for, each time in a sandbox just started. */
export const sandbox: Bench = {
  name: 'sandbox',
  about: `\`npm run sandbox\` from its second start on, and a morph of ${PHOTOS} photos in it`,
  async run() {
    await using directory = await useDirectory();
    const starts: number[] = [];
    const morphs: number[] = [];
    for (let round = 0; round <= REPETITIONS; round += 1) {
      const { startSeconds, morphSeconds } = await visit(directory.path);
      // The first one makes the database and warms the caches.
      if (round === 0) continue;
      starts.push(startSeconds);
      morphs.push(morphSeconds);
    }
    return [
      finding('from the command to a bot that serves', starts, START_GOAL_SECONDS),
      finding('from Confirm to the video and its document', morphs, MORPH_GOAL_SECONDS),
    ];
  },
};

function finding(what: string, seconds: readonly number[], goalSeconds: number) {
  return {
    what,
    ours: `${spread(seconds).median.toFixed(1)} s`,
    baseline: `${goalSeconds} s`,
    ratio: spread(seconds.map((each) => each / goalSeconds)),
    goal: { atMost: 1 },
  };
}

/** One start, one morph, one stop. */
async function visit(dataDir: string) {
  await mkdir(dataDir, { recursive: true });
  const startedAt = performance.now();
  const child = spawn(process.execPath, [join(ROOT, 'src/main.ts'), 'sandbox'], {
    env: { PATH: process.env['PATH'], SANDBOX_PORT: '0', DATA_DIR: dataDir },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  try {
    const [ready] = await once(child.stdout, 'data', { signal: AbortSignal.timeout(TIMEOUT_MS) });
    await using page = openPage(/http:\S+/.exec(`${ready}`)?.[0] ?? '');
    await page.until(({ process }) => process.phase === 'running');
    const startSeconds = secondsSince(startedAt);
    return { startSeconds, morphSeconds: await orderMorph(page) };
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
}

type Page = ReturnType<typeof openPage>;

/** From /morph to the delivered video, with stars from the admin; returns how long it took from Confirm on. */
async function orderMorph(page: Page): Promise<number> {
  await page.say(ANN, '/start');
  await page.say(OLGA, '/start');
  const granted = await page.say(OLGA, `/grant ${ANN} 100`);
  await page.message(OLGA, granted, ({ text }) => /has \d/.test(text ?? ''));
  const after = await page.say(ANN, '/morph');
  const { askPhotos, skip } = words.en;
  const isAsked = ({ text }: Message) => askPhotos.test(text ?? '');
  const asked = await page.message(
    ANN,
    after,
    (message) => isAsked(message) || findButton(message, skip) !== undefined,
  );
  if (!isAsked(asked)) await page.press(ANN, after, skip);
  await page.message(ANN, after, isAsked);
  await page.sendPhotos(ANN);
  await page.message(ANN, after, ({ text }) => words.en.counted(PHOTOS).test(text ?? ''));
  await page.press(ANN, after, words.en.done);
  await page.press(ANN, after, words.en.seamless);
  const confirmedAt = performance.now();
  await page.press(ANN, after, words.en.confirm);
  await page.message(ANN, after, ({ video }) => video !== undefined);
  await page.message(ANN, after, ({ document }) => document !== undefined);
  return secondsSince(confirmedAt);
}

/** What the page in a browser does: it follows the events, and posts what its person does. */
function openPage(url: string) {
  let state: PageState = createEmptyState();
  const closing = new AbortController();
  const following = follow(url, closing.signal, (change) => {
    state = applyChange(state, change);
  });

  async function post(path: string, body: FormData | string): Promise<Message[]> {
    const response = await fetch(`${url}/api${path}`, { method: 'POST', body });
    if (!response.ok) throw new Error(`${path}: ${await response.text()}`);
    return (await response.json()) as Message[];
  }
  async function until(isSo: (state: PageState) => boolean): Promise<void> {
    for (const deadline = Date.now() + TIMEOUT_MS; !isSo(state); ) {
      if (Date.now() > deadline) throw new Error(`In vain: ${JSON.stringify(state.chats)}`);
      await sleep(LOOK_EVERY_MS);
    }
  }
  /** The newest message behind another that is as it should be. */
  async function message(personId: number, after: number, fits: (message: Message) => boolean) {
    const find = () =>
      state.chats[personId]?.messages.findLast((one) => one.message_id > after && fits(one));
    await until(() => find() !== undefined);
    const found = find();
    if (found === undefined) throw new Error('It is gone');
    return found;
  }

  return {
    until,
    message,
    async say(personId: number, text: string): Promise<number> {
      const [said] = await post(`/people/${personId}/text`, JSON.stringify({ text }));
      return said?.message_id ?? 0;
    },
    async press(personId: number, after: number, label: RegExp): Promise<void> {
      const hasButton = (one: Message) => findButton(one, label) !== undefined;
      const pressed = await message(personId, after, hasButton);
      const { message_id: messageId } = pressed;
      const data = findButton(pressed, label);
      await post(`/people/${personId}/press`, JSON.stringify({ messageId, data }));
    },
    async sendPhotos(personId: number): Promise<void> {
      const form = new FormData();
      form.set('as', 'photo');
      const names = (await readdir(SAMPLES)).filter((name) => name.endsWith('.jpg')).sort();
      for (const name of names.slice(0, PHOTOS)) {
        form.append('file', new Blob([await readFile(join(SAMPLES, name))]), name);
      }
      await post(`/people/${personId}/files`, form);
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      await following;
    },
  };
}

async function follow(
  url: string,
  signal: AbortSignal,
  hear: (change: WorldChange) => void,
): Promise<void> {
  try {
    const { body } = await fetch(`${url}/events`, { signal });
    let text = '';
    for await (const part of body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const events = (text + part).split('\n\n');
      text = events.pop() ?? '';
      for (const event of events) {
        const data = /^data: (\{.*)$/m.exec(event)?.[1];
        if (data !== undefined) hear(JSON.parse(data) as WorldChange);
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function findButton({ reply_markup: markup }: Message, label: RegExp): string | undefined {
  const button = markup?.inline_keyboard.flat().find(({ text }) => label.test(text));
  return button !== undefined && 'callback_data' in button ? button.callback_data : undefined;
}

function secondsSince(startMs: number): number {
  return (performance.now() - startMs) / 1000;
}
