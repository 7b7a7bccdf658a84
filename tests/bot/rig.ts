import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { type CreateBotDeps, createBot, type MorphBot } from '../../src/bot/create-bot.ts';
import type { BotTimings } from '../../src/bot/timings.ts';
import { NO_STARS, type Stars, stars } from '../../src/domain/stars.ts';
import type { StatementLine } from '../../src/ledger/ledger.ts';
import type { ChatPort, ResultVideo } from '../../src/orders/chat-port.ts';
import type { AdminDeed } from '../../src/people/admin-log.ts';
import { type Person as Known, languageOf, type People } from '../../src/people/people.ts';
import type { BotApiServer } from '../../src/sandbox/bot-api-server.ts';
import { createCatalogue } from '../../src/services/catalogue.ts';
import { imageMorphing } from '../../src/services/image-morphing.ts';
import type { Service } from '../../src/services/service.ts';
import { createPerson, type Person } from '../support/chat.ts';
import { createFakeBooks } from '../support/fake-books.ts';
import { createFakeOffice } from '../support/fake-office.ts';
import { createFakeOrders, type FakeOrders } from '../support/fake-orders.ts';
import { startSandbox, testToken } from '../support/sandbox.ts';

/** Short enough for tests, long enough to see that edits are held back. */
export const FAST: BotTimings = {
  updates: { pollSeconds: 2, maxPauseMs: 50, watchMs: 50, repeatMs: 20, repeatForMs: 2_000 },
  collector: { editEveryMs: 60, firstMs: 30 },
  progress: { tickMs: 40, editEveryMs: 60 },
  download: { idleMs: 300, overallMs: 2_000, retryPauseMs: 10 },
  payments: {
    checkoutMs: 700,
    reconcileMs: 60_000,
    settleMs: 60_000,
    refundMs: 60_000,
    takeDownMs: 60_000,
  },
  retryPauseMs: 10,
};

export const ADMIN = 900;

/** A bot over a Bot API server of our own, with people, stars and orders in memory. */
export interface Rig {
  /** What its bot was made of. */
  readonly deps: CreateBotDeps;
  readonly server: BotApiServer;
  readonly orders: FakeOrders;
  readonly people: Map<number, Known>;
  readonly balances: Map<number, Stars>;
  readonly statement: StatementLine[];
  /** What operators did. */
  readonly deeds: AdminDeed[];
  /** What was logged, each line as JSON. */
  readonly logged: string[];
  readonly dir: string;
  readonly bot: MorphBot;
  readonly dialogues: Map<string, unknown>;
  readonly updates: Map<number, { payload: unknown; handled: boolean }>;
  /** Says what the database does from now on. */
  readonly database: { down: boolean };
  person(id: number, firstName: string, language?: string): Person;
  /** As a person deletes a message of the bot on their side. */
  deleteMessage(chatId: number, messageId: number): Promise<void>;
  /** Stops the bot as a kill would, with what is in memory gone, and starts another. */
  restart(): Promise<MorphBot>;
  /** A restart after a kill that came before the newest update was marked as handled. */
  replayNewest(): Promise<void>;
}

export interface RigOptions {
  readonly maxPhotos?: number;
  /** What is sold; morphs alone by default. */
  readonly services?: readonly Service[];
  readonly adminIds?: readonly number[];
  readonly timings?: Partial<BotTimings>;
  readonly allowViolations?: boolean;
  /** Whether the bot is started; true by default. */
  readonly start?: boolean;
  /** Rooms in place of those in memory; the chat they speak to is that of the bot that runs. */
  readonly rooms?: (chat: () => ChatPort) => Partial<CreateBotDeps>;
}

/** The error of a database that is away. */
export class DatabaseDown extends Error {}

