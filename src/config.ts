import { resolve } from 'node:path';
import { z } from 'zod';
import { VIDEO_MODELS } from './services/video-models.ts';

const REMEDY = 'Set it in the environment or in .env (see .env.example).';

/** Without a slash at the end, so that paths can be put behind it. */
const url = z
  .url({ protocol: /^https?$/, error: 'must be an http(s) address' })
  .transform((text) => text.replace(/\/+$/, ''));

/** A decimal number as people write it; `Number` would also take "", "0x10" and "1e3". */
const decimal = (error: string) =>
  z
    .string()
    .regex(/^\d{1,9}(\.\d{1,9})?$/, error)
    .transform(Number);
const positive = decimal('must be a number above 0').refine(
  (value) => value > 0,
  'must be above 0',
);
const whole = (min: number, max: number) => {
  const error = `must be a whole number from ${min} to ${max}`;
  return decimal(error).refine((n) => Number.isInteger(n) && n >= min && n <= max, error);
};

const adminIds = z
  .string()
  .regex(/^\s*(\d{1,15}\s*(,\s*|$))*$/, 'must be Telegram user ids separated by commas')
  .transform((text) => text.split(',').flatMap((part) => (part.trim() ? [Number(part)] : [])));

/** Telegram sells no invoice of more. */
const MAX_INVOICE_XTR = 10_000;

const packs = z
  .string()
  .transform((text) => text.split(',').map((part) => part.trim()))
  .refine(
    (parts) =>
      parts.every((part) => /^[1-9]\d{0,4}$/.test(part) && Number(part) <= MAX_INVOICE_XTR),
    `must be whole numbers from 1 to ${MAX_INVOICE_XTR} separated by commas`,
  )
  .transform((parts): readonly number[] => parts.map(Number));

const starAmount = z.string().regex(/^\d{1,6}([.,]\d{1,2})?$/, 'must be an amount like 10 or 7.50');

const morphModel = z
  .string()
  .refine(
    (id) => VIDEO_MODELS.some((model) => model.id === id),
    `must be one of ${VIDEO_MODELS.map((model) => model.id).join(', ')}`,
  );

/** Environment variables, one line each; `.env.example` explains them and a test keeps the two in step. */
const environment = z.object({
  BOT_TOKEN: z
    .string({ error: 'is missing: @BotFather gives one' })
    .regex(/^\d+:[\w-]+$/, 'does not look like a bot token (123456:ABC…)'),
  TELEGRAM_API_ROOT: url.default('https://api.telegram.org'),
  REPLICATE_API_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'has a blank or a character that cannot be sent')
    .optional(),
  MORPH_ENGINE: z.enum(['replicate', 'local'], { error: 'must be replicate or local' }).optional(),
  REPLICATE_BASE_URL: url.default('https://api.replicate.com/v1'),
  BFL_API_KEY: z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'has a blank or a character that cannot be sent')
    .optional(),
  BFL_BASE_URL: url.default('https://api.bfl.ai'),
  DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/, error: 'must be a postgres:// address' })
    .optional(),
  DATA_DIR: z.string().default('./data'),
  ADMIN_IDS: adminIds.default([]),
  PUBLIC_URL: url.optional(),
  PORT: whole(0, 65_535).default(3000),
  MORPH_MODEL: morphModel.default('kwaivgi/kling-v1.6-pro'),
  RENDER_CONCURRENCY: whole(1, 100).default(16),
  MAX_PHOTOS: whole(2, 1000).default(200),
  STAR_USD: positive.default(0.016),
  MARKUP: positive.default(1.5),
  TOP_UP_PACKS: packs.default([50, 100, 250, 500, 1000, 2500]),
  REFUND_DAYS: whole(0, 365).default(14),
  WELCOME_STARS: starAmount.default('0'),
  REFERRAL_BONUS_STARS: starAmount.default('0'),
  RETENTION_HOURS: positive.default(72),
  PREVIEWS_PER_DAY: whole(0, 1000).default(10),
  FFMPEG_PATH: z.string().optional(),
  FFPROBE_PATH: z.string().optional(),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
      error: 'must be one of trace, debug, info, warn, error, fatal, silent',
    })
    .default('info'),
});

/** The validated configuration; names as in the environment, so that everybody speaks of the same thing. */
export type Config = Readonly<z.infer<typeof environment>>;

/** Who renders what is paid for. */
export type Engine =
  | { readonly kind: 'local' }
  | { readonly kind: 'replicate'; readonly token: string };

