import { and, eq } from 'drizzle-orm';
import type { Db, Tx } from '../db/database.ts';
import { orders, predictions, steps } from '../db/schema.ts';
import { describeError } from '../domain/describe-error.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Catalogue } from '../services/catalogue.ts';
import type { ChatPort } from './chat-port.ts';
import { diskFullPause, isDiskFull } from './disk.ts';
import type { Queue } from './queue.ts';
import { refundAllSteps } from './refund.ts';
import { RESULT_MAKERS } from './results/index.ts';
import type { ResultTools } from './results/result-maker.ts';
import { lockOrder, type OrderRow, readOrder } from './rows.ts';

/** Finishing is tried this often, with pauses that double up to a minute, before the stars go back. */
const MAX_TRIES = 6;
/** A full disk is an operator's matter: it is given much longer. */
const MAX_TRIES_DISK_FULL = 240;
const LONGEST_PAUSE_MS = 60_000;

export interface FinishDeps extends ResultTools {
  readonly db: Db;
  readonly queue: Queue;
  readonly ledger: Ledger;
  readonly catalogue: Catalogue;
  readonly chat: Pick<ChatPort, 'progressChanged' | 'alarm'>;
  readonly retryMs: number;
}

/**
 * Makes the result of an order from the outputs of its steps. Every file is written whole and over what
 * was there, so a killed run is simply repeated.
 */
export async function finishOrder(
  deps: FinishDeps,
  orderId: string,
  signal: AbortSignal,
): Promise<void> {
  const order = await readOrder(deps.db, orderId);
  if (order?.state !== 'finishing') return;
  try {
    const service = deps.catalogue.require(order.serviceType);
    const maker = RESULT_MAKERS[service.finish];
    await maker.make(deps, order, signal);
    await deps.db.transaction(async (tx) => {
      if ((await lockOrder(tx, orderId))?.state !== 'finishing') return;
      await maker.settle?.(tx, order, service);
      await tx
        .update(orders)
        .set({ state: 'delivering', retries: 0 })
        .where(eq(orders.id, orderId));
      await deps.queue.send(tx, 'deliver', [{ data: { orderId } }]);
    });
  } catch (error) {
    signal.throwIfAborted();
    await tryAgain(deps, order, error);
  }
  deps.chat.progressChanged(orderId);
}

async function tryAgain(deps: FinishDeps, order: OrderRow, error: unknown): Promise<void> {
  const diskFull = await isDiskFull(deps.storage, error);
  if (diskFull) await deps.chat.alarm({ kind: 'disk_full' });
  const tries = order.retries + 1;
  deps.log.warn({ orderId: order.id, tries, ...describeError(error) }, 'finishing failed');
  const pause = diskFull
    ? diskFullPause(deps)
    : Math.min(deps.retryMs * 2 ** order.retries, LONGEST_PAUSE_MS);
  const gaveUp = await deps.db.transaction(async (tx) => {
    if ((await lockOrder(tx, order.id))?.state !== 'finishing') return false;
    const retries = order.retries + 1;
    if (retries >= (diskFull ? MAX_TRIES_DISK_FULL : MAX_TRIES)) {
      await refundAllSteps(deps.ledger, tx, order.id, 'failed: stitching');
      await tx
        .update(orders)
        .set({ state: 'failed', failure: 'stitching', endedAt: new Date() })
        .where(eq(orders.id, order.id));
      await reapModels(deps, tx, order.id);
      await deps.queue.send(tx, 'deliver', [{ data: { orderId: order.id } }]);
      return true;
    }
    await tx.update(orders).set({ retries }).where(eq(orders.id, order.id));
    const startAfter = new Date(Date.now() + pause);
    await deps.queue.send(tx, 'finish', [{ data: { orderId: order.id }, startAfter }]);
    return false;
  });
  if (gaveUp) {
    await deps.chat.alarm({ kind: 'order_failed', orderId: order.id, failure: 'stitching' });
  }
}

/** A model that becomes no avatar is nobody's, and is not left at its provider. */
async function reapModels({ queue }: FinishDeps, tx: Tx, orderId: string): Promise<void> {
  const trained = await tx
    .select({ attemptId: predictions.id })
    .from(predictions)
    .innerJoin(steps, eq(steps.id, predictions.stepId))
    .where(and(eq(steps.orderId, orderId), eq(predictions.kind, 'training')));
  await queue.send(
    tx,
    'reap',
    trained.map((data) => ({ data })),
  );
}
