import { assertNever } from '../domain/assert-never.ts';
import {
  type AttemptDeps,
  type AttemptEnd,
  type AttemptJob,
  failAttempt,
  isRendering,
  stepTopic,
  stopPrediction,
} from './attempt-job.ts';
import type { PredictionRow } from './attempts.ts';
import { diskFullPause, isDiskFull } from './disk.ts';
import { type Fetched, fetchOutput } from './outputs.ts';
import { pauseAfter } from './pause-after.ts';
import type { Slot } from './slots.ts';

/** A look at a prediction comes after this share of its age: quick ones are seen at once, slow ones cost few looks. */
const POLL_SHARE = 0.05;

const MAX_UNUSABLE = 2;

/** An output lives this long at the provider; whoever asks later asks in vain. */
const OUTPUT_LIFE_MS = 3_600_000;

/** Waits for a prediction by looking, more often while it is young; a webhook ends the pause early. */
export async function followPrediction(
  deps: AttemptDeps,
  job: AttemptJob,
  row: PredictionRow,
  signal: AbortSignal,
  slot: Slot,
): Promise<AttemptEnd> {
  const externalId = row.externalId ?? '';
  const { pollMinMs, pollMaxMs, retryMs } = deps.timing;
  const startedAt = (row.startedAt ?? row.createdAt).getTime();
  let renderedAt: number | undefined;
  let unusable = 0;
  let failedLooks = 0;
  for (;;) {
    if (!(await isRendering(deps.db, job.stepId))) return { kind: 'over' };
    const looked = await job.provider.check(externalId, signal);
    const age = Date.now() - startedAt;
    let pause = Math.min(Math.max(age * POLL_SHARE, pollMinMs), pollMaxMs);
    if (looked.kind !== 'seen') {
      failedLooks += 1;
      const failure = looked.kind === 'unreachable' ? looked.failure : undefined;
      if (failure?.kind === 'unauthorized') {
        await deps.chat.alarm({ kind: 'provider_unauthorized' });
      }
      pause = pauseAfter(failure, failedLooks - 1, retryMs);
    } else {
      // From here on the provider is idle for this step, whatever its output still needs from us.
      if (looked.status.kind !== 'running') slot.release();
      switch (looked.status.kind) {
        case 'running':
          failedLooks = 0;
          break;
        case 'succeeded': {
          renderedAt ??= Date.now();
          const fetched = await fetchUnlessFull(deps, job, looked.status.output, signal);
          if (fetched.kind === 'output') return { ...fetched, attemptId: row.id };
          if (fetched.kind === 'lost') return failAttempt(deps, row, { kind: 'output_lost' });
          if (fetched.kind === 'nothing') return failAttempt(deps, row, { kind: 'nothing_said' });
          if (fetched.kind === 'unusable') unusable += 1;
          if (unusable >= MAX_UNUSABLE) return failAttempt(deps, row, { kind: 'provider_error' });
          // The output exists and is paid for: it is asked for again, and never bought again.
          failedLooks += 1;
          pause = pauseAfter(fetched.failure, failedLooks - 1, retryMs);
          break;
        }
        case 'cancelled':
          return failAttempt(deps, row, { kind: 'provider_error' });
        case 'failed':
          return failAttempt(deps, row, looked.status.failure);
        default:
          assertNever(looked.status);
      }
    }
    // What could not be looked at may be rendered and paid for by now: as long as its output may live, it is
    // not bought again.
    const deadline = startedAt + job.attemptMs;
    const lastAt = looked.kind === 'unreachable' ? deadline + OUTPUT_LIFE_MS : deadline;
    if (Date.now() > (renderedAt === undefined ? lastAt : renderedAt + OUTPUT_LIFE_MS)) {
      await stopPrediction(deps, job.provider, externalId, signal);
      return failAttempt(deps, row, { kind: renderedAt === undefined ? 'timeout' : 'output_lost' });
    }
    await deps.watch.sleep(stepTopic(job.stepId), pause, signal);
  }
}

/** While there is no room nothing is fetched, and nothing more is bought. */
async function fetchUnlessFull(
  deps: AttemptDeps,
  job: AttemptJob,
  output: unknown,
  signal: AbortSignal,
): Promise<Fetched> {
  if (!(await isDiskFull(deps.storage))) {
    return fetchOutput(deps, job.provider, job.output, output, signal);
  }
  const retryAfterMs = diskFullPause(deps.timing);
  // Until after the next look.
  job.gate.hold(2 * retryAfterMs);
  await deps.chat.alarm({ kind: 'disk_full' });
  return { kind: 'later', failure: { kind: 'network', retryAfterMs } };
}
