import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import pRetry from 'p-retry';
import { type Logger, pino } from 'pino';
import { createBot } from './bot/create-bot.ts';
import { describeError } from './bot/log.ts';
import type { BotTimings } from './bot/timings.ts';
import type { Config } from './config.ts';
import { createConversationStore } from './db/conversation-store.ts';
import { isDatabaseDown, openDatabase } from './db/database.ts';
import { createUpdateInbox } from './db/update-inbox.ts';
import { NO_STARS, parseStars } from './domain/stars.ts';
import { createHttpServer } from './http/server.ts';
import { createLedger } from './ledger/ledger.ts';
import { locateFfmpeg } from './media/ffmpeg.ts';
import { createPhotos } from './media/photos.ts';
import { createFileStorage } from './media/storage.ts';
import { createVideo } from './media/video.ts';
import { createOrders, type OrderDesk } from './orders/create-orders.ts';
import { createQueue } from './orders/queue.ts';
import type { RenderTiming } from './orders/render-step.ts';
import { createPeople } from './people/people.ts';
import {
  createReplicateProvider,
  type ReplicateProvider,
} from './providers/replicate/replicate-provider.ts';
import { createWebhookVerifier, type WebhookVerifier } from './providers/replicate/webhook.ts';
import { findVideoModel } from './services/video-models.ts';

/**
 * Telegram takes "50 MB" from a bot in one upload, and a server may count them as 50,000,000 bytes; the
 * form around the file needs some of it. @see https://core.telegram.org/bots/api#sending-files
 */
const UPLOAD_LIMIT_BYTES = 49_000_000;

/** A stop fits into 10 s; running handlers get this much of it. */
const STOP_HANDLERS_MS = 4_000;

/** What tests may set beside the configuration. */
export interface AppOverrides {
  readonly renderTiming?: RenderTiming;
  readonly botTimings?: Partial<BotTimings>;
  readonly uploadLimitBytes?: number;
}

/** The whole bot as one value. */
export interface App {
  /** Opens everything and begins to serve; returns where health and webhook listen. */
  start(): Promise<{ readonly port: number }>;
  /** Takes nothing new, lets running handlers end and closes; predictions go on at the provider. */
  stop(): Promise<void>;
}

/**
 * The composition root: the only place that knows everybody. Nothing is opened before `start`.
 * @param onFatal called once when the process can do nothing useful any more.
 */
export function createApp(
  config: Config,
  onFatal: (error: Error) => void,
  overrides: AppOverrides = {},
): App {
  const log = createLog(config);
  const closers: (() => Promise<unknown>)[] = [];

  return {
    async start() {
      const database = await openDatabase({ url: config.DATABASE_URL, dataDir: config.DATA_DIR });
      closers.push(() => database.close());
      const { db } = database;
      const tools = await locateFfmpeg({
        ffmpegPath: config.FFMPEG_PATH,
        ffprobePath: config.FFPROBE_PATH,
      });
      const ledger = createLedger({ db });
      const welcomeStars = parseStars(config.WELCOME_STARS) ?? NO_STARS;
      const queue = createQueue({
        database,
        serverUrl: config.DATABASE_URL,
        onError: (error) => log.warn(describeError(error), 'a job failed and will be repeated'),
      });
      const provider = createReplicateProvider({
        token: config.REPLICATE_API_TOKEN,
        baseUrl: config.REPLICATE_BASE_URL,
        log,
        ...(config.PUBLIC_URL ? { publicUrl: config.PUBLIC_URL } : {}),
      });
      const bot = createBot({
        token: config.BOT_TOKEN,
        apiRoot: config.TELEGRAM_API_ROOT,
        adminIds: config.ADMIN_IDS,
        orders: () => orders,
        people: createPeople({ db, ledger, welcomeStars }),
        ledger,
        inbox: createUpdateInbox(db),
        conversationStore: createConversationStore(db),
        isDatabaseDown,
        limits: { maxPhotos: config.MAX_PHOTOS, retentionHours: config.RETENTION_HOURS },
        log,
        onFatal,
        ...(overrides.botTimings ? { timings: overrides.botTimings } : {}),
      });
      const orders: OrderDesk = createOrders({
        db,
        queue,
        ledger,
        storage: createFileStorage(join(config.DATA_DIR, 'files')),
        photos: createPhotos(),
        video: createVideo(tools),
        provider,
        chat: bot.chatPort,
        log,
        terms: {
          tariff: { starUsd: config.STAR_USD, markup: config.MARKUP },
          model: requireModel(config.MORPH_MODEL),
        },
        maxPhotos: config.MAX_PHOTOS,
        renderConcurrency: config.RENDER_CONCURRENCY,
        retentionHours: config.RETENTION_HOURS,
        uploadLimitBytes: overrides.uploadLimitBytes ?? UPLOAD_LIMIT_BYTES,
        ...(overrides.renderTiming ? { timing: overrides.renderTiming } : {}),
      });

      closers.push(() => queue.stop());
      await queue.start();
      const webhook = config.PUBLIC_URL ? createWebhook(provider, orders, log) : undefined;
      const http = createHttpServer({
        port: config.PORT,
        health: async () => {
          const answers = await db.execute(sql`select 1`).then(
            () => true,
            () => false,
          );
          return { ok: answers, parts: { database: answers ? 'ok' : 'away' } };
        },
        ...(webhook ? { webhook } : {}),
        log,
      });
      const port = await http.start();
      closers.push(() => http.stop());
      await orders.start();
      closers.push(() => bot.stop(STOP_HANDLERS_MS));
      await bot.start();
      log.info({ port, ffmpeg: tools.description, model: config.MORPH_MODEL }, 'Morphogram is up');
      return { port };
    },

    async stop() {
      for (const close of closers.splice(0).reverse()) await close();
    },
  };
}

/** Lines of JSON on the standard output, in which no secret survives whatever was logged. */
function createLog(config: Config): Logger {
  const secrets = [config.BOT_TOKEN, config.REPLICATE_API_TOKEN];
  return pino({
    level: config.LOG_LEVEL,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    hooks: {
      streamWrite: (line) =>
        secrets.reduce((text, secret) => text.replaceAll(secret, '[secret]'), line),
    },
  });
}

/** The key is asked for at the first webhook, and again until the provider gives it. */
function createWebhook(provider: ReplicateProvider, orders: OrderDesk, log: Logger) {
  let verifier: Promise<WebhookVerifier> | undefined;
  const fetchVerifier = () =>
    pRetry(
      async () => {
        const fetched = await provider.fetchWebhookSecret(AbortSignal.timeout(10_000));
        if (fetched.kind === 'failed') throw new Error(`No webhook key: ${fetched.failure.kind}`);
        return createWebhookVerifier({ secret: fetched.secret });
      },
      { retries: 3, minTimeout: 500 },
    );
  return async (
    rawBody: Buffer,
    headers: Readonly<Record<string, string | undefined>>,
    attemptId: string,
  ) => {
    verifier ??= fetchVerifier().catch((error: unknown) => {
      verifier = undefined;
      throw error;
    });
    const outcome = (await verifier).verify(rawBody, headers);
    if (outcome.kind === 'rejected') {
      log.warn({ reason: outcome.reason }, 'a webhook was rejected');
      return 'rejected' as const;
    }
    await orders.predictionChanged(attemptId, outcome.prediction.id);
    return 'accepted' as const;
  };
}

function requireModel(id: string) {
  const model = findVideoModel(id);
  if (!model) throw new Error(`${id} is not in the catalogue of models`);
  return model;
}
