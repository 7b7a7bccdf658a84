import { resolve } from 'node:path';
import { z } from 'zod';
import { findVideoModel, VIDEO_MODELS } from './services/video-models.ts';

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

const morphModel = z
  .string()
  .refine(
    (id) => findVideoModel(id) !== undefined,
    `must be one of ${VIDEO_MODELS.map((model) => model.id).join(', ')}`,
  );

/** Environment variables, one line each; `.env.example` explains them and a test keeps the two in step. */
const environment = z.object({
  BOT_TOKEN: z
    .string({ error: 'is missing: @BotFather gives one' })
    .regex(/^\d+:[\w-]+$/, 'does not look like a bot token (123456:ABC…)'),
  TELEGRAM_API_ROOT: url.default('https://api.telegram.org'),
  REPLICATE_API_TOKEN: z
    .string({ error: 'is missing: replicate.com gives one' })
    .regex(/^[\x21-\x7e]+$/, 'has a blank or a character that cannot be sent'),
  REPLICATE_BASE_URL: url.default('https://api.replicate.com/v1'),
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
  WELCOME_STARS: z
    .string()
    .regex(/^\d{1,6}([.,]\d{1,2})?$/, 'must be an amount like 10 or 7.50')
    .default('0'),
  RETENTION_HOURS: positive.default(72),
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

/** The names of all variables that are read, for the test that compares them with `.env.example`. */
export const CONFIG_NAMES = Object.keys(environment.shape);

/** A variable is missing or has a bad value; the message is one sentence that names it. */
export class ConfigError extends Error {
  override name = 'ConfigError' as const;
}

/**
 * Validates the environment. An empty variable counts as unset; blanks around a value are dropped.
 * @throws ConfigError naming the first variable that is wrong.
 */
export function loadConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value?.trim() ? [[name, value.trim()]] : [])),
  );
  const parsed = environment.safeParse(given);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new ConfigError(`${String(issue?.path[0])} ${issue?.message}. ${REMEDY}`);
  }
  return { ...parsed.data, DATA_DIR: resolve(parsed.data.DATA_DIR) };
}
