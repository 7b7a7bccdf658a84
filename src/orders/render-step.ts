import { and, eq } from 'drizzle-orm';
import type { Db } from '../db/database.ts';
import { orders, photos, predictions, steps } from '../db/schema.ts';
import { assertNever } from '../domain/assert-never.ts';
import { type Failure, type FailureKind, retryPolicy } from '../domain/failure.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Storage } from '../media/storage.ts';
import type { Video } from '../media/video.ts';
import type { Attempt, Provider } from '../providers/provider.ts';
import { imageMorphing, morphInput } from '../services/image-morphing.ts';
import { findVideoModel } from '../services/video-models.ts';
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
import { clipKey } from './keys.ts';
import type { ProviderGate } from './provider-gate.ts';
import type { Queue } from './queue.ts';
import { refundStep } from './refund.ts';
import { lockOrder, readOrder, readSteps, type StepRow } from './rows.ts';
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
}

/** 15 minutes and 5 s, 10 s, 20 s are what people were promised. */
export const RENDER_TIMING: RenderTiming = {
  attemptMs: 15 * 60_000,
  retryMs: 5_000,
  pollMinMs: 250,
  pollMaxMs: 5_000,
  findMs: [0, 2_000, 5_000],
};

const MAX_ATTEMPTS = 3;

/** Making the pictures reachable costs nothing and is tried this much more often. */
const MAX_PREPARES = 5;

/** A clip is not fetched onto a disk with less room than this; it waits at the provider. */
const FULL_BELOW_BYTES = 10_000_000;

/** A look at a prediction comes after this share of its age: quick ones are seen at once, slow ones cost few looks. */
const POLL_SHARE = 0.05;

export interface RenderDeps {
  readonly db: Db;
  readonly queue: Queue;
  readonly ledger: Ledger;
  readonly storage: Storage;
  readonly video: Video;
  readonly provider: Provider;
  readonly gate: ProviderGate;
  readonly watch: Watch;
  readonly chat: Pick<ChatPort, 'progressChanged' | 'alarm'>;
  readonly timing: RenderTiming;
}

/** Where an attempt left the step. */
type AttemptEnd =
  | { readonly kind: 'clip' }
  | { readonly kind: 'failed'; readonly failure: Failure }
  /** The step is no longer ours to render: cancelled, or done by somebody else. */
  | { readonly kind: 'over' };

/**
 * Renders one step, or goes on where a killed process stopped: the rows say how far it came. A step
 * whose prediction exists waits for that one; it never buys a second.
 */
export async function renderStep(
  deps: RenderDeps,
  stepId: number,
  signal: AbortSignal,
): Promise<void> {
  const step = await claim(deps, stepId);
  if (!step) return stopLeftovers(deps, stepId, signal);
  deps.chat.progressChanged(step.orderId);
  for (;;) {
    const attempts = await readAttempts(deps.db, stepId);
    const last = attempts.at(-1);
    if (last?.state === 'failed') {
      const verdict = judge(attempts, last);
      if (verdict) return giveUp(deps, step, verdict);
      const since = Date.now() - (last.endedAt ?? last.createdAt).getTime();
      const pause = deps.timing.retryMs * 2 ** (attempts.length - 1) - since;
      if (pause > 0) await deps.watch.sleep(stepTopic(stepId), pause, signal);
      if (!(await isRendering(deps.db, stepId))) return stopLeftovers(deps, stepId, signal);
    }
    const end =
      last && (last.state === 'creating' || last.state === 'running')
        ? await resume(deps, step, last, signal)
        : await startAttempt(deps, step, attempts.length + 1, signal);
    if (end.kind === 'clip') return;
    if (end.kind === 'over') return stopLeftovers(deps, stepId, signal);
  }
}

/** The topic on which a step's handler is woken. */
export const stepTopic = (stepId: number) => `step:${stepId}`;

/** Marks a waiting step as rendering, and its order with the first; undefined when there is nothing to render. */
async function claim(deps: RenderDeps, stepId: number): Promise<StepRow | undefined> {
  return deps.db.transaction(async (tx) => {
    const [found] = await tx.select().from(steps).where(eq(steps.id, stepId));
    const order = found && (await lockOrder(tx, found.orderId));
    if (!order || (order.state !== 'queued' && order.state !== 'rendering')) return undefined;
    const [step] = await tx.select().from(steps).where(eq(steps.id, stepId));
    if (step?.state === 'rendering') return step;
    if (step?.state !== 'waiting') return undefined;
    if (order.state === 'queued') {
      await tx.update(orders).set({ state: 'rendering' }).where(eq(orders.id, order.id));
    }
    const [claimed] = await tx
      .update(steps)
      .set({ state: 'rendering', startedAt: new Date() })
      .where(eq(steps.id, stepId))
      .returning();
    return claimed;
  });
}

