import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eq } from 'drizzle-orm';
import { people, orders as rows } from '../../src/db/schema.ts';
import type { OrderMode } from '../../src/domain/order-mode.ts';
import type { OrderState } from '../../src/domain/order-state.ts';
import { type Stars, stars, sumStars } from '../../src/domain/stars.ts';
import { auditLedger } from '../../src/ledger/audit.ts';
import { createLedger } from '../../src/ledger/ledger.ts';
import type { FfmpegTools } from '../../src/media/ffmpeg.ts';
import { createImages } from '../../src/media/images.ts';

import type { Photos } from '../../src/media/photos.ts';
import { createSounds } from '../../src/media/sounds.ts';
import { createFileStorage } from '../../src/media/storage.ts';
import type { Video } from '../../src/media/video.ts';
import type {
  Alarm,
  ChatPort,
  ClosingNotice,
  FetchFileOutcome,
  FreePreview,
  Result,
  ResultVideo,
  SendOutcome,
} from '../../src/orders/chat-port.ts';
import { createOrders, type OrderDesk } from '../../src/orders/create-orders.ts';
import type {
  AnswerOutcome,
  ConfirmOutcome,
  IncomingFile,
  ReceivedOutcome,
} from '../../src/orders/orders.ts';
import { createQueue, type Queue } from '../../src/orders/queue.ts';
import { RENDER_TIMING, type RenderTiming } from '../../src/orders/render-timing.ts';
import type { Provider } from '../../src/providers/provider.ts';
import { createReplicateProvider } from '../../src/providers/replicate/replicate-provider.ts';
import { type Catalogue, createCatalogue } from '../../src/services/catalogue.ts';
import { SERVICES } from '../../src/services/index.ts';
import type { ProviderName } from '../../src/services/model.ts';
import type { Service } from '../../src/services/service.ts';
import { addPerson, openTestDatabase, type TestDatabase } from './database.ts';
import { makeJpeg, makeZip } from './pictures.ts';
import { createQuickMorpher } from './quick-morpher.ts';
import { createQuickPhotos } from './quick-photos.ts';
import { quickTools } from './quick-tools.ts';
import { createQuickVideo } from './quick-video.ts';
import {
  type ReplicateServer,
  type ReplicateServerOptions,
  startReplicateServer,
} from './replicate-server.ts';

/** The same rules as in production, with shorter pauses. */
export const FAST: RenderTiming = {
  ...RENDER_TIMING,
  retryMs: 20,
  pollMinMs: 40,
  pollMaxMs: 100,
  findMs: [0, 50, 100],
};

/** More than any test tells apart. */
const PICTURES = 4;

/** As few as a training takes. */
const TRAINING_PHOTOS = 10;

/** A chat without Telegram: files that were "sent", and everything the orders said. */
export interface FakeChat extends ChatPort {
  readonly files: Map<string, Buffer>;
  /** Of videos alone; `sent` has everything, of whatever kind, in its order. */
  readonly previews: ResultVideo[];
  readonly documents: { readonly video: ResultVideo; readonly part: number }[];
  readonly closings: ResultVideo[];
  readonly sent: {
    readonly what: 'preview' | 'document' | 'closing';
    readonly part: number;
    readonly result: Result;
  }[];
  readonly notices: ClosingNotice[];
  readonly alarms: Alarm[];
  readonly freePreviews: FreePreview[];
  /** The orders they were asked for. */
  readonly failedPreviews: string[];
  /** What the next sends answer instead of `sent`. */
  readonly nextOutcomes: SendOutcome[];
  readonly nextFetches: FetchFileOutcome[];
}

