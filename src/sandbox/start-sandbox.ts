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
  /** Ends the bot, then everything else. */
  close(): Promise<void>;
}

/**
 * Starts everything side by side; resolves when the page can be opened, which may be before the bot
 * serves: the page shows that.
 * @throws {SandboxError} when the port is taken, or a development package is missing
 */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { dataDir, botEnv, command } = options;
  await mkdir(join(dataDir, 'bot'), { recursive: true });
  const telegram = await startBotApiServer({
    token: SANDBOX_TOKEN,
    dataDir: join(dataDir, 'telegram'),
  });
  for (const { id, firstName, username, language } of PERSONAS) {
    telegram.addUser({ id, first_name: firstName, username, language_code: language });
  }
  const log = createWriteStream(join(dataDir, 'bot.log'));
  const bot = startBotProcess({
    command,
    env: { ...botEnv, TELEGRAM_API_ROOT: telegram.url },
    readyPattern: /Morphogram is up/,
    onOutput: (text) => void log.write(text),
  });
  const close = async () => {
    await bot.stop();
    await telegram.close();
    log.end();
  };
  try {
    const assets = await bundlePage();
    const { port } = options;
    const page = await startPageServer({ port, assets, telegram, bot, people: PERSONAS });
    return {
      url: `http://localhost:${page.port}`,
      async close() {
        await page.close();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw explain(error, options.port);
  }
}

function explain(error: unknown, port: number): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') {
    return new SandboxError(
      `Port ${port} is taken: end what listens there, or set SANDBOX_PORT to another port.`,
    );
  }
  if (code === 'ERR_MODULE_NOT_FOUND') {
    return new SandboxError('The sandbox needs the development packages: run "npm install" first.');
  }
  return error;
}