/** Why the step failed for good, or undefined when another attempt is due. */
function judge(attempts: readonly PredictionRow[], last: PredictionRow): FailureKind | undefined {
  const failure = last.failure ?? 'provider_error';
  if (retryPolicy(failure) === 'never') return failure;
  return attempts.length >= MAX_ATTEMPTS ? failure : undefined;
}

async function startAttempt(
  deps: RenderDeps,
  step: StepRow,
  number: number,
  signal: AbortSignal,
): Promise<AttemptEnd> {
  const request = await describe(deps, step);
  const attempt = { stepId: step.id, attempt: number, provider: deps.provider.name };
  for (let wait = 0; ; wait += 1) {
    if (!(await isRendering(deps.db, step.id))) return { kind: 'over' };
    const prepared = await deps.provider.prepare(request, signal);
    if (prepared.kind === 'prepared') {
      const row = await beginAttempt(deps.db, attempt, prepared.request);
      return create(deps, step, row, signal);
    }
    // Nothing was bought yet, so only what would fail for ever, or too often, counts as an attempt.
    const { failure } = prepared;
    const policy = retryPolicy(failure.kind);
    if (policy === 'never' || (policy === 'attempt' && wait >= MAX_PREPARES)) {
      await recordUnsent(deps.db, attempt, request.model, failure.kind);
      return { kind: 'failed', failure };
    }
    await deps.gate.pause(failure, wait, stepTopic(step.id), signal);
  }
}

/** Goes on with an attempt that a killed process left behind. */
async function resume(
  deps: RenderDeps,
  step: StepRow,
  row: PredictionRow,
  signal: AbortSignal,
): Promise<AttemptEnd> {
  if (row.state === 'running' && row.externalId) return follow(deps, step, row, signal);
  const found = await findLost(deps, row, signal);
  if (found === 'absent') return create(deps, step, row, signal);
  return found ? follow(deps, step, found, signal) : { kind: 'over' };
}

/** Buys the prediction of an attempt that is known not to have one. */
async function create(
  deps: RenderDeps,
  step: StepRow,
  row: PredictionRow,
  signal: AbortSignal,
): Promise<AttemptEnd> {
  for (let wait = 0; ; wait += 1) {
    if (!(await isRendering(deps.db, step.id))) {
      await endAttempt(deps.db, row.id, { state: 'cancelled' });
      return { kind: 'over' };
    }
    if (!(await deps.gate.open(stepTopic(step.id), signal))) continue;
    const created = await deps.provider.create(attemptOf(deps, row), signal);
    if (created.kind === 'created') {
      deps.gate.succeeded();
      const adopted = await adoptPrediction(deps.db, row.id, created.externalId);
      return adopted ? follow(deps, step, adopted, signal) : { kind: 'over' };
    }
    const { failure } = created;
    if (failure.ambiguous) {
      // The provider may have accepted it all the same: look before anything is asked for again.
      const found = await findLost(deps, row, signal);
      if (found !== 'absent') return found ? follow(deps, step, found, signal) : { kind: 'over' };
    }
    if (retryPolicy(failure.kind) !== 'wait') {
      await endAttempt(deps.db, row.id, { state: 'failed', failure: failure.kind });
      return { kind: 'failed', failure };
    }
    await deps.gate.pause(failure, wait, stepTopic(step.id), signal);
  }
}

/**
 * Looks for the prediction of an attempt whose answer was lost. While the provider cannot be asked it
 * waits, since buying again without having looked could buy twice; but no longer than an attempt may
 * take, for by then the provider has stopped whatever it accepted.
 * @returns the attempt with its id, `absent`, or undefined when the attempt is over.
 */