export interface OrdersRig {
  readonly database: TestDatabase;
  readonly orders: OrderDesk;
  readonly catalogue: Catalogue;
  readonly queue: Queue;
  /** What jobs failed with; those left at the end fail the test. */
  readonly failures: unknown[];
  readonly chat: FakeChat;
  readonly replicate: ReplicateServer;
  readonly ledger: ReturnType<typeof createLedger>;
  readonly storageRoot: string;
  /** A person with this many stars. */
  person(hundredths: number): Promise<number>;
  /** Sends photos into the person's open order and waits until they were looked at; returns its id. */
  photos(personId: number, count: number): Promise<string>;
  /** The same for any service: a draft with these answers, which are kept in their order. */
  draft(
    personId: number,
    serviceType: string,
    answers?: Readonly<Record<string, string>>,
  ): Promise<string>;
  /** A training of 1,000 steps, up to its quote. */
  training(personId: number, about?: { name?: string; gender?: string }): Promise<string>;
  /** Answers one question of an open order. */
  answer(personId: number, orderId: string, field: string, value: string): Promise<AnswerOutcome>;
  /** Sends a voice message and waits until it was listened to. */
  recording(personId: number, orderId: string, bytes: Buffer): Promise<ReceivedOutcome>;
  /** Quotes, chooses the way it is made and confirms. */
  buy(personId: number, orderId: string, mode?: OrderMode): Promise<Stars>;
  /** Everything that was sent of an order, by its kind. */
  sent(orderId: string, what: 'preview' | 'document' | 'closing'): readonly Result[];
  sendFile(
    personId: number,
    orderId: string,
    bytes: Buffer,
    file?: Partial<IncomingFile>,
  ): Promise<void>;
  /** Photos, quote, mode, confirm. */
  order(personId: number, count: number, mode?: 'seamless' | 'loop'): Promise<string>;
  /** Confirms what the order would be charged now. */
  confirm(orderId: string, personId: number): Promise<ConfirmOutcome>;
  /** The id of an update that nobody has sent before. */
  request(): number;
  until(orderId: string, personId: number, state: OrderState): Promise<void>;
  eventually(what: string, check: () => Promise<boolean> | boolean): Promise<void>;
  balance(personId: number): Promise<Stars>;
  /** Stops everything and fails when the books do not agree or the API was misused. */
  close(): Promise<void>;
}

