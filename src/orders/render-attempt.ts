import { and, eq } from 'drizzle-orm';
import pRetry from 'p-retry';
import type { Db } from '../db/database.ts';
import { predictions, steps } from '../db/schema.ts';
import { assertNever } from '../domain/assert-never.ts';
import { type Failure, retryPolicy } from '../domain/failure.ts';
import type { Attempt, PredictionRequest, Provider } from '../providers/provider.ts';
import {
  adoptPrediction,
  beginAttempt,
  claimedIds,
  endAttempt,
  type PredictionRow,
  readAttempts,
  recordUnsent,
} from './attempts.ts';
import type { ChatPort } from './chat-port.ts';
import { diskFullPause, isDiskFull } from './disk.ts';
import { type Fetched, fetchOutput, type OutputDeps, type OutputForm } from './outputs.ts';
import type { ProviderGate } from './provider-gate.ts';
import type { Providers } from './providers.ts';
import type { Queue } from './queue.ts';
import type { Slot } from './slots.ts';
import type { Watch } from './watch.ts';

/** The rhythm of rendering, in milliseconds. Tests run the same code faster. */
export interface RenderTiming {
  /** One attempt may take this long from its creation; then it is cancelled at the provider. */
  readonly attemptMs: number;
  /** Pause before the second and third attempt; each is twice the one before. */
  readonly retryMs: number;
  /** Shortest and longest pause between two looks at a prediction. */
  readonly pollMinMs: number;
  readonly pollMaxMs: number;
  /** When to look again for a prediction whose create answer was lost: the listing may lag behind. */
  readonly findMs: readonly number[];
  /** What may be waited out is, until this long after the order was confirmed; then the stars go back. */
  readonly waitMs: number;
  /** Pause before models that did not tell their fields are asked again. */
  readonly recheckMs: number;
}

/** 15 minutes and 5 s, 10 s, 20 s are what people were promised. */
export const RENDER_TIMING: RenderTiming = {
  attemptMs: 15 * 60_000,
  retryMs: 5_000,
  pollMinMs: 250,
  pollMaxMs: 5_000,
  findMs: [0, 2_000, 5_000],
  waitMs: 24 * 3_600_000,
  recheckMs: 60_000,
};

/** A look at a prediction comes after this share of its age: quick ones are seen at once, slow ones cost few looks. */
const POLL_SHARE = 0.05;

/** What buys nothing may be tried this often before it counts as an attempt. */
const MAX_UNBOUGHT_TRIES = 5;

const STOP_RETRIES = 2;
const MAX_UNUSABLE = 2;
const LONGEST_PAUSE_MS = 60_000;

/** An output lives for an hour at the provider; whoever still asks after two asks in vain. */
const OUTPUT_LIFE_MS = 2 * 3_600_000;

export interface AttemptDeps extends OutputDeps {
  readonly db: Db;
  readonly queue: Queue;
  readonly providers: Providers;
  readonly watch: Watch;
  readonly chat: Pick<ChatPort, 'alarm'>;
  readonly timing: RenderTiming;
}

/** What is to be rendered, by whom, and where its output belongs. */
export interface AttemptJob {
  readonly stepId: number;
  readonly request: PredictionRequest;
  readonly provider: Provider;
  readonly gate: ProviderGate;
  readonly output: { readonly form: OutputForm; readonly key: string };
  /** An attempt may take this long, in milliseconds from its creation. */
  readonly attemptMs: number;
  /** Until when that is waited out which only time or the operator can mend, in milliseconds since the epoch. */
  readonly waitUntil: number;
}

/** Where an attempt left the step. */
export type AttemptEnd =
  /** The output is on disk and proven; the attempt is still to be written as succeeded. */
  | { readonly kind: 'output'; readonly attemptId: string; readonly info: unknown }
  /** Written down as failed. */
  | { readonly kind: 'failed' }
  /** The same, and nothing more is to be tried: what was waited out did not pass. */
  | { readonly kind: 'gave_up' }
  /** The step is no longer ours to render: cancelled, or done by somebody else. */
  | { readonly kind: 'over' };

/** The topic on which a step's handler is woken. */
export const stepTopic = (stepId: number) => `step:${stepId}`;