async function findLost(
  deps: RenderDeps,
  row: PredictionRow,
  signal: AbortSignal,
): Promise<PredictionRow | 'absent' | undefined> {
  const createdAfter = new Date(row.createdAt.getTime() - 60_000);
  const deadline = Date.now() + deps.timing.attemptMs;
  for (let look = 0; look < deps.timing.findMs.length && Date.now() < deadline; ) {
    await deps.watch.sleep(stepTopic(row.stepId), deps.timing.findMs[look] ?? 0, signal);
    const claimed = await claimedIds(deps.db, row.fingerprint);
    const found = await deps.provider.find(
      { ...attemptOf(deps, row), createdAfter, claimed },
      signal,
    );
    switch (found.kind) {
      case 'found':
        return adoptPrediction(deps.db, row.id, found.externalId);
      case 'absent':
        look += 1;
        break;
      case 'failed':
        if (!(await isRendering(deps.db, row.stepId))) return undefined;
        await deps.watch.sleep(stepTopic(row.stepId), waitFor(found.failure, deps.timing), signal);
        break;
      default:
        assertNever(found);
    }
    const [now] = await deps.db.select().from(predictions).where(eq(predictions.id, row.id));
    if (now?.state !== 'creating') return now?.state === 'running' ? now : undefined;
  }
  return 'absent';
}