/** Orders wired as in production, down to HTTP, with a chat of our own. */
export async function startOrdersRig(
  options: {
    readonly concurrency?: number;
    readonly maxPhotos?: number;
    readonly uploadLimitBytes?: number;
    readonly previewsPerDay?: number;
    readonly delayMs?: number;
    readonly timing?: Partial<RenderTiming>;
    readonly retentionHours?: number;
    /** What is sold, in place of everything there is. */
    readonly services?: readonly Service[];
    /** What the account of the provider has. */
    readonly replicate?: ReplicateServerOptions;
    /** Puts something between the orders and the provider. */
    readonly distort?: (provider: Provider) => Provider;
    /** Providers that the catalogue believes in beside the one there is. */
    readonly alsoOffered?: readonly ProviderName[];
    /** Does what is done to videos, in place of who does the same once. */
    readonly createVideo?: (tools: FfmpegTools) => Video;
    /** The same for photos. */
    readonly createPhotos?: () => Photos;
    /** Whether the workers are started; true by default. */
    readonly start?: boolean;
  } = {},
): Promise<OrdersRig> {
  const database = await openTestDatabase();
  const storageRoot = await mkdtemp(join(tmpdir(), 'morphogram-test-'));
  const replicate = await startReplicateServer({
    delayMs: options.delayMs ?? 30,
    ...options.replicate,
  });
  const ledger = createLedger({ db: database.db });
  const queue = createQueue({
    database,
    serverUrl: database.place.options.url,
    onError: (error) => failures.push(error),
  });
  const failures: unknown[] = [];
  const chat = createFakeChat();
  const tools = await quickTools();
  const withdrawn = new Set<string>();
  const believed = new Set<ProviderName>(['replicate', ...(options.alsoOffered ?? [])]);
  const catalogue = createCatalogue(options.services ?? SERVICES, {
    tariff: { starUsd: 0.016, markup: 1.5 },
    morphModel: 'kwaivgi/kling-v1.6-pro',
    isOffered: (modelId) =>
      !withdrawn.has(modelId) &&
      believed.has(catalogue.findModel(modelId)?.provider ?? 'replicate'),
  });
  const provider = createReplicateProvider({
    token: replicate.token,
    baseUrl: replicate.baseUrl,
  });
  const orders = createOrders({
    db: database.db,
    queue,
    ledger,
    storage: createFileStorage(storageRoot),
    photos: (options.createPhotos ?? createQuickPhotos)(),
    video: (options.createVideo ?? createQuickVideo)(tools),
    morpher: createQuickMorpher({ tools }),
    images: createImages(),
    sounds: createSounds(tools),
    providers: [options.distort?.(provider) ?? provider],
    chat,
    log: { warn: () => undefined },
    catalogue,
    withdraw: (model) => withdrawn.add(model),
    maxPhotos: options.maxPhotos ?? 200,
    renderConcurrency: options.concurrency ?? 4,
    retentionHours: options.retentionHours ?? 72,
    previewsPerDay: options.previewsPerDay ?? 2,
    uploadLimitBytes: options.uploadLimitBytes ?? 49_000_000,
    timing: { ...FAST, ...options.timing },
  });
  await queue.start();
  if (options.start !== false) await orders.start();

  let messageId = 100;
  let requests = 0;
  const rig: OrdersRig = {
    database,
    orders,
    catalogue,
    queue,
    failures,
    chat,
    replicate,
    ledger,
    storageRoot,
    async person(hundredths) {
      const id = await addPerson(database.db);
      // Asked before, and not told: the question is over.
      await database.db.update(people).set({ gender: 'unset' }).where(eq(people.id, id));
      if (hundredths > 0) {
        const key = `test:${id}`;
        await ledger.topUp({
          personId: id,
          amount: stars(hundredths),
          paymentMethod: 'Admin',
          key,
        });
      }
      return id;
    },
    async sendFile(personId, orderId, bytes, file = {}) {
      messageId += 1;
      const fileId = `file-${messageId}`;
      chat.files.set(fileId, bytes);
      const incoming = { messageId, fileId, fileUniqueId: fileId, name: null, sizeBytes: null };
      await orders.addFile(orderId, personId, { ...incoming, tooBig: false, ...file });
    },
    async draft(personId, serviceType, answers = {}) {
      const { id } = await orders.open(personId, serviceType);
      for (const [field, value] of Object.entries(answers)) {
        const outcome = await rig.answer(personId, id, field, value);
        if (outcome.kind !== 'kept') throw new Error(`${field}: ${outcome.kind}`);
      }
      return id;
    },
    async training(personId, { name = 'Alex', gender = 'male' } = {}) {
      const id = await rig.draft(personId, 'digital_avatar_body', { gender });
      const photos = Array.from({ length: TRAINING_PHOTOS }, (_, index) => drawPhoto(index));
      const entries = (await Promise.all(photos)).map((data, index) => ({
        name: `${index}.jpg`,
        data,
      }));
      await rig.sendFile(personId, id, makeZip(entries), { name: 'me.zip' });
      const counted = await orders.done(id, personId);
      if (counted !== 'done') throw new Error(`Not counted: ${counted.kind}`);
      for (const [field, value] of Object.entries({ name, steps: '1000' })) {
        await rig.answer(personId, id, field, value);
      }
      return id;
    },
    answer: (personId, orderId, field, value) =>
      orders.answer(orderId, personId, field, value, rig.request()),
    async recording(personId, orderId, bytes) {
      messageId += 1;
      const fileId = `file-${messageId}`;
      chat.files.set(fileId, bytes);
      await orders.addRecording(orderId, personId, {
        ...{ messageId, fileId, fileUniqueId: fileId, name: null },
        ...{ sizeBytes: null, tooBig: false },
      });
      return orders.received(orderId, personId);
    },
    async buy(personId, orderId, mode = 'standard') {
      const quote = await orders.quote(orderId, personId);
      if (quote.kind !== 'quoted') throw new Error(`No quote: ${quote.kind}`);
      const chosen = await orders.choose(orderId, personId, { mode });
      if (chosen.kind === 'closed') throw new Error('The order cannot be chosen');
      const confirmed = await rig.confirm(orderId, personId);
      if (confirmed.kind !== 'queued') throw new Error(`Not confirmed: ${confirmed.kind}`);
      return confirmed.price;
    },
    sent: (orderId, what) =>
      chat.sent.flatMap(({ what: kind, result }) =>
        kind === what && result.orderId === orderId ? [result] : [],
      ),
    async photos(personId, count) {
      const { id } = await orders.open(personId, 'image_morphing');
      for (let index = 0; index < count; index += 1) {
        await rig.sendFile(personId, id, await drawPhoto(index));
      }
      await rig.eventually('all photos looked at', async () => {
        return (await orders.intake(id))?.pending === 0;
      });
      return id;
    },
    async order(personId, count, mode = 'seamless') {
      const id = await rig.photos(personId, count);
      await rig.buy(personId, id, mode);
      return id;
    },
    async confirm(orderId, personId) {
      const order = await orders.find(orderId, personId);
      const mode = order?.mode ?? 'seamless';
      const [row] = await database.db.select().from(rows).where(eq(rows.id, orderId));
      const price = sumStars(row?.quote?.plans[mode]?.map((step) => step.price) ?? []);
      return orders.confirm(orderId, personId, { mode, price });
    },
    request() {
      requests += 1;
      return requests;
    },
    async until(orderId, personId, state) {
      await rig.eventually(`order becomes ${state}`, async () => {
        return (await orders.find(orderId, personId))?.state === state;
      });
    },
    async eventually(what, check) {
      const deadline = Date.now() + 30_000;
      while (!(await check())) {
        if (Date.now() > deadline) throw new Error(`Never happened: ${what}`);
        await sleep(50);
      }
    },
    balance: (personId) => ledger.balance(personId),
    async close() {
      await queue.stop();
      const { differences } = await auditLedger(database.db);
      // A server that drops the database may cut connections that are just being closed.
      const failed = [...failures];
      await database.close();
      await replicate.close();
      await rm(storageRoot, { recursive: true, force: true });
      const problems = [...differences, ...replicate.violations, ...failed];
      if (problems.length > 0) throw new Error(`Left behind: ${JSON.stringify(problems)}`);
    },
  };
  return rig;
}