/** Whether the step is still to be rendered; a cancel shows here first. */
export async function isRendering(db: Db, stepId: number): Promise<boolean> {
  const [step] = await db
    .select({ id: steps.id })
    .from(steps)
    .where(and(eq(steps.id, stepId), eq(steps.state, 'rendering')));
  return step !== undefined;
}

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
  if (row.state === 'running') return follow(deps, job, row, signal, slot);
  const found = await findLost(deps, job, row, signal);
  if (found === 'absent') return create(deps, job, row, signal, slot);
  // It may have been bought: to buy it once more is another attempt, and there are only so many.
  if (found === 'untold') return fail(deps, row, { kind: 'network' });
  return found ? follow(deps, job, found, signal, slot) : { kind: 'over' };
}

/** What is still running for a step that nobody waits for is stopped at the provider. */
export async function stopLeftovers(
  deps: AttemptDeps,
  stepId: number,
  signal: AbortSignal,
): Promise<void> {
  for (const row of await readAttempts(deps.db, stepId)) {
    if (row.state !== 'creating' && row.state !== 'running') continue;
    const provider = deps.providers.find(row.provider);
    if (provider) await stopLeftover(deps, provider, row, signal);
    await endAttempt(deps, row.id, { state: 'cancelled' });
  }
}

async function stopLeftover(
  deps: AttemptDeps,
  provider: Provider,
  row: PredictionRow,
  signal: AbortSignal,
): Promise<void> {
  let { externalId } = row;
  if (!externalId) {
    // What a training leaves is looked for, and reaped, later.
    if (row.kind === 'training') return;
    const found = await lookForLost(deps, provider, row, deps.timing.attemptMs, signal);
    if (found.kind !== 'found') return;
    externalId = found.externalId;
    await adoptPrediction(deps.db, row.id, externalId);
  }
  await stopPrediction(deps, provider, externalId, signal);
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
      if (adopted) return follow(deps, job, adopted, signal, slot);
      await stopUnwanted(deps, job.provider, row, created.externalId, signal);
      return { kind: 'over' };
    }
    const { failure } = created;
    if (failure.ambiguous) {
      // The provider may have accepted it all the same: look before anything is asked for again.
      const found = await findLost(deps, job, row, signal);
      if (found !== 'absent' && found !== 'untold')
        return found ? follow(deps, job, found, signal, slot) : { kind: 'over' };
    }
    if (!mayWait(failure, tries)) return fail(deps, row, failure);
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

type Lost =
  | { readonly kind: 'found'; readonly externalId: string }
  | { readonly kind: 'absent' | 'untold' | 'over' };

/**
 * Looks in the provider's listing, which may lag behind, for the prediction of an attempt that has no id.
 * While the provider cannot be asked it waits, since to conclude anything without having looked could buy
 * twice, or leave running what nobody wants; but no longer than an attempt may take, for by then the
 * provider has ended whatever it accepted. What it finished by then, nobody told: that is `untold`.
 * @param isOver whether the attempt ended while it could not be looked for.
 */
async function lookForLost(
  deps: AttemptDeps,
  provider: Provider,
  row: PredictionRow,
  attemptMs: number,
  signal: AbortSignal,
  isOver: () => Promise<boolean> = async () => false,
): Promise<Lost> {
  const topic = stepTopic(row.stepId);
  const deadline = Date.now() + attemptMs;
  for (let look = 0; look < deps.timing.findMs.length; ) {
    if (Date.now() > deadline) return { kind: 'untold' };
    await deps.watch.sleep(topic, deps.timing.findMs[look] ?? 0, signal);
    const found = await provider.find(await lookup(deps, row, attemptMs), signal);
    switch (found.kind) {
      case 'found':
        return found;
      case 'absent':
        look += 1;
        break;
      case 'failed':
        // A provider without a listing will never tell.
        if (retryPolicy(found.failure.kind) === 'never') return { kind: 'untold' };
        if (await isOver()) return { kind: 'over' };
        await deps.watch.sleep(topic, pauseAfter(found.failure, deps.timing.retryMs), signal);
        break;
      default:
        assertNever(found);
    }
    const [now] = await deps.db.select().from(predictions).where(eq(predictions.id, row.id));
    if (now?.state === 'creating') continue;
    // A webhook told us meanwhile, or the attempt was ended.
    const externalId = now?.state === 'running' && now.externalId;
    return externalId ? { kind: 'found', externalId } : { kind: 'over' };
  }
  return { kind: 'absent' };
}