/** Waits for a prediction by looking, more often while it is young; a webhook ends the pause early. */
async function follow(
  deps: RenderDeps,
  step: StepRow,
  row: PredictionRow,
  signal: AbortSignal,
): Promise<AttemptEnd> {
  const externalId = row.externalId ?? '';
  const { attemptMs, pollMinMs, pollMaxMs } = deps.timing;
  let lostLooks = 0;
  for (;;) {
    if (!(await isRendering(deps.db, step.id))) return { kind: 'over' };
    const looked = await deps.provider.check(externalId, signal);
    const age = Date.now() - (row.startedAt ?? row.createdAt).getTime();
    let pause = Math.min(Math.max(age * POLL_SHARE, pollMinMs), pollMaxMs);
    if (looked.kind === 'unreachable') {
      pause = waitFor(looked.failure, deps.timing);
    } else {
      switch (looked.status.kind) {
        case 'running':
          break;
        case 'succeeded': {
          if ((await deps.storage.freeBytes()) < FULL_BELOW_BYTES) {
            await deps.chat.alarm({ kind: 'disk_full' });
            await deps.watch.sleep(stepTopic(step.id), deps.timing.retryMs, signal);
            continue;
          }
          const end = await keepClip(deps, step, row, looked.status.outputs, signal);
          if (end.kind !== 'failed') return end;
          lostLooks += 1;
          if (lostLooks >= MAX_ATTEMPTS || end.failure.kind === 'output_lost') {
            return fail(deps, row, end.failure);
          }
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
    if (age > attemptMs) {
      await stopPrediction(deps, externalId, signal);
      return fail(deps, row, { kind: 'timeout' });
    }
    await deps.watch.sleep(stepTopic(step.id), pause, signal);
  }
}

async function fail(deps: RenderDeps, row: PredictionRow, failure: Failure): Promise<AttemptEnd> {
  await endAttempt(deps.db, row.id, { state: 'failed', failure: failure.kind });
  return { kind: 'failed', failure };
}

/** Downloads, probes and stores the clip, then writes the step as done. */
async function keepClip(
  deps: RenderDeps,
  step: StepRow,
  row: PredictionRow,
  outputs: readonly string[],
  signal: AbortSignal,
): Promise<AttemptEnd> {
  const key = clipKey(step.orderId, step.position);
  const path = deps.storage.pathOf(key);
  const [output] = outputs;
  if (!output) return { kind: 'failed', failure: { kind: 'output_lost' } };
  const downloaded = await deps.provider.download(output, path, signal);
  if (downloaded.kind === 'failed') return downloaded;
  const playable = await deps.video.probe(path, signal).then(
    (info) => info.durationSeconds > 0,
    () => false,
  );
  signal.throwIfAborted();
  if (!playable) return { kind: 'failed', failure: { kind: 'provider_error' } };
  const kept = await settle(deps, step, async (tx) => {
    await tx
      .update(predictions)
      .set({ state: 'succeeded', endedAt: new Date() })
      .where(eq(predictions.id, row.id));
    return { state: 'done', clipKey: key };
  });
  if (!kept) await deps.storage.remove(key);
  return { kind: kept ? 'clip' : 'over' };
}

/** The step failed for good: refunded at once; the finish puts a dissolve in its place. */
async function giveUp(deps: RenderDeps, step: StepRow, failure: FailureKind): Promise<void> {
  await settle(deps, step, async (tx) => {
    await refundStep(deps.ledger, tx, step, `failed: ${failure}`);
    return { state: 'failed', failure };
  });
}

/**
 * Ends a rendering step; whoever ends the last one moves the order on, in the same transaction.
 * @returns false when the step was not rendering any more (cancelled meanwhile).
 */
async function settle(
  deps: RenderDeps,
  step: StepRow,
  end: (tx: Parameters<Parameters<Db['transaction']>[0]>[0]) => Promise<Partial<StepRow>>,
): Promise<boolean> {
  const settled = await deps.db.transaction(async (tx) => {
    await lockOrder(tx, step.orderId);
    const [current] = await tx.select().from(steps).where(eq(steps.id, step.id));
    if (current?.state !== 'rendering') return false;
    const changes = await end(tx);
    await tx
      .update(steps)
      .set({ ...changes, endedAt: new Date() })
      .where(eq(steps.id, step.id));
    const all = await readSteps(tx, step.orderId);
    if (all.some(({ state }) => state === 'waiting' || state === 'rendering')) return true;
    if (all.some(({ state }) => state === 'done')) {
      await tx.update(orders).set({ state: 'finishing' }).where(eq(orders.id, step.orderId));
      await deps.queue.send(tx, 'finish', [{ data: { orderId: step.orderId } }]);
    } else {
      // Not one transition came out: there is no video, and each was refunded as it failed.
      const failure = changes.failure ?? 'provider_error';
      await tx
        .update(orders)
        .set({ state: 'failed', failure, endedAt: new Date() })
        .where(eq(orders.id, step.orderId));
      await deps.queue.send(tx, 'deliver', [{ data: { orderId: step.orderId } }]);
    }
    return true;
  });
  deps.chat.progressChanged(step.orderId);
  return settled;
}

/** What is still running for a step that nobody waits for is stopped at the provider. */
async function stopLeftovers(deps: RenderDeps, stepId: number, signal: AbortSignal): Promise<void> {
  const open = (await readAttempts(deps.db, stepId)).filter(
    ({ state }) => state === 'creating' || state === 'running',
  );
  for (const row of open) {
    let { externalId } = row;
    if (!externalId) {
      const claimed = await claimedIds(deps.db, row.fingerprint);
      const createdAfter = new Date(row.createdAt.getTime() - 60_000);
      const found = await deps.provider.find(
        { ...attemptOf(deps, row), createdAfter, claimed },
        signal,
      );
      if (found.kind === 'found') externalId = found.externalId;
    }
    if (externalId) await stopPrediction(deps, externalId, signal);
    await endAttempt(deps.db, row.id, { state: 'cancelled' });
  }
}

/** A few tries; beyond them the provider's own deadline ends the prediction. */
async function stopPrediction(
  deps: RenderDeps,
  externalId: string,
  signal: AbortSignal,
): Promise<void> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const outcome = await deps.provider.cancel(externalId, signal);
    if (outcome.kind === 'stopped') return;
    await deps.watch.sleep(`stop:${externalId}`, waitFor(outcome.failure, deps.timing), signal);
  }
}

async function describe(deps: RenderDeps, step: StepRow) {
  const order = await readOrder(deps.db, step.orderId);
  const model = findVideoModel(order?.quote?.model ?? '');
  if (!order?.canvas || !model) throw new Error(`Order ${step.orderId} names no known model`);
  const pathOf = async (photoId: number) => {
    const [photo] = await deps.db.select().from(photos).where(eq(photos.id, photoId));
    if (!photo?.canvasKey) throw new Error(`Photo ${photoId} has no canvas`);
    return deps.storage.pathOf(photo.canvasKey);
  };
  const from = await pathOf(step.fromPhotoId);
  const to = await pathOf(step.toPhotoId);
  return imageMorphing.request(
    morphInput.parse(order.input),
    { from, to, canvas: order.canvas },
    model,
  );
}

function attemptOf(deps: RenderDeps, row: PredictionRow): Attempt {
  const { model, input, fingerprint } = row;
  return {
    attemptId: row.id,
    request: { model, input, fingerprint },
    deadlineMs: deps.timing.attemptMs,
  };
}

async function isRendering(db: Db, stepId: number): Promise<boolean> {
  const [step] = await db
    .select({ id: steps.id })
    .from(steps)
    .where(and(eq(steps.id, stepId), eq(steps.state, 'rendering')));
  return step !== undefined;
}

function waitFor(failure: Failure, timing: RenderTiming): number {
  return Math.min(failure.retryAfterMs ?? timing.retryMs, 300_000);
}
