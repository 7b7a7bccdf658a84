import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { startBotApiServer } from './bot-api-server.ts';
import { startBotProcess } from './bot-process.ts';
import { startPageServer } from './page-server.ts';
import { PERSONAS, SANDBOX_TOKEN, type SandboxConfig, SandboxError } from './sandbox-config.ts';
import { bundlePage } from './serve/bundle.ts';

export interface SandboxOptions extends SandboxConfig {
  /** Starts the bot. */
  readonly command: readonly [string, ...string[]];
}

/** A Telegram of its own, the bot in it, and a page to chat with it. */
export interface Sandbox {
  /** Where the page is. */
  readonly url: string;
  /** Ends the bot politely, then everything else. */
  close(): Promise<void>;
}

/**
 * Starts everything side by side; resolves when the page can be opened, which may be before the bot
 * serves: the page shows that.
 * @throws {SandboxError} when the port or the folder is taken, or a development package is missing
 */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { dataDir, botEnv, command, port } = options;
  const closers: (() => unknown)[] = [];
  const close = async () => {
    // The bot takes its leave of Telegram, and writes to the log until it is gone.
    for (const end of closers.splice(0).reverse()) await end();
  };
  try {
    // Photos of people: nobody else's business on a shared machine.
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    await mkdir(join(dataDir, 'bot'), { recursive: true });
    const telegram = await startBotApiServer({
      token: SANDBOX_TOKEN,
      dataDir: join(dataDir, 'telegram'),
    });
    closers.push(() => telegram.close());
    for (const { id, firstName, username, language } of PERSONAS) {
      telegram.addUser({ id, first_name: firstName, username, language_code: language });
    }
    const log = createWriteStream(join(dataDir, 'bot.log'));
    // A full disk costs the log, not the sandbox.
    log.on('error', (error) => void process.stderr.write(`bot.log: ${error.message}\n`));
    closers.push(() => log.end());
    const bot = startBotProcess({
      command,
      env: { ...botEnv, TELEGRAM_API_ROOT: telegram.url },
      readyPattern: /Morphogram is up/,
      onOutput: (text) => void log.write(text),
    });
    closers.push(() => bot.stop());
    const assets = await bundlePage();
    const page = await startPageServer({ port, assets, telegram, bot, people: PERSONAS });
    closers.push(() => page.close());
    return { url: `http://localhost:${page.port}`, close };
  } catch (error) {
    await close();
    throw explain(error, options);
  }
}

/** Words for what the person who starts the sandbox can mend; anything else is a bug. */
function explain(error: unknown, { port, dataDir }: SandboxOptions): unknown {
  if (!(error instanceof Error)) return error;
  const code = 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') {
    return new SandboxError(
      `Port ${port} is taken: end what listens there, or set SANDBOX_PORT to another port.`,
    );
  }
  if (code === 'ERR_MODULE_NOT_FOUND') {
    return new SandboxError('The sandbox needs the development packages: run "npm install" first.');
  }
  // The store words its own troubles by the file they are about.
  return error.message.startsWith(dataDir) ? new SandboxError(`${error.message}.`) : error;
}
