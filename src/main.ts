import { z } from 'zod';
import { describeFatal, loadConfig, loadDatabaseConfig, StartError, secretsOf } from './config.ts';

const outageWish = z.object({
  fault: z.literal('provider'),
  times: z.int().nonnegative(),
  struck: z.array(z.string()),
});

/** Whatever hangs at the end, the process is gone after this. */
const STOP_DEADLINE_MS = 10_000;

/** Each role loads what it runs: with the bot in it, the sandbox alone would be up a second later. */
async function run(): Promise<void> {
  const [role = 'bot'] = process.argv.slice(2);
  switch (role) {
    case 'bot':
      return serve();
    case 'ledger:audit':
      return audit();
    case 'sandbox':
      return playSandbox();
    default:
      throw new StartError(
        undefined,
        `Unknown role "${role}": use none to run the bot, sandbox, or ledger:audit`,
      );
  }
}

async function serve(): Promise<void> {
  const { createApp } = await import('./app.ts');
  const { createOutage } = await import('./providers/outage.ts');
  // For the processes we start: glibc gives each of their threads a heap of its own, and their pictures leave all
  // of those full of holes.
  process.env['MALLOC_ARENA_MAX'] ??= '1';
  const outage = createOutage((struck) => {
    // Whoever is gone does not want to know.
    process.send?.({ fault: 'provider', struck }, undefined, undefined, () => {});
  });
  // Whoever started us with a channel, as the sandbox does, may ask for failures.
  process.on('message', (message) => {
    const wish = outageWish.safeParse(message);
    if (!wish.success) return;
    const { times, struck } = wish.data;
    if (times === 0 && struck.length === 0) outage.clear();
    else outage.failNext(times, struck);
  });
  const app = createApp(loadConfig(process.env), end, { distort: outage.over });
  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => process.exit(1), STOP_DEADLINE_MS).unref();
    await app.stop();
    process.exit(0);
  };
  // Whoever started us with a channel and is gone does not want us any more.
  process.on('SIGTERM', stop).on('SIGINT', stop).once('disconnect', stop);
  await app.start().catch((error: unknown) => {
    // A start that is stopped half-way may find its parts closed.
    if (!stopping) throw error;
  });
}

async function audit(): Promise<void> {
  const { openConfiguredDatabase } = await import('./app.ts');
  const { auditLedger, formatAudit } = await import('./ledger/audit.ts');
  const database = await openConfiguredDatabase(loadDatabaseConfig(process.env));
  const report = await auditLedger(database.db);
  await database.close();
  process.stdout.write(formatAudit(report));
  process.exit(report.differences.length === 0 ? 0 : 1);
}

/** The bot as a child, in a Telegram that lives on this machine. */
async function playSandbox(): Promise<void> {
  const { loadSandboxConfig, SandboxError } = await import('./sandbox/sandbox-config.ts');
  const { startSandbox } = await import('./sandbox/start-sandbox.ts');
  try {
    const command = [process.execPath, import.meta.filename] as const;
    const starting = startSandbox({ ...loadSandboxConfig(process.env), command });
    const stop = () => {
      starting.then((sandbox) => sandbox.close()).then(() => process.exit(0), end);
    };
    process.once('SIGTERM', stop).once('SIGINT', stop);
    process.stdout.write(`The sandbox is ready: ${(await starting).url}\n`);
  } catch (error) {
    throw error instanceof SandboxError ? new StartError(undefined, error.message) : error;
  }
}

/** What the operator can mend is told in one sentence; anything else is a bug and shown whole. */
function end(error: unknown): void {
  const text =
    error instanceof StartError ? error.message : describeFatal(error, secretsOf(process.env));
  process.stderr.write(`${text}\n`);
  process.exit(1);
}

process.on('unhandledRejection', end);
await run().catch(end);
