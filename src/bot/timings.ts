import type { CollectorTimings } from './collector.ts';
import type { DownloadTimings } from './download.ts';
import type { PaymentTimings } from './payments/books.ts';
import type { ProgressTimings } from './progress-display.ts';
import type { UpdateSourceTimings } from './update-source.ts';

/** Every pause and patience of the bot; tests shorten them. */
export interface BotTimings {
  readonly updates: UpdateSourceTimings;
  readonly collector: CollectorTimings;
  readonly progress: ProgressTimings;
  readonly download: DownloadTimings;
  readonly payments: PaymentTimings;
  /** Before the first repeat of a call after a cut connection or a 5xx; doubles. In milliseconds. */
  readonly retryPauseMs: number;
}

/** Telegram allows about one message per second and chat, edits included: these stay well below. */
export const DEFAULT_TIMINGS: BotTimings = {
  updates: {
    pollSeconds: 30,
    maxPauseMs: 3_000,
    watchMs: 500,
    repeatMs: 1_000,
    repeatForMs: 60_000,
  },
  collector: { editEveryMs: 2_000, firstMs: 700 },
  progress: { tickMs: 3_000, editEveryMs: 3_000 },
  download: { idleMs: 30_000, overallMs: 180_000, retryPauseMs: 1_000 },
  payments: {
    checkoutMs: 700,
    reconcileMs: 600_000,
    settleMs: 30_000,
    refundMs: 5_000,
    takeDownMs: 30_000,
  },
  retryPauseMs: 500,
};
