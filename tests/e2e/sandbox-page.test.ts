import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { type Browser, chromium, type Locator, type Page } from 'playwright-core';
import sharp from 'sharp';
import { WORDS } from '../../src/sandbox/page/words.ts';
import { words as botWords } from '../support/morphs.ts';
import { startProcess } from '../support/processes.ts';
import { quickTools } from '../support/quick-tools.ts';

const ROOT = join(import.meta.dirname, '../..');
const SAMPLES = join(ROOT, 'src/sandbox/page/samples');
const SCREENSHOTS = join(import.meta.dirname, 'screenshots');
const PATIENT = { timeout: 150_000 } as const;
/** Set, the picture of the README is taken anew. */
const WANTS_PICTURE = process.env['README_PICTURE'] !== undefined;
const README_PICTURE = join(ROOT, 'src/bot/assets/chat.jpg');

const CHROMIUM = [
  process.env['CHROMIUM_PATH'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/opt/google/chrome/chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
].find((path) => path !== undefined && existsSync(path));

/** What is asked of a video in the page; the types of a browser are none of ours. */
interface Video {
  currentTime: number;
  readonly videoWidth: number;
  readonly videoHeight: number;
  onseeked: (() => void) | null;
  ontimeupdate: (() => void) | null;
  pause(): void;
}

/** The sandbox as `npm run sandbox` starts it, and a browser. */
async function open(t: TestContext): Promise<{ browser: Browser; url: string }> {
  const tools = await quickTools();
  const dataDir = await mkdtemp(join(tmpdir(), 'sandbox-page-'));
  const sandbox = startProcess(join(ROOT, 'src/main.ts'), {
    args: ['sandbox'],
    // A token of an operator must not get into the sandbox: this one would not even be accepted.
    env: {
      ...{ SANDBOX_PORT: '0', DATA_DIR: dataDir, BOT_TOKEN: 'real', DATABASE_URL: 'postgres://x' },
      ...{ FFMPEG_PATH: tools.ffmpegPath, FFPROBE_PATH: tools.ffprobePath },
    },
  });
  t.after(async () => {
    const { code } = await sandbox.kill('SIGTERM');
    const log = await readFile(join(dataDir, 'sandbox/bot.log'), 'utf8').catch(() => '');
    t.diagnostic(log.slice(-2_000));
    await rm(dataDir, { recursive: true, force: true });
    assert.equal(code, 0, sandbox.output());
  });
  const [, url = ''] = await sandbox.waitFor(/^The sandbox is ready: (http:\S+)\n$/, 30_000);
  const browser = await chromium.launch({
    ...(CHROMIUM === undefined ? {} : { executablePath: CHROMIUM }),
    args: ['--no-sandbox'],
  });
  t.after(() => browser.close());
  await mkdir(SCREENSHOTS, { recursive: true });
  return { browser, url };
}

/** Somebody in front of the page. */
interface Visitor {
  readonly page: Page;
  /** What the page did that it should not: errors, and requests that leave this machine. */
  readonly complaints: string[];
  /** The newest button with this name in the chat. */
  button(name: RegExp | string): Locator;
  /** The newest message with this text. */
  message(text: RegExp): Locator;
  write(text: string): Promise<void>;
  shoot(name: string): Promise<void>;
}

async function visit(
  browser: Browser,
  url: string,
  options: {
    person: string;
    language: 'en' | 'ru';
    size: { width: number; height: number };
    scale?: number;
    dark?: boolean;
  },
): Promise<Visitor> {
  const { person, language, size, scale = 1, dark = false } = options;
  const context = await browser.newContext({
    viewport: size,
    deviceScaleFactor: scale,
    colorScheme: dark ? 'dark' : 'light',
    acceptDownloads: true,
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('request', (request) => {
    const address = request.url();
    if (!address.startsWith(url) && !/^(blob|data):/.test(address)) complaints.push(address);
  });
  await page.goto(url);
  const people = page.getByRole('navigation');
  const back = page.getByRole('button', { name: WORDS.en.back });
  await page.getByRole('main').waitFor();
  if (await back.isVisible()) await back.click();
  await people.getByRole('button', { name: person }).click();
  await page.getByRole('heading', { name: 'Morphogram' }).first().waitFor();
  const chat = page.getByRole('log');
  return {
    page,
    complaints,
    button: (name) => chat.getByRole('button', { name }).last(),
    message: (text) => chat.getByRole('article').filter({ hasText: text }).last(),
    async write(text) {
      await page.getByRole('textbox', { name: WORDS[language].message }).fill(text);
      await page.keyboard.press('Enter');
    },
    shoot: async (name) => {
      await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
    },
  };
}

/** A photo as it lies on somebody's desk. */
interface Photo {
  readonly name: string;
  readonly bytes: Buffer;
}

function sample(name: string): Promise<Photo> {
  return readFile(join(SAMPLES, name)).then((bytes) => ({ name, bytes }));
}

/** A square out of a sample, so that a face fills the video. */
async function closeUp(name: string, left: number, top: number, side: number): Promise<Photo> {
  const square = { left, top, width: side, height: side };
  const picture = sharp(join(SAMPLES, name)).extract(square).resize(720, 720);
  return { name: `close-${name}`, bytes: await picture.jpeg({ quality: 90 }).toBuffer() };
}

/** Drags files from outside and drops them where photos go. */
async function drop(page: Page, photos: readonly Photo[]): Promise<void> {
  const files = photos.map(({ name, bytes }) => ({ name, base64: bytes.toString('base64') }));
  const transfer = await page.evaluateHandle(`(() => {
    const transfer = new DataTransfer();
    for (const { name, base64 } of ${JSON.stringify(files)}) {
      const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
      transfer.items.add(new File([bytes], name, { type: 'image/jpeg' }));
    }
    return transfer;
  })()`);
  await page.dispatchEvent('main', 'dragenter', { dataTransfer: transfer });
  await page.dispatchEvent('[data-as="photo"]', 'drop', { dataTransfer: transfer });
}

/** From Start to the quote. */
async function askForQuote(
  { page, button, message }: Visitor,
  language: 'en' | 'ru',
  photos: readonly Photo[],
): Promise<void> {
  const own = botWords[language];
  await page.getByRole('button', { name: WORDS[language].start, exact: true }).click();
  await button(/Morph ·|Морф ·/).click(PATIENT);
  await button(own.skip).click(PATIENT);
  await message(/ZIP/).waitFor(PATIENT);
  await drop(page, photos);
  const dialog = page.getByRole('dialog');
  await dialog
    .getByRole('img')
    .nth(photos.length - 1)
    .waitFor();
  await dialog.getByRole('button', { name: WORDS[language].send, exact: true }).click();
  await message(new RegExp(`${photos.length} (photos|фото)`)).waitFor(PATIENT);
  await button(own.done).click(PATIENT);
  await button(own.loop).waitFor(PATIENT);
}

/** A video moves, and has a picture. */
async function assertPlays(video: Locator): Promise<{ width: number; height: number }> {
  await video.waitFor(PATIENT);
  await video.scrollIntoViewIfNeeded();
  return video.evaluate(
    (one: Video) =>
      new Promise<{ width: number; height: number }>((resolve, reject) => {
        const { currentTime: before } = one;
        const timer = setTimeout(() => reject(new Error('the video does not play')), 20_000);
        one.ontimeupdate = () => {
          const { currentTime: now, videoWidth: width, videoHeight: height } = one;
          if (now === before || now === 0 || width === 0) return;
          clearTimeout(timer);
          one.ontimeupdate = null;
          resolve({ width, height });
        };
      }),
  );
}

/** Buys stars by the invoice that a button of the bot asks for; the purse is empty at first. */
async function payFor(
  { page, button }: Visitor,
  language: 'en' | 'ru',
  asking: RegExp,
): Promise<void> {
  const own = WORDS[language];
  await button(asking).click(PATIENT);
  await button(language === 'en' ? /Accept$/ : /Принимаю$/).click(PATIENT);
  await button(language === 'en' ? /^Pay \d+\s*$/ : /^Оплатить \d+\s*$/).click(PATIENT);
  const dialog = page.getByRole('dialog');
  const confirm = dialog.getByRole('button', { name: own.payStars });
  await confirm.click();
  await dialog.getByRole('button', { name: /^250 / }).click();
  await confirm.click();
  await page.locator('.service').last().waitFor(PATIENT);
}

/** The original comes from below its caption. */
async function assertDownloads({ page, message }: Visitor, caption: RegExp, name: RegExp) {
  const link = message(caption).getByRole('link');
  const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);
  assert.match(download.suggestedFilename(), name);
  const bytes = await readFile(await download.path());
  assert.equal(bytes.toString('latin1', 4, 8), 'ftyp');
}

/** Nothing is wider than the page, and whatever can be pressed has a name. */
async function assertGood({ page, complaints }: Visitor): Promise<void> {
  const [inner, outer] = (await page.evaluate(
    '[document.documentElement.scrollWidth, innerWidth]',
  )) as [number, number];
  assert.ok(inner <= outer, `${inner} px in ${outer} px`);
  const nameless = await page.evaluate(`[...document.querySelectorAll('button, input, textarea')]
    .filter((one) => one.checkVisibility({ visibilityProperty: true }))
    .filter((one) => !(one.ariaLabel || one.textContent.trim() || one.labels?.length))
    .map((one) => one.outerHTML.slice(0, 120))`);
  assert.deepEqual(nameless, []);
  assert.deepEqual(complaints, []);
}

const TITLE =
  'a newcomer gets a morph on the page: in both languages, on a desk and on a phone, paid with stars, over a killed bot and a broken provider';

it(TITLE, {
  timeout: 240_000,
  skip: CHROMIUM === undefined && 'no Chromium here: set CHROMIUM_PATH',
}, async (t) => {
  const { browser, url } = await open(t);
  // The provider is to fail for one of them alone.
  const repaired = Promise.withResolvers<void>();

  async function inEnglishOnADesk(): Promise<void> {
    const size = { width: 900, height: 925 };
    const scale = WANTS_PICTURE ? 2 : 1;
    const ann = await visit(browser, url, { person: 'Ann', language: 'en', size, scale });
    const { page, button, message } = ann;
    const photos = await Promise.all([
      closeUp('1-astronaut.jpg', 66, 0, 330),
      closeUp('2-admiral.jpg', 20, 0, 480),
      closeUp('3-cat.jpg', 130, 0, 426),
    ]);
    await askForQuote(ann, 'en', photos);
    await message(/Loop — 3 transitions · \d+ s · \d+\.\d\d ⭐/).waitFor();
    await message(/in the order they will appear/)
      .getByRole('img')
      .waitFor();
    await ann.shoot('quote-en-desk');
    await button(/preview/i).click();
    await assertPlays(message(/^(?!.*Making).*preview/is).locator('video'));
    await button(botWords.en.seamless).click();
    await button(/Top up/).click(PATIENT);
    await payFor(ann, 'en', /^50\b/);
    await button(/^Continue$/).click(PATIENT);
    await repaired.promise;
    await button(botWords.en.confirm).click(PATIENT);
    await message(/\d of 2 transitions/).waitFor(PATIENT);

    await page.getByRole('button', { name: WORDS.en.showTrouble }).click();
    const panel = page.getByRole('complementary', { name: WORDS.en.trouble });
    await panel.getByRole('button', { name: WORDS.en.kill }).click();
    await panel.getByText(WORDS.en.phaseRestarting).waitFor();
    assert.equal(await message(botWords.en.enjoy).count(), 0, 'there was work to be killed');
    await ann.shoot('killed-en-desk');
    await panel.getByText(WORDS.en.phaseRunning, { exact: true }).waitFor(PATIENT);
    await panel.getByText('restarted 1 time').waitFor();
    await panel.getByRole('button', { name: WORDS.en.hideTrouble }).click();

    await message(botWords.en.enjoy).waitFor(PATIENT);
    const result = message(/Your morph: 2 transitions/);
    const { width, height } = await assertPlays(result.locator('video'));
    assert.ok(width >= 480 && height >= 480, `${width}x${height}`);
    await pose(result.locator('video'));
    await ann.shoot('chat');
    if (WANTS_PICTURE) await takePicture(page);
    await result.getByRole('button', { name: /Play the video/ }).click();
    await assertPlays(result.locator('video[controls]'));
    await assertDownloads(ann, /The original in full quality/, /^morph-3-photos-.*\.mp4$/);
    await assertGood(ann);
  }

  async function inRussianOnAPhone(): Promise<void> {
    const size = { width: 360, height: 740 };
    const options = { person: 'Борис', language: 'ru', size, dark: true } as const;
    const boris = await visit(browser, url, options);
    const { page, button, message } = boris;
    const names = ['7-dusk.jpg', '8-night.jpg'];
    await askForQuote(boris, 'ru', await Promise.all(names.map(sample)));
    await assertGood(boris);
    await boris.shoot('quote-ru-phone');
    await button(/Предпросмотр/).click();
    await assertPlays(message(/^(?!.*Делаю).*предпросмотр/is).locator('video'));
    await button(botWords.ru.loop).click();

    await page.getByRole('button', { name: WORDS.ru.showTrouble }).click();
    const panel = page.getByRole('complementary', { name: WORDS.ru.trouble });
    await panel.getByRole('button', { name: WORDS.ru.faults.provider }).click();
    await boris.shoot('trouble-ru-phone');
    await panel.getByRole('button', { name: WORDS.ru.hideTrouble }).click();
    await payFor(boris, 'ru', /^Оплатить .*и начать$/);

    await message(botWords.ru.enjoy).waitFor(PATIENT);
    repaired.resolve();
    const last = await message(botWords.ru.enjoy).textContent();
    assert.match(last ?? '', /Переход \d заменён более простым нашим/);
    assert.match(last ?? '', /1[.,]87 ⭐ вернулись на ваш баланс/);
    await assertPlays(message(/Ваш морф/).locator('video'));
    await boris.shoot('video-ru-phone');
    await assertDownloads(boris, /Оригинал в полном качестве/, /\.mp4$/);
    await assertGood(boris);
    // Its videos would go on playing.
    await page.context().close();
  }

  const ways = [inEnglishOnADesk(), inRussianOnAPhone().finally(repaired.resolve)];
  await Promise.all(ways).catch(async (error: unknown) => {
    const pages = browser.contexts().flatMap((context) => context.pages());
    for (const [index, page] of pages.entries()) {
      await page.screenshot({ path: join(SCREENSHOTS, `failed-${index}.png`) });
    }
    throw error;
  });
});

/** Stops a video half-way between two faces. */
async function pose(video: Locator): Promise<void> {
  await video.evaluate(
    (one: Video) =>
      new Promise<void>((resolve) => {
        one.pause();
        one.onseeked = () => resolve();
        one.currentTime = 1.05;
      }),
  );
  await video.page().mouse.move(0, 0);
}

/** The picture of the README. */
async function takePicture(page: Page): Promise<void> {
  // Until the date that shows while one scrolls is gone.
  await page.waitForTimeout(2_000);
  const picture = sharp(await page.screenshot()).resize({ width: 1240 });
  await picture.jpeg({ quality: 80, mozjpeg: true }).toFile(README_PICTURE);
}
