import { type Failure, retryPolicy } from '../domain/failure.ts';
import type { Provider } from '../providers/provider.ts';
import {
  type AttemptDeps,
  type AttemptEnd,
  type AttemptJob,
  failAttempt,
  isRendering,
  stepTopic,
  stopPrediction,
} from './attempt-job.ts';
import {
  adoptPrediction,
  attemptOf,
  beginAttempt,
  endAttempt,
  type PredictionRow,
  readAttempts,
  recordUnsent,
} from './attempts.ts';
import { followPrediction } from './follow-prediction.ts';
import { lookForLost } from './lost-prediction.ts';
import type { Slot } from './slots.ts';

/** What buys nothing may be tried this often before it counts as an attempt. */
const MAX_UNBOUGHT_TRIES = 5;

/** Begins the `number`-th attempt at a step. The slot, held, is released when its prediction is over. */
export async function startAttempt(
  deps: AttemptDeps,
  job: AttemptJob,
  number: number,
  signal: AbortSignal,
  slot: Slot,
): Promise<AttemptEnd> {
  const { stepId, request, provider } = job;
  const attempt = { stepId, attempt: number, provider: provider.name, kind: request.kind };
  for (let tries = 1; ; tries += 1) {
    if (!(await isRendering(deps.db, stepId))) return { kind: 'over' };
    const prepared = await provider.prepare(request, signal);
    if (prepared.kind === 'prepared') {
      const row = await beginAttempt(deps.db, attempt, prepared.request);
      return create(deps, job, row, signal, slot);
    }
    const { failure } = prepared;
    const isInVain = waitsInVain(job, failure);
    if (isInVain || !mayWait(failure, tries)) {
      await recordUnsent(deps.db, attempt, request.model, failure.kind);
      return { kind: isInVain ? 'gave_up' : 'failed' };
    }
    await job.gate.pause(failure, tries - 1, stepTopic(stepId), signal);
  }
}

/** Goes on with an attempt that a killed process left behind. */
export async function resumeAttempt(
  deps: AttemptDeps,
  job: AttemptJob,
  row: PredictionRow,
  signal: AbortSignal,
  slot: Slot,
): Promise<AttemptEnd> {
  if (row.state === 'running') return followPrediction(deps, job, row, signal, slot);
  const found = await findLost(deps, job, row, signal);
  if (found === 'absent') return create(deps, job, row, signal, slot);
  // It may have been bought: to buy it once more is another attempt, and there are only so many.
  if (found === 'untold') return failAttempt(deps, row, { kind: 'network' });
  return found ? followPrediction(deps, job, found, signal, slot) : { kind: 'over' };
}

/**
 * What is still running for a step that nobody waits for is stopped at the provider. Where the provider
 * cannot be asked it is tried again, until its own deadline has ended the prediction.
 */
export async function stopLeftovers(
  deps: AttemptDeps,
  stepId: number,
  signal: AbortSignal,
): Promise<void> {
  const { attemptMs, retryMs } = deps.timing;
  let isLeft = false;
  for (const row of await readAttempts(deps.db, stepId)) {
    if (row.state !== 'creating' && row.state !== 'running') continue;
    const provider = deps.providers.find(row.provider);
    const isStopped = !provider || (await stopLeftover(deps, provider, row, signal));
    if (isStopped || Date.now() - row.createdAt.getTime() > 2 * attemptMs) {
      await endAttempt(deps, row.id, { state: 'cancelled' });
    } else isLeft = true;
  }
  if (!isLeft) return;
  const job = { data: { stepId }, startAfter: new Date(Date.now() + 2 * retryMs) };
  await deps.db.transaction((tx) => deps.queue.send(tx, 'step', [job]));
}

/** Whether it is stopped, or was never there. */
async function stopLeftover(
  deps: AttemptDeps,
  provider: Provider,
  row: PredictionRow,
  signal: AbortSignal,
): Promise<boolean> {
  let { externalId } = row;
  // What a training leaves is looked for, and reaped, later.
  const isReaped = row.kind === 'training';
  if (!externalId) {
    if (isReaped) return true;
    const found = await lookForLost(deps, provider, row, deps.timing.attemptMs, signal);
    if (found.kind !== 'found') return true;
    externalId = found.externalId;
    await adoptPrediction(deps.db, row.id, externalId);
  }
  return (await stopPrediction(deps, provider, externalId, signal)) || isReaped;
}