/** Where the database is: on a server, or in a directory. */
export type DatabaseConfig = Pick<Config, 'DATABASE_URL' | 'DATA_DIR'>;

type Env = Readonly<Record<string, string | undefined>>;

/** The names of all variables that are read, for the test that compares them with `.env.example`. */
export const CONFIG_NAMES = Object.keys(environment.shape);

/** What only the operator can mend keeps the bot from starting; the message is one sentence that says what. */
export class StartError extends Error {
  override name = 'StartError' as const;
  /** The variable that is to blame, if one is; the message names it. */
  readonly variable: keyof Config | undefined;

  constructor(variable: keyof Config | undefined, message: string) {
    super(message);
    this.variable = variable;
  }
}

/**
 * Validates the environment. An empty variable counts as unset; blanks around a value are dropped.
 * @throws StartError naming the first variable that is wrong.
 */
export function loadConfig(env: Env): Config {
  const config = parse(environment, env);
  chooseEngine(config);
  return { ...config, DATA_DIR: resolve(config.DATA_DIR) };
}

/**
 * Replicate where there is a token, else this machine; `MORPH_ENGINE` overrides.
 * @throws StartError when Replicate is asked for without a token.
 */
export function chooseEngine(config: Pick<Config, 'MORPH_ENGINE' | 'REPLICATE_API_TOKEN'>): Engine {
  const { MORPH_ENGINE, REPLICATE_API_TOKEN: token } = config;
  if (MORPH_ENGINE === 'local') return { kind: 'local' };
  if (token) return { kind: 'replicate', token };
  if (MORPH_ENGINE === undefined) return { kind: 'local' };
  throw new StartError(
    'REPLICATE_API_TOKEN',
    `REPLICATE_API_TOKEN is missing: replicate.com gives one. ${REMEDY}`,
  );
}

/**
 * The part of the configuration that says where the database is, for roles that need nothing else.
 * @throws StartError naming the first variable of it that is wrong.
 */
export function loadDatabaseConfig(env: Env): DatabaseConfig {
  const config = parse(environment.pick({ DATABASE_URL: true, DATA_DIR: true }), env);
  return { ...config, DATA_DIR: resolve(config.DATA_DIR) };
}

/** What must never be shown of the environment: tokens, and the database's address with its password. */
export function secretsOf(env: Env): readonly string[] {
  const { BOT_TOKEN, REPLICATE_API_TOKEN, BFL_API_KEY, DATABASE_URL } = readGiven(env);
  const password = URL.parse(DATABASE_URL ?? '')?.password;
  const secrets = [
    BOT_TOKEN,
    REPLICATE_API_TOKEN,
    BFL_API_KEY,
    DATABASE_URL,
    password && `:${password}@`,
  ];
  return secrets.flatMap((secret) => secret || []);
}

/**
 * All that may be shown of an error that nobody expected: messages and places, down to its causes, without
 * secrets. Database errors carry the values of their query, which are people's data: those are left out.
 */
export function describeFatal(error: unknown, secrets: readonly string[]): string {
  const parts: string[] = [];
  for (let cause = error; cause !== undefined && parts.length < 5; ) {
    if (!(cause instanceof Error)) {
      parts.push(typeof cause === 'string' ? cause : `a thrown ${typeof cause}`);
      break;
    }
    const { name, message, stack = '' } = cause;
    const from = stack.indexOf(message) + message.length;
    const frames = stack.includes(message) ? stack.slice(from).split('\n') : [];
    const code = 'code' in cause && typeof cause.code === 'string' ? ` (${cause.code})` : '';
    parts.push(
      [
        `${name}: ${message.split('\nparams:')[0]}${code}`,
        ...frames.filter((line) => line.startsWith('    at ')),
      ].join('\n'),
    );
    cause = cause.cause;
  }
  return redact(parts.join('\ncaused by '), secrets);
}

/** A text in which no secret survives. */
export function redact(text: string, secrets: readonly string[]): string {
  return secrets.reduce((rest, secret) => rest.replaceAll(secret, '[secret]'), text);
}

function parse<T extends z.ZodType>(schema: T, env: Env): z.infer<T> {
  const parsed = schema.safeParse(readGiven(env));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const name = environment.keyof().safeParse(issue?.path[0]).data;
  throw new StartError(name, `${name} ${issue?.message}. ${REMEDY}`);
}

function readGiven(env: Env): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value?.trim() ? [[name, value.trim()]] : [])),
  );
}
