import { createApp } from './app.ts';
import { ConfigError, loadConfig } from './config.ts';
import { openDatabase } from './db/database.ts';
import { DirectoryInUseError } from './db/directory-lock.ts';
import { auditLedger, formatAudit } from './ledger/audit.ts';
import { FfmpegError } from './media/ffmpeg.ts';

/** Whatever hangs at the end, the process is gone after this. */
const STOP_DEADLINE_MS = 10_000;

async function run(): Promise<void> {
  const [role = 'bot'] = process.argv.slice(2);
  switch (role) {
    case 'bot':
      return serve();
    case 'ledger:audit':
      return audit();
    default:
      throw new ConfigError(`Unknown role "${role}": use none to run the bot, or ledger:audit`);
  }
}

async function serve(): Promise<void> {
  const app = createApp(loadConfig(process.env), end);
  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(1), STOP_DEADLINE_MS).unref();
    await app.stop();
    process.exit(0);
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);
  await app.start();
}

async function audit(): Promise<void> {
  const config = loadConfig({ BOT_TOKEN: '0:audit', REPLICATE_API_TOKEN: 'audit', ...process.env });
  const database = await openDatabase({ url: config.DATABASE_URL, dataDir: config.DATA_DIR });
  const report = await auditLedger(database.db);
  await database.close();
  process.stdout.write(`${formatAudit(report)}\n`);
  process.exit(report.differences.length === 0 ? 0 : 1);
}

/** What the operator can mend is told in one sentence; anything else is a bug and shown whole. */
function end(error: unknown): void {
  const known =
    error instanceof ConfigError ||
    error instanceof DirectoryInUseError ||
    error instanceof FfmpegError;
  process.stderr.write(
    `${known ? error.message : String(error instanceof Error ? error.stack : error)}\n`,
  );
  process.exit(1);
}

process.on('unhandledRejection', end);
await run().catch(end);