/** Buys the prediction of an attempt that is known not to have one. */
async function create(
  deps: AttemptDeps,
  job: AttemptJob,
  row: PredictionRow,
  signal: AbortSignal,
  slot: Slot,
): Promise<AttemptEnd> {
  for (let tries = 1; ; tries += 1) {
    if (!(await isRendering(deps.db, job.stepId))) {
      await endAttempt(deps, row.id, { state: 'cancelled' });
      return { kind: 'over' };
    }
    if (!(await job.gate.open(stepTopic(job.stepId), signal))) {
      if (isTooLate(job)) return giveUpWaiting(deps, row);
      continue;
    }
    const created = await job.provider.create(attemptOf(row, job.attemptMs), signal);
    if (created.kind === 'created') {
      job.gate.succeeded();
      const adopted = await adoptPrediction(deps.db, row.id, created.externalId);
      if (adopted) return followPrediction(deps, job, adopted, signal, slot);
      await stopUnwanted(deps, job.provider, row, created.externalId, signal);
      return { kind: 'over' };
    }
    const { failure } = created;
    if (failure.ambiguous) {
      // The provider may have accepted it all the same: look before anything is asked for again.
      const found = await findLost(deps, job, row, signal);
      if (found !== 'absent' && found !== 'untold')
        return found ? followPrediction(deps, job, found, signal, slot) : { kind: 'over' };
    }
    if (!mayWait(failure, tries)) return failAttempt(deps, row, failure);
    if (waitsInVain(job, failure)) return giveUpWaiting(deps, row);
    await job.gate.pause(failure, tries - 1, stepTopic(job.stepId), signal);
  }
}

/**
 * Finds the prediction of an attempt whose answer was lost, before anything is bought again.
 * @returns the attempt with its id, `absent`, `untold` where nobody will ever tell, or undefined when the
 * attempt is over.
 */
async function findLost(
  deps: AttemptDeps,
  job: AttemptJob,
  row: PredictionRow,
  signal: AbortSignal,
): Promise<PredictionRow | 'absent' | 'untold' | undefined> {
  const { provider, attemptMs } = job;
  const isOver = async () => !(await isRendering(deps.db, row.stepId));
  const found = await lookForLost(deps, provider, row, attemptMs, signal, isOver);
  switch (found.kind) {
    case 'found':
      return adoptPrediction(deps.db, row.id, found.externalId);
    case 'over':
      return undefined;
    default:
      return found.kind;
  }
}

/** Stops what nobody waits for: a prediction by itself, a training with all that comes of it. */
async function stopUnwanted(
  deps: AttemptDeps,
  provider: Provider,
  row: PredictionRow,
  externalId: string,
  signal: AbortSignal,
): Promise<void> {
  if (row.kind !== 'training') {
    await stopPrediction(deps, provider, externalId, signal);
    return;
  }
  const data = { attemptId: row.id, externalId };
  await deps.db.transaction((tx) => deps.queue.send(tx, 'reap', [{ data }]));
}

/** What only time or the operator could have mended was not: nothing was bought, and nothing will be. */
async function giveUpWaiting(deps: AttemptDeps, row: PredictionRow): Promise<AttemptEnd> {
  await endAttempt(deps, row.id, { state: 'failed', failure: 'provider_error' });
  return { kind: 'gave_up' };
}

function waitsInVain(job: AttemptJob, failure: Failure): boolean {
  return retryPolicy(failure.kind) === 'wait' && isTooLate(job);
}

function isTooLate({ waitUntil }: AttemptJob): boolean {
  return Date.now() > waitUntil;
}

/**
 * Whether a failure before anything was bought is waited out, so that it does not count as an attempt:
 * as long as it takes where nobody but time or the operator can help, a few times where the network
 * did not let the request out.
 */
function mayWait(failure: Failure, tries: number): boolean {
  switch (retryPolicy(failure.kind)) {
    case 'wait':
      return true;
    case 'attempt':
      return !failure.ambiguous && tries <= MAX_UNBOUGHT_TRIES;
    case 'never':
      return false;
  }
}
