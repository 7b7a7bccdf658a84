import { createApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config.ts';
import { createQuickMorpher } from './quick-morpher.ts';
import { createQuickPhotos } from './quick-photos.ts';

/** The whole bot, as src/main.ts starts it, with its pauses and patience shortened for tests. */
const app = createApp(
  loadConfig(process.env),
  (error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exit(1);
  },
  {
    createMorpher: createQuickMorpher,
    createPhotos: createQuickPhotos,
    renderTiming: {
      attemptMs: Number(process.env['TEST_ATTEMPT_MS'] ?? 60_000),
      retryMs: 300,
      pollMinMs: 100,
      pollMaxMs: 500,
      findMs: [0, 300, 700],
      waitMs: 600_000,
      recheckMs: 60_000,
    },
    botTimings: {
      updates: {
        pollSeconds: 30,
        maxPauseMs: 300,
        watchMs: 100,
        repeatMs: 200,
        repeatForMs: 60_000,
      },
      collector: { editEveryMs: 300, firstMs: 100 },
      progress: { tickMs: 300, editEveryMs: 300 },
      payments: {
        checkoutMs: 700,
        reconcileMs: 2_000,
        settleMs: 2_000,
        refundMs: 500,
        takeDownMs: 1_000,
      },
      download: { idleMs: 2_000, overallMs: 20_000, retryPauseMs: 100 },
      retryPauseMs: 50,
    },
    ...(process.env['TEST_UPLOAD_LIMIT_BYTES']
      ? { uploadLimitBytes: Number(process.env['TEST_UPLOAD_LIMIT_BYTES']) }
      : {}),
  },
);
process.once('SIGTERM', async () => {
  await app.stop();
  process.exit(0);
});
await app.start();
