import { join, resolve } from 'node:path';
import { z } from 'zod';
import type { Persona } from './page/wire.ts';

/** The person who starts the sandbox can mend it; the message is one sentence that says how. */
export class SandboxError extends Error {
  override name = 'SandboxError' as const;
}

/** How the sandbox is run. */
export interface SandboxConfig {
  readonly port: number;
  /** Where chats, files and the bot's own data are kept. */
  readonly dataDir: string;
  /** The bot's environment, without the address of its Telegram, which is not known yet. */
  readonly botEnv: Readonly<Record<string, string>>;
}

/** Of the environment the bot gets this, and nothing else: a real token must not leak in here. */
const inherited = [
  ...['PATH', 'HOME', 'TMPDIR', 'TZ', 'LANG', 'FFMPEG_PATH', 'FFPROBE_PATH'],
  // Whoever tries a lot would soon have had all previews of the day.
  'PREVIEWS_PER_DAY',
  // Where Node keeps what it compiled, if somebody chose a place.
  'NODE_COMPILE_CACHE',
];

/** Made up; it opens nothing anywhere else. */
export const SANDBOX_TOKEN = '42:sandbox';

/** The people of the sandbox. */
export const PERSONAS: readonly Persona[] = [
  { id: 1001, firstName: 'Ann', username: 'ann', language: 'en', isAdmin: false },
  { id: 1002, firstName: 'Борис', username: 'boris', language: 'ru', isAdmin: false },
  { id: 1003, firstName: 'Olga', username: 'olga', language: 'en', isAdmin: true },
];

const port = z.coerce.number().int().min(0).max(65_535);

/**
 * Reads `SANDBOX_PORT` (8080) and `DATA_DIR` (./data), below which it has a folder of its own.
 * @throws {SandboxError} when the port is none
 */
export function loadSandboxConfig(
  env: Readonly<Record<string, string | undefined>>,
): SandboxConfig {
  const parsed = port.safeParse(env['SANDBOX_PORT']?.trim() || 8080);
  if (!parsed.success)
    throw new SandboxError('SANDBOX_PORT must be a whole number from 0 to 65535.');
  const dataDir = join(resolve(env['DATA_DIR']?.trim() || './data'), 'sandbox');
  const passed = inherited.flatMap((name) => {
    const value = env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    port: parsed.data,
    dataDir,
    botEnv: {
      // Node compiles the bot once, and not at each start.
      NODE_COMPILE_CACHE: join(dataDir, 'compiled'),
      ...Object.fromEntries(passed),
      BOT_TOKEN: SANDBOX_TOKEN,
      ADMIN_IDS: PERSONAS.flatMap(({ id, isAdmin }) => (isAdmin ? [id] : [])).join(),
      DATA_DIR: join(dataDir, 'bot'),
      MORPH_ENGINE: 'local',
      PORT: '0',
    },
  };
}
