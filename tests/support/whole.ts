import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Db, openDatabase } from '../../src/db/database.ts';
import { auditLedger } from '../../src/ledger/audit.ts';
import type { BotApiServer } from '../../src/sandbox/bot-api-server.ts';
import { createPerson, type Person } from './chat.ts';
import { type DatabasePlace, prepareTestDatabase } from './database.ts';
import { type RunningProcess, startProcess } from './processes.ts';
import { quickTools } from './quick-tools.ts';
import { type ReplicateServer, startReplicateServer } from './replicate-server.ts';
import { startSandbox, testToken } from './sandbox.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const QUICK = join(import.meta.dirname, 'quick-bot.ts');
const ADMIN = 900;

/** The whole system as a person meets it: the bot as a process of its own between two servers. */
export interface Whole {
  readonly telegram: BotApiServer;
  readonly replicate: ReplicateServer;
  readonly place: DatabasePlace;
  readonly admin: Person;
  /** The settings that `start` adds to. */
  readonly env: Readonly<Record<string, string>>;
  /** The running process; after `restart` another one. */
  bot(): RunningProcess;
  person(language?: 'en' | 'ru'): Person;
  /** Starts the bot with further settings and waits until it serves. */
  start(env?: Readonly<Record<string, string>>): Promise<RunningProcess>;
  /** kill -9, and not a moment to say goodbye. */
  crash(): Promise<void>;
  /** Ends the bot the polite way. */
  stop(): Promise<void>;
  /** Looks into the stopped bot's database. */
  look<T>(read: (db: Db) => Promise<T>): Promise<T>;
  /** Has the admin grant stars, the way admins do. */
  grant(person: Person, stars: string): Promise<void>;
  /** Audits the stopped bot's ledger; fails on a difference. */
  audit(): Promise<void>;
}

/** Servers and an unstarted bot for one test; everything ends with it, and nobody broke an API's rules. */
export async function prepareWhole(
  t: TestContext,
  options: {
    /** How long predictions take, in milliseconds. */
    readonly delayMs?: number;
    readonly maxDownloadBytes?: number;
    /** With pauses and patience shortened (quick-bot.ts). */
    readonly quick?: boolean;
    /** Where its data lie; a temporary directory by default. */
    readonly directory?: string;
    /** With the ffmpeg that is found first, as for an operator; by default with the quickest. */
    readonly firstTools?: boolean;
  } = {},
): Promise<Whole> {
  const { delayMs = 100, quick = false, directory, firstTools = false, ...sandbox } = options;
  const tools = await quickTools();
  const telegram = await startSandbox(t, sandbox);
  const replicate = await startReplicateServer({ delayMs });
  const place = await prepareTestDatabase(directory);
  let running: RunningProcess | undefined;
  let people = 0;
  t.after(async () => {
    await running?.kill('SIGKILL');
    t.diagnostic(running?.output() ?? 'the bot never ran');
    await replicate.close();
    await place.remove();
    assert.deepEqual(replicate.violations, []);
  });

  const env = {
    BOT_TOKEN: testToken,
    TELEGRAM_API_ROOT: telegram.url,
    REPLICATE_API_TOKEN: replicate.token,
    REPLICATE_BASE_URL: replicate.baseUrl,
    ADMIN_IDS: String(ADMIN),
    PORT: '0',
    ...(firstTools ? {} : { FFMPEG_PATH: tools.ffmpegPath, FFPROBE_PATH: tools.ffprobePath }),
    ...place.env,
  };
  const whole: Whole = {
    telegram,
    replicate,
    place,
    env,
    admin: createPerson(telegram, { id: ADMIN, firstName: 'Olga', language: 'en' }),
    bot() {
      if (!running) throw new Error('The bot was not started');
      return running;
    },
    person(language = 'en') {
      people += 1;
      const firstName = language === 'ru' ? 'Борис' : 'Ann';
      return createPerson(telegram, { id: 1000 + people, firstName, language });
    },
    async start(more = {}) {
      running = startProcess(quick ? QUICK : MAIN, { env: { ...env, ...more } });
      await running.waitFor(/Morphogram is up/, 60_000);
      return running;
    },
    async crash() {
      await whole.bot().kill('SIGKILL');
    },
    async stop() {
      const { code } = await whole.bot().kill('SIGTERM');
      assert.equal(code, 0, whole.bot().output());
    },
    async look(read) {
      const database = await openDatabase(place.options);
      try {
        return await read(database.db);
      } finally {
        await database.close();
      }
    },
    async grant(person, stars) {
      const { message_id } = whole.admin.say(`/grant ${person.id} ${stars}`);
      await whole.admin.waitForMessage({ text: /⭐/ }, { after: message_id });
    },
    async audit() {
      assert.deepEqual((await whole.look(auditLedger)).differences, []);
    },
  };
  return whole;
}