/** Waits for a prediction by looking, more often while it is young; a webhook ends the pause early. */
async function follow(
  deps: AttemptDeps,
  job: AttemptJob,
  row: PredictionRow,
  signal: AbortSignal,
  slot: Slot,
): Promise<AttemptEnd> {
  const externalId = row.externalId ?? '';
  const { pollMinMs, pollMaxMs, retryMs } = deps.timing;
  let isRendered = false;
  let unusable = 0;
  let failedLooks = 0;
  for (;;) {
    if (!(await isRendering(deps.db, job.stepId))) return { kind: 'over' };
    const looked = await job.provider.check(externalId, signal);
    const age = Date.now() - (row.startedAt ?? row.createdAt).getTime();
    let pause = Math.min(Math.max(age * POLL_SHARE, pollMinMs), pollMaxMs);
    if (looked.kind !== 'seen') {
      failedLooks += 1;
      const failure = looked.kind === 'unreachable' ? looked.failure : undefined;
      if (failure?.kind === 'unauthorized')
        await deps.chat.alarm({ kind: 'provider_unauthorized' });
      pause = pauseAfter(failure, retryMs * 2 ** Math.min(failedLooks - 1, 10));
    } else {
      // From here on the provider is idle for this step, whatever its output still needs from us.
      if (looked.status.kind !== 'running') slot.release();
      switch (looked.status.kind) {
        case 'running':
          failedLooks = 0;
          break;
        case 'succeeded': {
          isRendered = true;
          const fetched = await fetchUnlessFull(deps, job, looked.status.output, signal);
          if (fetched.kind === 'output') return { ...fetched, attemptId: row.id };
          if (fetched.kind === 'lost') return fail(deps, row, { kind: 'output_lost' });
          if (fetched.kind === 'nothing') return fail(deps, row, { kind: 'nothing_said' });
          if (fetched.kind === 'unusable') unusable += 1;
          if (unusable >= MAX_UNUSABLE) return fail(deps, row, { kind: 'provider_error' });
          // The output exists and is paid for: it is asked for again, and never bought again.
          failedLooks += 1;
          pause = pauseAfter(fetched.failure, retryMs * 2 ** Math.min(failedLooks - 1, 10));
          break;
        }
        case 'cancelled':
          return fail(deps, row, { kind: 'provider_error' });
        case 'failed':
          return fail(deps, row, looked.status.failure);
        default:
          assertNever(looked.status);
      }
    }
    // What could not be looked at may be rendered and paid for by now: as long as its output may live, it is
    // not bought again.
    const mayBeRendered = isRendered || looked.kind === 'unreachable';
    if (age > (mayBeRendered ? job.attemptMs + OUTPUT_LIFE_MS : job.attemptMs)) {
      await stopPrediction(deps, job.provider, externalId, signal);
      return fail(deps, row, { kind: isRendered ? 'output_lost' : 'timeout' });
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

/** A few tries; beyond them the provider's own deadline ends the prediction. */
async function stopPrediction(
  deps: AttemptDeps,
  provider: Provider,
  externalId: string,
  signal: AbortSignal,
): Promise<void> {
  const ask = async () => {
    const outcome = await provider.cancel(externalId, signal);
    if (outcome.kind === 'unreachable') throw new Error(`Not stopped: ${outcome.failure.kind}`);
  };
  try {
    await pRetry(ask, { retries: STOP_RETRIES, minTimeout: deps.timing.retryMs, signal });
  } catch {
    signal.throwIfAborted();
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
  if (row.kind !== 'training') return stopPrediction(deps, provider, externalId, signal);
  const data = { attemptId: row.id, externalId };
  await deps.db.transaction((tx) => deps.queue.send(tx, 'reap', [{ data }]));
}

async function fail(deps: AttemptDeps, row: PredictionRow, failure: Failure): Promise<AttemptEnd> {
  await endAttempt(deps, row.id, { state: 'failed', failure: failure.kind });
  return { kind: 'failed' };
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

function pauseAfter(failure: Failure | undefined, usualMs: number): number {
  return failure?.retryAfterMs
    ? Math.min(failure.retryAfterMs, 300_000)
    : Math.min(usualMs, LONGEST_PAUSE_MS);
}

async function lookup(deps: AttemptDeps, row: PredictionRow, attemptMs: number) {
  const claimed = await claimedIds(deps.db, row.fingerprint);
  const createdAfter = new Date(row.createdAt.getTime() - 60_000);
  return { ...attemptOf(row, attemptMs), createdAfter, claimed };
}

function attemptOf(row: PredictionRow, deadlineMs: number): Attempt {
  const { kind, model, input, fingerprint } = row;
  return { attemptId: row.id, request: { kind, model, input, fingerprint }, deadlineMs };
}
