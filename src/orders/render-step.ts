import { eq } from 'drizzle-orm';
import type { Tx } from '../db/database.ts';
import { orders, predictions, steps } from '../db/schema.ts';
import { type FailureKind, retryPolicy } from '../domain/failure.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Catalogue } from '../services/catalogue.ts';
import type { Service, StepMaterial } from '../services/service.ts';
import { type AttemptDeps, type AttemptJob, isRendering, stepTopic } from './attempt-job.ts';
import { type PredictionRow, readAttempts } from './attempts.ts';
import type { ChatPort } from './chat-port.ts';
import { errorCode } from './error-code.ts';
import { outputKey } from './keys.ts';
import { OUTPUT_EXTENSIONS, outputForm } from './outputs.ts';
import { refundStep } from './refund.ts';
import { resumeAttempt, startAttempt, stopLeftovers } from './render-attempt.ts';
import { lockOrder, type OrderRow, readOrder, readSteps, type StepRow } from './rows.ts';
import type { Slot } from './slots.ts';
import { stepMaterial } from './step-material.ts';

const MAX_ATTEMPTS = 3;

export interface RenderDeps extends AttemptDeps {
  readonly catalogue: Catalogue;
  readonly ledger: Ledger;
  readonly chat: Pick<ChatPort, 'progressChanged' | 'alarm'>;
  readonly log: { warn(fields: object, message: string): void };
}

/** Why a step cannot be asked for. */
interface Undone {
  readonly failure: FailureKind;
  /** Whether an operator should know: what is sold, or the program, is not what the order was made with. */
  readonly isOurs: boolean;
}

/**
 * Renders one step, or goes on where a killed process stopped: the rows say how far it came. A step
 * whose prediction exists waits for that one; it never buys a second.
 * @param slot held only while a prediction runs, or is being bought.
 */
export async function renderStep(
  deps: RenderDeps,
  stepId: number,
  signal: AbortSignal,
  slot: Slot,
): Promise<void> {
  const step = await claim(deps, stepId);
  if (!step) return stopLeftovers(deps, stepId, signal);
  deps.chat.progressChanged(step.orderId);
  const job = await describe(deps, step, signal);
  if ('failure' in job) {
    const { failure, isOurs } = job;
    await giveUp(deps, step, failure);
    if (isOurs) await deps.chat.alarm({ kind: 'order_failed', orderId: step.orderId, failure });
    // Bought when it could still be asked for.
    return stopLeftovers(deps, stepId, signal);
  }
  for (;;) {
    const attempts = await readAttempts(deps.db, stepId);
    const last = attempts.at(-1);
    if (last?.state === 'failed') {
      const verdict = judge(attempts, last);
      if (verdict) return giveUp(deps, step, verdict);
      const since = Date.now() - (last.endedAt ?? last.createdAt).getTime();
      const pause = deps.timing.retryMs * 2 ** (attempts.length - 1) - since;
      if (pause > 0) {
        slot.release();
        await deps.watch.sleep(stepTopic(stepId), pause, signal);
      }
      if (!(await isRendering(deps.db, stepId))) return stopLeftovers(deps, stepId, signal);
    }
    await slot.take(signal);
    const end =
      last?.state === 'creating' || last?.state === 'running'
        ? await resumeAttempt(deps, job, last, signal, slot)
        : await startAttempt(deps, job, attempts.length + 1, signal, slot);
    if (end.kind === 'output') return keep(deps, step, job, end, signal);
    if (end.kind === 'gave_up') return giveUp(deps, step, 'provider_error');
    if (end.kind === 'over') return stopLeftovers(deps, stepId, signal);
  }
}

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

/** What the model is asked for; why it cannot be, where a file, the provider or the model is not there any more. */
async function describe(
  deps: RenderDeps,
  step: StepRow,
  signal: AbortSignal,
): Promise<AttemptJob | Undone> {
  const order = await readOrder(deps.db, step.orderId);
  const entry = deps.catalogue.findModel(order?.quote?.model ?? '');
  const service = deps.catalogue.find(order?.serviceType ?? '');
  if (!order || !entry || !service) return { failure: 'provider_error', isOurs: true };
  const { provider: name = 'replicate', patience = 1 } = entry;
  const provider = deps.providers.find(name);
  if (!provider) return { failure: 'provider_error', isOurs: false };
  const material = await stepMaterial(deps, order, step, service, signal);
  if (!material) return { failure: 'bad_input', isOurs: false };
  const form = outputForm(service.finish);
  const kind = form === 'model' ? 'training' : 'prediction';
  const request = requestOf(deps, order, service, material);
  if (!request) return { failure: 'provider_error', isOurs: true };
  return {
    stepId: step.id,
    request: { ...request, kind },
    provider,
    gate: deps.providers.gateOf(name, kind),
    output: { form, key: outputKey(order.id, step.position, OUTPUT_EXTENSIONS[form]) },
    attemptMs: deps.timing.attemptMs * patience,
    waitUntil: (order.confirmedAt ?? order.createdAt).getTime() + deps.timing.waitMs,
  };
}

/** Undefined when the service cannot read any more what it once sold: it never will again. */
function requestOf(deps: RenderDeps, order: OrderRow, service: Service, material: StepMaterial) {
  try {
    return service.request(service.input.parse(order.input), material);
  } catch (error) {
    deps.log.warn({ orderId: order.id, ...errorCode(error) }, 'an order cannot be read any more');
    return undefined;
  }
}

/** Why the step failed for good, or undefined when another attempt is due. */
function judge(attempts: readonly PredictionRow[], last: PredictionRow): FailureKind | undefined {
  const failure = last.failure ?? 'provider_error';
  if (retryPolicy(failure) === 'never') return failure;
  return attempts.length >= MAX_ATTEMPTS ? failure : undefined;
}

async function keep(
  deps: RenderDeps,
  step: StepRow,
  { output: { key } }: AttemptJob,
  { attemptId, info }: { readonly attemptId: string; readonly info: unknown },
  signal: AbortSignal,
): Promise<void> {
  const kept = await settle(deps, step, async (tx) => {
    await tx
      .update(predictions)
      .set({ state: 'succeeded', endedAt: new Date() })
      .where(eq(predictions.id, attemptId));
    return { state: 'done', outputKey: key, outputInfo: info };
  });
  // Cancelled and refunded while it was downloaded.
  if (kept) return;
  await deps.storage.remove(key);
  await stopLeftovers(deps, step.id, signal);
}

/** The step failed for good: refunded at once; a video gets a stand-in for it when it is finished. */
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
  end: (tx: Tx) => Promise<Partial<StepRow>>,
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
    await moveOn(deps, tx, step.orderId, changes.failure ?? 'provider_error');
    return true;
  });
  deps.chat.progressChanged(step.orderId);
  return settled;
}

/** After the last step: the finish when there is an output; else the end, each step being refunded already. */
async function moveOn(
  deps: RenderDeps,
  tx: Tx,
  orderId: string,
  failure: FailureKind,
): Promise<void> {
  const all = await readSteps(tx, orderId);
  if (all.some(({ state }) => state === 'waiting' || state === 'rendering')) return;
  if (all.some(({ state }) => state === 'done')) {
    await tx.update(orders).set({ state: 'finishing' }).where(eq(orders.id, orderId));
    await deps.queue.send(tx, 'finish', [{ data: { orderId } }]);
    return;
  }
  await tx
    .update(orders)
    .set({ state: 'failed', failure, endedAt: new Date() })
    .where(eq(orders.id, orderId));
  await deps.queue.send(tx, 'deliver', [{ data: { orderId } }]);
}