const drawn = new Map<number, Promise<Buffer>>();

/** One of a few pictures that differ, each drawn once. */
function drawPhoto(index: number): Promise<Buffer> {
  const seed = index % PICTURES;
  const photo = drawn.get(seed) ?? makeJpeg({ width: 450, height: 300, seed });
  drawn.set(seed, photo);
  return photo;
}

function createFakeChat(): FakeChat {
  const nextOutcomes: SendOutcome[] = [];
  const nextFetches: FetchFileOutcome[] = [];
  const files = new Map<string, Buffer>();
  let messageId = 0;
  const sent = (): SendOutcome => {
    messageId += 1;
    const message = { messageId, fileId: `sent-${messageId}` };
    return nextOutcomes.shift() ?? { kind: 'sent', message };
  };
  const chat: FakeChat = {
    files,
    nextOutcomes,
    nextFetches,
    previews: [],
    documents: [],
    closings: [],
    sent: [],
    notices: [],
    alarms: [],
    freePreviews: [],
    failedPreviews: [],
    async fetchFile(fileId, path) {
      const scripted = nextFetches.shift();
      if (scripted) return scripted;
      const bytes = files.get(fileId);
      if (!bytes) return { kind: 'gone' };
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, bytes);
      return { kind: 'fetched', sizeBytes: bytes.length };
    },
    intakeChanged: () => undefined,
    progressChanged: () => undefined,
    async sendPreview(result, part) {
      const outcome = sent();
      if (outcome.kind !== 'sent') return outcome;
      chat.sent.push({ what: 'preview', part, result });
      if (result.kind === 'video') chat.previews.push(result);
      return outcome;
    },
    async sendDocument(result, part) {
      const outcome = sent();
      if (outcome.kind !== 'sent') return outcome;
      chat.sent.push({ what: 'document', part, result });
      if (result.kind === 'video') chat.documents.push({ video: result, part });
      return outcome;
    },
    async sendClosing(result) {
      const outcome = sent();
      if (outcome.kind !== 'sent') return outcome;
      chat.sent.push({ what: 'closing', part: 1, result });
      if (result.kind === 'video') chat.closings.push(result);
      return outcome;
    },
    async sendNotice(notice) {
      const outcome = sent();
      if (outcome.kind === 'sent') chat.notices.push(notice);
      return outcome;
    },
    freePreviewMark: async () => 'PREVIEW',
    async sendFreePreview(preview) {
      const outcome = sent();
      if (outcome.kind === 'sent') chat.freePreviews.push(preview);
      return outcome;
    },
    async sendPreviewFailed({ orderId }) {
      const outcome = sent();
      if (outcome.kind === 'sent') chat.failedPreviews.push(orderId);
      return outcome;
    },
    async alarm(alarm) {
      chat.alarms.push(alarm);
    },
  };
  return chat;
}
