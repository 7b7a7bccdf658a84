import { access, constants, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { type Logger, pino } from 'pino';
import { createBot } from './bot/create-bot.ts';
import type { ServiceTexts } from './bot/i18n.ts';
import { describeError } from './bot/log.ts';
import type { Office } from './bot/office.ts';
import type { StarBooks } from './bot/payments/books.ts';
import type { BotTimings } from './bot/timings.ts';
import {
  type Config,
  chooseEngine,
  type DatabaseConfig,
  redact,
  StartError,
  secretsOf,
} from './config.ts';
import { createConversationStore } from './db/conversation-store.ts';
import {
  type Database,
  type Db,
  isDatabaseDown,
  isDatabaseFull,
  openDatabase,
} from './db/database.ts';
import { DirectoryInUseError } from './db/directory-lock.ts';
import { createUpdateInbox } from './db/update-inbox.ts';
import { NO_STARS, parseStars, type Stars } from './domain/stars.ts';
import { createHttpServer } from './http/server.ts';
import { auditLedger } from './ledger/audit.ts';
import { exportTable } from './ledger/exports.ts';
import { createInvoices } from './ledger/invoices.ts';
import { createLedger, type Ledger } from './ledger/ledger.ts';
import { createPayments } from './ledger/payments.ts';
import { createReconciler } from './ledger/reconcile.ts';
import { createStarRefunds } from './ledger/star-refunds.ts';
import { readStatistics } from './ledger/statistics.ts';
import { FfmpegError, type FfmpegTools, locateFfmpeg } from './media/ffmpeg.ts';
import { createImages } from './media/images.ts';
import { createMorpher } from './media/morpher/create-morpher.ts';
import type { Morpher } from './media/morpher/morpher.ts';
import { createPhotos } from './media/photos.ts';
import { createSounds } from './media/sounds.ts';
import { createFileStorage } from './media/storage.ts';
import { createVideo } from './media/video.ts';
import { createOrders, type OrderDesk } from './orders/create-orders.ts';
import { createQueue } from './orders/queue.ts';
import type { RenderTiming } from './orders/render-timing.ts';
import { createAdminLog } from './people/admin-log.ts';
import { createBans } from './people/bans.ts';
import { createDirectory } from './people/directory.ts';
import { createForgetting } from './people/forgetting.ts';
import { createPeople } from './people/people.ts';
import { createPromo } from './people/promo.ts';
import { createReferral } from './people/referral.ts';
import { createSales } from './people/sales.ts';
import { createTerms } from './people/terms.ts';
import { createTickets } from './people/tickets.ts';
import { createBflProvider } from './providers/bfl/bfl-provider.ts';
import { createLocalProvider } from './providers/local/local-provider.ts';
import type { Provider } from './providers/provider.ts';
import {
  createReplicateProvider,
  type ReplicateProvider,
} from './providers/replicate/replicate-provider.ts';
import { createWebhookReceiver } from './providers/replicate/webhook-receiver.ts';
import { createCatalogue } from './services/catalogue.ts';
import { SERVICES } from './services/index.ts';
import type { ProviderName } from './services/model.ts';
import type { Service } from './services/service.ts';
import { LOCAL_MODEL } from './services/video-models.ts';

/**
 * Telegram takes "50 MB" from a bot in one upload, and a server may count them as 50,000,000 bytes; the
 * form around the file needs some of it. @see https://core.telegram.org/bots/api#sending-files
 */
const UPLOAD_LIMIT_BYTES = 49_000_000;

/** A stop fits into the 10 s that Docker gives: what runs may end within this, */
const STOP_WORK_MS = 6_500;
/** and then the database is closed within this. */
const STOP_DATABASE_MS = 2_500;

/** The local engine renders one clip after the other; a second one waits, so that it never rests. */
const LOCAL_AT_ONCE = 2;

const WEBHOOK_KEY_MS = 10_000;

/** What tests and the sandbox may set beside the configuration. */
export interface AppOverrides {
  /** Puts something between us and who renders: the sandbox lets it fail at a press. */
  readonly distort?: (provider: Provider) => Provider;
  readonly createMorpher?: typeof createMorpher;
  readonly createPhotos?: typeof createPhotos;
  /** What is sold, in place of everything there is; and the words of what `locales` do not know. */
  readonly services?: readonly Service[];
  readonly serviceTexts?: ServiceTexts;
  readonly renderTiming?: RenderTiming;
  readonly botTimings?: Partial<BotTimings>;
  readonly uploadLimitBytes?: number;
}

/** The whole bot as one value. */
export interface App {
  /**
   * Opens everything and begins to serve; returns where health and webhook listen.
   * @throws StartError when only the operator can mend what keeps it from starting.
   */
  start(): Promise<{ readonly port: number }>;
  /**
   * Takes nothing new, lets running handlers end and closes, all of it within nine seconds;
   * predictions go on at the provider.
   */
  stop(): Promise<void>;
}

/**
 * The composition root: the only place that knows everybody. Nothing is opened before `start`.
 * @param onFatal called once when the process can do nothing useful any more, with a StartError when
 * only the operator can mend that.
 */
export function createApp(
  config: Config,
  onFatal: (error: Error) => void,
  overrides: AppOverrides = {},
): App {
  const log = createLog(config);
  const stoppers: (() => Promise<unknown>)[] = [];
  let database: Database | undefined;
  let stopMorpher: (() => Promise<void>) | undefined;

  return {
    async start() {
      const tools = await locateTools(config);
      const opened = await openConfiguredDatabase(config);
      database = opened;
      const { db } = opened;
      const ledger = createLedger({ db });
      const welcomeStars = parseStars(config.WELCOME_STARS) ?? NO_STARS;
      const referralBonus = parseStars(config.REFERRAL_BONUS_STARS) ?? NO_STARS;
      const queue = createQueue({
        database: opened,
        serverUrl: config.DATABASE_URL,
        onError: (error) => {
          log.warn(describeError(error), 'a job failed and will be repeated');
          if (isDatabaseFull(error)) void bot.chatPort.alarm({ kind: 'disk_full' });
        },
      });
      const morpher = (overrides.createMorpher ?? createMorpher)({ tools, log });
      stopMorpher = () => morpher.stop();
      const providers = createProviders(config, morpher, log);
      const { replicate } = providers;
      const withdrawn = new Set<string>();
      const catalogue = createCatalogue(overrides.services ?? SERVICES, {
        tariff: { starUsd: config.STAR_USD, markup: config.MARKUP },
        morphModel: providers.morphModel,
        isOffered: (modelId) =>
          !withdrawn.has(modelId) &&
          providers.names.has(catalogue.findModel(modelId)?.provider ?? 'replicate'),
      });
      const bot = createBot({
        token: config.BOT_TOKEN,
        apiRoot: config.TELEGRAM_API_ROOT,
        adminIds: config.ADMIN_IDS,
        orders: () => orders,
        people: createPeople({ db, ledger, welcomeStars }),
        ledger,
        books: createBooks({ db, referralBonus }),
        offers: { packs: config.TOP_UP_PACKS, refundDays: config.REFUND_DAYS },
        office: createOffice({ db, ledger, referralBonus }),
        catalogue,
        ...(overrides.serviceTexts ? { serviceTexts: overrides.serviceTexts } : {}),
        inbox: createUpdateInbox(db, log),
        conversationStore: createConversationStore(db),
        isDatabaseDown,
        isDatabaseFull,
        photosStayHere: replicate === undefined && !providers.names.has('bfl'),
        limits: { maxPhotos: config.MAX_PHOTOS, retentionHours: config.RETENTION_HOURS },
        log,
        onFatal: (error) => onFatal(explainBotError(error)),
        ...(overrides.botTimings ? { timings: overrides.botTimings } : {}),
      });
      const orders: OrderDesk = createOrders({
        db,
        queue,
        ledger,
        storage: createFileStorage(join(config.DATA_DIR, 'files')),
        photos: (overrides.createPhotos ?? createPhotos)({ findFaces: morpher.findFaces }),
        video: createVideo(tools),
        images: createImages(),
        sounds: createSounds(tools),
        morpher,
        providers: providers.all.map((one) => overrides.distort?.(one) ?? one),
        chat: bot.chatPort,
        log,
        catalogue,
        withdraw: (model) => withdrawn.add(model),
        maxPhotos: config.MAX_PHOTOS,
        renderConcurrency: Math.min(config.RENDER_CONCURRENCY, providers.atOnce),
        retentionHours: config.RETENTION_HOURS,
        previewsPerDay: config.PREVIEWS_PER_DAY,
        uploadLimitBytes: overrides.uploadLimitBytes ?? UPLOAD_LIMIT_BYTES,
        ...(overrides.renderTiming ? { timing: overrides.renderTiming } : {}),
      });

      stoppers.push(() => queue.stop());
      await queue.start();
      const webhook =
        config.PUBLIC_URL && replicate ? createWebhook(replicate, orders, log) : undefined;
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
      const port = await http.start().catch((error: Error) => {
        throw new StartError('PORT', error.message);
      });
      stoppers.push(() => http.stop());
      await orders.start();
      stoppers.push(() => bot.stop(STOP_WORK_MS));
      await bot.start().catch((error: Error) => {
        throw explainBotError(error);
      });
      log.info(
        { port, ffmpeg: tools.description, model: providers.morphModel },
        'Morphogram is up',
      );
      return { port };
    },

    async stop() {
      // Side by side: a handler of the bot that still runs may enqueue while the queue stops, since a
      // job is a row of the handler's own transaction; and what is being delivered may end.
      const stops = stoppers.splice(0).map((stop) => stop());
      for (const outcome of await settle(STOP_WORK_MS, stops)) {
        log.error(describeError(outcome), 'Stopping went wrong');
      }
      // Not before: a handler that may still end needs both.
      await settle(STOP_DATABASE_MS, [database?.close(), stopMorpher?.()]);
    },
  };
}

/** The books of payments. */
function createBooks(deps: { readonly db: Db; readonly referralBonus: Stars }): StarBooks {
  const payments = createPayments(deps);
  const refunds = createStarRefunds(deps);
  return {
    payments,
    refunds,
    invoices: createInvoices(deps),
    reconciler: createReconciler({ ...deps, payments, refunds }),
    sales: createSales(deps),
    terms: createTerms(deps),
  };
}

/** What support, bonuses and the operators need of the rooms behind the bot. */
function createOffice(deps: {
  readonly db: Db;
  readonly ledger: Ledger;
  readonly referralBonus: Stars;
}): Office {
  const { db, referralBonus } = deps;
  return {
    adminLog: createAdminLog(deps),
    bans: createBans(deps),
    directory: createDirectory(deps),
    forgetting: createForgetting(deps),
    promo: createPromo(deps),
    referral: createReferral(deps),
    referralBonus,
    sales: createSales(deps),
    tickets: createTickets(deps),
    audit: () => auditLedger(db),
    statistics: (period, now) => readStatistics(db, period, now),
    exportTable: (kind, period, now) => exportTable(db, kind, period, now),
  };
}

/** Lines of JSON on the standard output, in which no secret survives whatever was logged. */
function createLog(config: Config): Logger {
  const { BOT_TOKEN, REPLICATE_API_TOKEN, BFL_API_KEY, DATABASE_URL } = config;
  const secrets = secretsOf({ BOT_TOKEN, REPLICATE_API_TOKEN, BFL_API_KEY, DATABASE_URL });
  return pino({
    level: config.LOG_LEVEL,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    hooks: {
      streamWrite: (line) => redact(line, secrets),
    },
  });
}

/**
 * The database that the configuration names.
 * @throws StartError when the directory or the server cannot be used.
 */
export async function openConfiguredDatabase(config: DatabaseConfig): Promise<Database> {
  const { DATABASE_URL: url, DATA_DIR: dataDir } = config;
  try {
    // Photos and clips lie in it even when the database does not.
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    await access(dataDir, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw unusableDirectory(dataDir, codeOf(error));
  }
  return openDatabase({ url, dataDir }).catch((error: unknown) => {
    throw explainDatabaseError(error, config);
  });
}

/** The StartError behind what opening the database threw, or the error itself when it is a bug. */
export function explainDatabaseError(error: unknown, config: DatabaseConfig): unknown {
  if (error instanceof DirectoryInUseError) return new StartError('DATA_DIR', error.message);
  const code = codeOf(error);
  if (config.DATABASE_URL === undefined) {
    return UNUSABLE_FILE.test(code) ? unusableDirectory(config.DATA_DIR, code) : error;
  }
  if (isDatabaseDown(error)) {
    return new StartError(
      'DATABASE_URL',
      `DATABASE_URL names a server that does not answer (${code}).`,
    );
  }
  // Classes of the server's codes: no such login, no such database, no right to make tables.
  if (/^(?:28...|3D000|42501)$/.test(code)) {
    return new StartError(
      'DATABASE_URL',
      `DATABASE_URL names a database that is closed to us (${code}).`,
    );
  }
  return error;
}

const UNUSABLE_FILE = /^(?:EACCES|EPERM|EROFS|ENOSPC|EDQUOT|ENOTDIR|EEXIST)$/;

function unusableDirectory(directory: string, code: string): StartError {
  return new StartError(
    'DATA_DIR',
    `DATA_DIR ${directory} is no directory we can write to (${code}).`,
  );
}

/** The first code in the chain of causes. */
function codeOf(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string') return cause.code;
  }
  return 'unknown';
}

/** A program that was named is the one that runs: another in its place could encode differently. */
async function locateTools(config: Config): Promise<FfmpegTools> {
  const { FFMPEG_PATH: ffmpegPath, FFPROBE_PATH: ffprobePath } = config;
  const tools = await locateFfmpeg({ ffmpegPath, ffprobePath }).catch((error: unknown) => {
    if (!(error instanceof FfmpegError)) throw error;
    const variable = error.message.startsWith('No ffprobe') ? 'FFPROBE_PATH' : 'FFMPEG_PATH';
    throw new StartError(variable, `${error.message}: install it, or set ${variable}.`);
  });
  if (ffmpegPath !== undefined && tools.ffmpegPath !== ffmpegPath) {
    throw new StartError('FFMPEG_PATH', `FFMPEG_PATH ${ffmpegPath} does not run.`);
  }
  if (ffprobePath !== undefined && tools.ffprobePath !== ffprobePath) {
    throw new StartError('FFPROBE_PATH', `FFPROBE_PATH ${ffprobePath} does not run.`);
  }
  return tools;
}

/** The bot words a token that Telegram refuses by the name of its variable. */
function explainBotError(error: Error): Error {
  if (!error.message.includes('(BOT_TOKEN)')) return error;
  return new StartError(
    'BOT_TOKEN',
    'BOT_TOKEN is not accepted by Telegram: ask @BotFather for it.',
  );
}

/** Waits for all, at most so long; returns why some failed. */
async function settle(
  timeoutMs: number,
  work: readonly (Promise<unknown> | undefined)[],
): Promise<unknown[]> {
  const late = sleep(timeoutMs, [], { ref: false });
  const outcomes = await Promise.race([Promise.allSettled(work), late]);
  return outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
}

function createWebhook(provider: ReplicateProvider, orders: OrderDesk, log: Logger) {
  const receiver = createWebhookReceiver({
    fetchSecret: () => provider.fetchWebhookSecret(AbortSignal.timeout(WEBHOOK_KEY_MS)),
    pauseMs: WEBHOOK_KEY_MS,
    log,
  });
  return async (
    rawBody: Buffer,
    headers: Readonly<Record<string, string | undefined>>,
    about: { readonly attemptId: string; readonly kind: string | undefined },
  ) => {
    const { attemptId, kind } = about;
    const received = await receiver.receive(rawBody, headers, kind);
    switch (received.kind) {
      case 'later':
        return 'later' as const;
      case 'rejected':
        log.warn({ reason: received.reason }, 'a webhook was rejected');
        return 'rejected' as const;
      case 'verified':
        await orders.predictionChanged(attemptId, received.prediction.id);
        return 'accepted' as const;
    }
  };
}

/** Who can render here, and what a morph is rendered with. */
function createProviders(config: Config, morpher: Morpher, log: Logger) {
  const engine = chooseEngine(config);
  const { REPLICATE_API_TOKEN: token, BFL_API_KEY: bflKey } = config;
  const replicate = token === undefined ? undefined : createReplicate(config, token, log);
  const bfl =
    bflKey === undefined
      ? undefined
      : createBflProvider({ key: bflKey, baseUrl: config.BFL_BASE_URL, log });
  const directory = join(config.DATA_DIR, 'predictions');
  const local =
    engine.kind === 'local'
      ? createLocalProvider({ morpher, model: LOCAL_MODEL.id, directory, log })
      : undefined;
  const all = [replicate, bfl, local].filter((provider) => provider !== undefined);
  return {
    all,
    names: new Set<ProviderName>(all.map(({ name }) => name)),
    replicate,
    morphModel: local ? LOCAL_MODEL.id : config.MORPH_MODEL,
    atOnce: replicate ? Number.POSITIVE_INFINITY : LOCAL_AT_ONCE,
  };
}

function createReplicate(config: Config, token: string, log: Logger): ReplicateProvider {
  const { REPLICATE_BASE_URL: baseUrl, PUBLIC_URL: publicUrl } = config;
  return createReplicateProvider({ token, baseUrl, log, ...(publicUrl ? { publicUrl } : {}) });
}
