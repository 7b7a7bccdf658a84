import { and, eq } from 'drizzle-orm';
import type { Db } from '../db/database.ts';
import { orders, steps } from '../db/schema.ts';
import { hasClip } from '../domain/order-state.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Morpher } from '../media/morpher/morpher.ts';
import type { Storage } from '../media/storage.ts';
import type { ProbedClip, Video } from '../media/video.ts';
import { framesPerSecond, type VideoInfo, videoInfoSchema } from '../media/video-info.ts';
import { morphInput } from '../services/image-morphing.ts';
import type { ChatPort } from './chat-port.ts';
import { diskFullPause, isDiskFull } from './disk.ts';
import { clipKey, partsKey, previewKey, resultKey, thumbnailKey } from './keys.ts';
import type { Queue } from './queue.ts';
import { refundAllSteps } from './refund.ts';
import { lockOrder, type OrderRow, readOrder, readSteps, type StepRow } from './rows.ts';
import { stepPictures } from './step-pictures.ts';

/** Joining is tried this often, with pauses that double up to a minute, before the stars go back. */
const MAX_TRIES = 6;
/** A full disk is an operator's matter: it is given much longer. */
const MAX_TRIES_DISK_FULL = 240;
const LONGEST_PAUSE_MS = 60_000;

export interface FinishDeps {
  readonly db: Db;
  readonly queue: Queue;
  readonly ledger: Ledger;
  readonly storage: Storage;
  readonly video: Video;
  readonly morpher: Pick<Morpher, 'morph'>;
  readonly chat: Pick<ChatPort, 'progressChanged' | 'alarm'>;
  readonly log: { warn(fields: object, message: string): void };
  /** What the chat takes in one upload, in bytes. */
  readonly uploadLimitBytes: number;
  readonly retryMs: number;
}

/**
 * Joins the clips of an order into its video and makes what is sent of it. Every file is written whole
 * and over what was there, so a killed run is simply repeated.
 */
export async function finishOrder(
  deps: FinishDeps,
  orderId: string,
  signal: AbortSignal,
): Promise<void> {
  const order = await readOrder(deps.db, orderId);
  if (order?.state !== 'finishing') return;
  try {
    const clips = await gatherClips(deps, order, signal);
    await makeResult(deps, order, clips, signal);
    await deps.db.transaction(async (tx) => {
      if ((await lockOrder(tx, orderId))?.state !== 'finishing') return;
      await tx
        .update(orders)
        .set({ state: 'delivering', resultKey: resultKey(orderId), retries: 0 })
        .where(eq(orders.id, orderId));
      await deps.queue.send(tx, 'deliver', [{ data: { orderId } }]);
    });
  } catch (error) {
    signal.throwIfAborted();
    await tryAgain(deps, order, error);
  }
  deps.chat.progressChanged(orderId);
}

/** The clips in playing order; a failed step gets one of the local engine, or a dissolve at the least. */
async function gatherClips(
  deps: FinishDeps,
  order: OrderRow,
  signal: AbortSignal,
): Promise<readonly ProbedClip[]> {
  const all = await readSteps(deps.db, order.id);
  const done = all.find((step) => step.state === 'done');
  if (!done) throw new Error(`Order ${order.id} has no finished transition`);
  // A cut-down order is what was rendered before it was cancelled, and nothing else.
  for (const step of order.partial ? [] : all.filter(({ state }) => state === 'failed')) {
    await replaceStep(deps, step, videoInfoSchema.parse(done.clipInfo), signal);
  }
  const finished = await readSteps(deps.db, order.id);
  return finished.flatMap(({ state, clipKey: key, clipInfo }) =>
    key && hasClip(state)
      ? [{ path: deps.storage.pathOf(key), info: videoInfoSchema.parse(clipInfo) }]
      : [],
  );
}

async function replaceStep(
  deps: FinishDeps,
  step: StepRow,
  matching: VideoInfo,
  signal: AbortSignal,
): Promise<void> {
  const pictures = await stepPictures(deps, step);
  if (!pictures) throw new Error(`The pictures of step ${step.id} are gone`);
  const key = clipKey(step.orderId, step.position);
  const job = {
    ...pictures,
    output: deps.storage.pathOf(key),
    seconds: matching.durationSeconds,
    fps: framesPerSecond(matching.fps),
    width: matching.width,
    height: matching.height,
    signal,
  };
  const morphed = await deps.morpher.morph(job).catch((error: unknown) => {
    signal.throwIfAborted();
    deps.log.warn({ orderId: step.orderId, err: error }, 'the local engine could not stand in');
    return undefined;
  });
  const clipInfo = morphed?.info ?? (await deps.video.dissolve({ ...job, matching }));
  await deps.db
    .update(steps)
    .set({ state: 'replaced', clipKey: key, clipInfo })
    .where(and(eq(steps.id, step.id), eq(steps.state, 'failed')));
}

async function makeResult(
  deps: FinishDeps,
  order: OrderRow,
  clips: readonly ProbedClip[],
  signal: AbortSignal,
): Promise<void> {
  const path = (key: string) => deps.storage.pathOf(key);
  const output = path(resultKey(order.id));
  const loop = morphInput.parse(order.input).mode === 'loop' && !order.partial;
  const info = await deps.video.stitch({ clips, output, loop, signal });
  await deps.video.makeThumbnail({ input: output, output: path(thumbnailKey(order.id)), signal });
  if (info.sizeBytes <= deps.uploadLimitBytes) return;
  const maxBytes = deps.uploadLimitBytes;
  await deps.video.makePreview({
    input: output,
    output: path(previewKey(order.id)),
    maxBytes,
    signal,
  });
  const directory = path(partsKey(order.id));
  await deps.storage.remove(partsKey(order.id));
  await deps.video.splitIntoParts({ clips, maxBytes, directory, baseName: 'part', signal });
}

async function tryAgain(deps: FinishDeps, order: OrderRow, error: unknown): Promise<void> {
  const diskFull = await isDiskFull(deps.storage, error);
  if (diskFull) await deps.chat.alarm({ kind: 'disk_full' });
  deps.log.warn({ orderId: order.id, tries: order.retries + 1, err: error }, 'joining failed');
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