export async function startRig(t: TestContext, options: RigOptions = {}): Promise<Rig> {
  const { maxPhotos = 20, adminIds = [ADMIN], allowViolations = false } = options;
  const server = await startSandbox(t, { allowViolations });
  const dir = await mkdtemp(join(tmpdir(), 'morphogram-bot-'));
  const people = new Map<number, Known>();
  const balances = new Map<number, Stars>();
  const statement: StatementLine[] = [];
  const logged: string[] = [];
  const deeds: AdminDeed[] = [];
  const dialogues = new Map<string, unknown>();
  const updates: Rig['updates'] = new Map();
  const grants = new Set<string>();
  const database = { down: false };
  const touch = () => {
    if (database.down) throw new DatabaseDown('connection refused');
  };
  const balanceOf = (id: number) => balances.get(id) ?? NO_STARS;
  const change = (id: number, by: Stars) => balances.set(id, stars(balanceOf(id) + by));
  const write = (level: string) => (fields: object, message: string) => {
    logged.push(JSON.stringify({ level, message, ...fields }));
  };

  const directory: People = {
    async find(id) {
      touch();
      return people.get(id);
    },
    async meet(sender) {
      touch();
      const known = people.get(sender.id);
      const person: Known = {
        language: languageOf(sender.languageCode),
        gender: null,
        blockedAt: null,
        bannedAt: null,
        termsVersion: null,
        invitedBy: null,
        ...known,
        id: sender.id,
        firstName: sender.firstName,
        username: sender.username ?? null,
      };
      people.set(sender.id, person);
      return person;
    },
    async setLanguage(id, language) {
      const person = people.get(id);
      if (person) people.set(id, { ...person, language });
    },
    async setGender(id, gender) {
      const person = people.get(id);
      if (person) people.set(id, { ...person, gender });
    },
    async setBlocked(id, blocked) {
      const person = people.get(id);
      if (person) people.set(id, { ...person, blockedAt: blocked ? new Date() : null });
    },
  };

  let bot: MorphBot;
  const catalogue = createCatalogue(options.services ?? [imageMorphing], {
    tariff: { starUsd: 0.016, markup: 1.5 },
    morphModel: 'kwaivgi/kling-v1.6-pro',
    isOffered: () => true,
  });
  const orders = createFakeOrders({
    catalogue,
    genderOf: async (id) => (await deps.people.find(id))?.gender ?? null,
    chat: () => bot.chatPort,
    balance: balanceOf,
    charge: (id, amount) => change(id, stars(-amount)),
    unblock(id) {
      const person = people.get(id);
      if (person) people.set(id, { ...person, blockedAt: null });
    },
    maxPhotos,
  });
  orders.sheets = [await sheetIn(dir)];

  const deps: CreateBotDeps = {
    token: testToken,
    apiRoot: server.url,
    adminIds,
    orders: () => orders,
    catalogue,
    people: directory,
    ledger: {
      balance: async (id) => balanceOf(id),
      reserved: async () => NO_STARS,
      statement: async (_id, limit) => statement.slice(0, limit),
      async topUp({ personId, amount, key }) {
        if (grants.has(key)) return { kind: 'already' };
        grants.add(key);
        change(personId, amount);
        return { kind: 'topped_up', balance: balanceOf(personId) };
      },
    },
    books: createFakeBooks(),
    offers: { packs: [50, 100, 250, 500, 1000, 2500], refundDays: 14 },
    office: createFakeOffice({ people, deeds }),
    inbox: {
      async store(batch) {
        touch();
        const fresh = batch.filter(({ update_id }) => !updates.has(update_id));
        for (const payload of fresh) updates.set(payload.update_id, { payload, handled: false });
        return fresh;
      },
      async takeUnhandled() {
        return [...updates.values()].filter(({ handled }) => !handled).map((row) => row.payload);
      },
      async markHandled(id) {
        touch();
        updates.set(id, { payload: updates.get(id)?.payload, handled: true });
      },
      sweep: async () => undefined,
    },
    conversationStore: {
      async read(key) {
        touch();
        return structuredClone(dialogues.get(key));
      },
      async write(key, state) {
        touch();
        dialogues.set(key, structuredClone(state));
      },
      async delete(key) {
        dialogues.delete(key);
      },
    },
    photosStayHere: false,
    isDatabaseDown: (error) => error instanceof DatabaseDown,
    isDatabaseFull: () => false,
    limits: { maxPhotos, retentionHours: 72 },
    log: {
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
    },
    onFatal: (error) => logged.push(`fatal: ${error.message}`),
    timings: { ...FAST, ...options.timings },
    ...options.rooms?.(() => bot.chatPort),
  };
  const create = () => createBot(deps);

  bot = create();
  t.after(async () => {
    await bot.stop(1_000);
    await rm(dir, { recursive: true, force: true });
  });
  if (options.start !== false) await bot.start();

  async function restart() {
    await bot.stop(1_000);
    bot = create();
    await bot.start();
    return bot;
  }

  return {
    deps,
    server,
    orders,
    people,
    balances,
    statement,
    deeds,
    logged,
    dir,
    dialogues,
    updates,
    database,
    get bot() {
      return bot;
    },
    person: (id, firstName, language = 'en') => createPerson(server, { id, firstName, language }),
    async deleteMessage(chatId, messageId) {
      const query = `chat_id=${chatId}&message_id=${messageId}`;
      const response = await fetch(`${server.url}/bot${testToken}/deleteMessage?${query}`);
      await response.arrayBuffer();
    },
    restart,
    async replayNewest() {
      const newest = Math.max(...updates.keys());
      await until(() => updates.get(newest)?.handled);
      updates.set(newest, { payload: updates.get(newest)?.payload, handled: false });
      await restart();
      await until(() => updates.get(newest)?.handled);
    },
  };
}

/** Waits until something is so, at most fifteen seconds. */
export async function until(condition: () => unknown): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`Never came true: ${condition}`);
    await sleep(25);
  }
}

/** A finished video as the orders hand it over: of two transitions, ten seconds long. */
export async function resultIn(dir: string): Promise<ResultVideo> {
  const path = join(dir, 'result.mp4');
  const thumbnailPath = join(dir, 'thumbnail.jpg');
  const [thumbnail = new Uint8Array()] = await pictures(1);
  await Promise.all([
    writeFile(path, Buffer.alloc(20_000, 1)),
    writeFile(thumbnailPath, thumbnail),
  ]);
  return {
    kind: 'video',
    orderId: 'order1',
    personId: 1,
    serviceType: 'image_morphing',
    missing: 0,
    path,
    sizeBytes: 20_000,
    width: 640,
    height: 480,
    durationSeconds: 9.96,
    thumbnailPath,
    preview: { path, width: 640, height: 480 },
    documents: [path],
    transitions: 2,
    replaced: [],
    refunded: NO_STARS,
    partial: false,
  };
}

/** Small pictures that differ in every byte that matters. */
export async function pictures(count: number): Promise<Uint8Array[]> {
  return Promise.all(
    Array.from({ length: count }, (_, index) => {
      const background = { r: (index * 37) % 256, g: (index * 91) % 256, b: index % 256 };
      return sharp({ create: { width: 320, height: 320, channels: 3, background } })
        .jpeg()
        .toBuffer();
    }),
  );
}

async function sheetIn(dir: string): Promise<string> {
  const [picture = new Uint8Array()] = await pictures(1);
  const path = join(dir, 'sheet.jpg');
  await writeFile(path, picture);
  return path;
}
