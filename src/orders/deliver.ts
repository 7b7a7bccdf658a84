import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { and, eq } from 'drizzle-orm';
import type { Db } from '../db/database.ts';
import { deliveries, orders, people } from '../db/schema.ts';
import { assertNever } from '../domain/assert-never.ts';
import { hasClip } from '../domain/order-state.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Storage } from '../media/storage.ts';
import type { Video } from '../media/video.ts';
import type { ChatPort, ResultVideo, SendOutcome } from './chat-port.ts';
import { partsKey, previewKey, resultKey, thumbnailKey } from './keys.ts';
import type { Queue } from './queue.ts';
import { refundAllSteps } from './refund.ts';
import { lockOrder, type OrderRow, readOrder, readSteps } from './rows.ts';

/** Telegram may refuse a file for a reason that passes; after this many refusals the stars go back. */
const MAX_REFUSALS = 5;

export interface DeliverDeps {
  readonly db: Db;
  readonly queue: Queue;
  readonly ledger: Ledger;
  readonly storage: Storage;
  readonly video: Video;
  readonly chat: ChatPort;
  readonly retentionHours: number;
  /** Pause after a refusal, in milliseconds. */
  readonly retryMs: number;
}

type DeliveryKind = (typeof deliveries.$inferSelect)['kind'];

/** How a run of sending ended: everything is out, or why it stopped. */
type Progress = { readonly kind: 'complete' } | Exclude<SendOutcome, { kind: 'sent' }>;

/**
 * Sends what an order has to send, each message once: what is recorded as sent is never sent again.
 * A person who blocked the bot gets it when they return.
 */
export async function deliverOrder(
  deps: DeliverDeps,
  orderId: string,
  signal: AbortSignal,
): Promise<void> {
  const order = await readOrder(deps.db, orderId);
  if (!order || (order.state !== 'delivering' && order.state !== 'failed')) return;
  const [person] = await deps.db.select().from(people).where(eq(people.id, order.personId));
  if (person?.blockedAt) return;
  const progress =
    order.state === 'failed'
      ? await sendFailure(deps, order, signal)
      : await sendResult(deps, order, signal);
  switch (progress.kind) {
    case 'complete':
      await complete(deps, order);
      break;
    case 'blocked':
      break;
    case 'later':
      await again(deps, order.id, progress.retryAfterMs);
      break;
    case 'refused':
      await refused(deps, order);
      break;
    default:
      assertNever(progress);
  }
  deps.chat.progressChanged(orderId);
}

async function sendResult(
  deps: DeliverDeps,
  order: OrderRow,
  signal: AbortSignal,
): Promise<Progress> {
  // Gone from the disk: it will not come back, and the stars will.
  if (!(await deps.storage.exists(resultKey(order.id)))) return { kind: 'refused' };
  const video = await describeResult(deps, order, signal);
  const preview = await sendOnce(deps, order, 'preview', 1, () =>
    deps.chat.sendPreview(video, signal),
  );
  if (preview.kind !== 'complete') return preview;
  for (let part = 1; part <= video.documents.length; part += 1) {
    const document = await sendOnce(deps, order, 'document', part, () =>
      deps.chat.sendDocument(video, part, signal),
    );
    if (document.kind !== 'complete') return document;
  }
  return sendOnce(deps, order, 'notice', 1, () => deps.chat.sendClosing(video, signal));
}

async function sendFailure(
  deps: DeliverDeps,
  order: OrderRow,
  signal: AbortSignal,
): Promise<Progress> {
  const notice = {
    orderId: order.id,
    personId: order.personId,
    kind: 'failed' as const,
    failure: order.failure ?? 'provider_error',
    refunded: await deps.ledger.refunded(order.id),
  };
  return sendOnce(deps, order, 'notice', 1, () => deps.chat.sendNotice(notice, signal));
}

async function sendOnce(
  deps: DeliverDeps,
  order: OrderRow,
  kind: DeliveryKind,
  part: number,
  send: () => Promise<SendOutcome>,
): Promise<Progress> {
  const [sent] = await deps.db
    .select({ id: deliveries.id })
    .from(deliveries)
    .where(
      and(eq(deliveries.orderId, order.id), eq(deliveries.kind, kind), eq(deliveries.part, part)),
    );
  if (sent) return { kind: 'complete' };
  const outcome = await send();
  if (outcome.kind !== 'sent') return outcome;
  const { messageId, fileId } = outcome.message;
  await deps.db
    .insert(deliveries)
    .values({ orderId: order.id, kind, part, messageId, fileId })
    .onConflictDoNothing();
  return { kind: 'complete' };
}

async function describeResult(
  deps: DeliverDeps,
  order: OrderRow,
  signal: AbortSignal,
): Promise<ResultVideo> {
  const path = deps.storage.pathOf(resultKey(order.id));
  const info = await deps.video.probe(path, signal);
  const preview = await describePreview(deps, order, signal);
  const played = (await readSteps(deps.db, order.id)).filter((step) => hasClip(step.state));
  return {
    orderId: order.id,
    personId: order.personId,
    path,
    sizeBytes: info.sizeBytes,
    width: info.width,
    height: info.height,
    durationSeconds: info.durationSeconds,
    thumbnailPath: deps.storage.pathOf(thumbnailKey(order.id)),
    preview: preview ?? { path, width: info.width, height: info.height },
    documents: preview ? await listParts(deps, order) : [path],
    transitions: played.length,
    replaced: played.flatMap((step) => (step.state === 'replaced' ? [step.position + 1] : [])),
    refunded: await deps.ledger.refunded(order.id),
    partial: order.partial === 'accepted',
  };
}

async function describePreview(deps: DeliverDeps, order: OrderRow, signal: AbortSignal) {
  if (!(await deps.storage.exists(previewKey(order.id)))) return undefined;
  const path = deps.storage.pathOf(previewKey(order.id));
  const { width, height } = await deps.video.probe(path, signal);
  return { path, width, height };
}

async function listParts(deps: DeliverDeps, order: OrderRow): Promise<string[]> {
  const directory = deps.storage.pathOf(partsKey(order.id));
  return (await readdir(directory)).sort().map((name) => join(directory, name));
}

async function complete(deps: DeliverDeps, order: OrderRow): Promise<void> {
  await deps.db.transaction(async (tx) => {
    const current = await lockOrder(tx, order.id);
    if (current?.state === 'delivering') {
      await tx
        .update(orders)
        .set({ state: 'delivered', endedAt: new Date() })
        .where(eq(orders.id, order.id));
    }
    const startAfter = new Date(Date.now() + deps.retentionHours * 3_600_000);
    await deps.queue.send(tx, 'purge', [{ data: { orderId: order.id }, startAfter }]);
  });
}

async function again(deps: DeliverDeps, orderId: string, afterMs: number): Promise<void> {
  const startAfter = new Date(Date.now() + afterMs);
  await deps.db.transaction((tx) =>
    deps.queue.send(tx, 'deliver', [{ data: { orderId }, startAfter }]),
  );
}

/** A closing word that cannot be sent is let go; a video that does not arrive whole gives all stars back. */
async function refused(deps: DeliverDeps, order: OrderRow): Promise<void> {
  const retries = order.retries + 1;
  if (retries < MAX_REFUSALS) {
    await deps.db.update(orders).set({ retries }).where(eq(orders.id, order.id));
    return again(deps, order.id, deps.retryMs * 2 ** order.retries);
  }
  if (order.state === 'failed' || (await isWholeSent(deps, order))) return complete(deps, order);
  await deps.db.transaction(async (tx) => {
    if ((await lockOrder(tx, order.id))?.state !== 'delivering') return;
    await refundAllSteps(deps.ledger, tx, order.id, 'failed: delivery');
    await tx
      .update(orders)
      .set({ state: 'failed', failure: 'delivery', retries: 0, endedAt: new Date() })
      .where(eq(orders.id, order.id));
    await deps.queue.send(tx, 'deliver', [{ data: { orderId: order.id } }]);
  });
  await deps.chat.alarm({ kind: 'order_failed', orderId: order.id, failure: 'delivery' });
}

async function isWholeSent(deps: DeliverDeps, order: OrderRow): Promise<boolean> {
  const hasParts = await deps.storage.exists(previewKey(order.id));
  const wanted = hasParts ? (await listParts(deps, order)).length : 1;
  const sent = await deps.db.$count(
    deliveries,
    and(eq(deliveries.orderId, order.id), eq(deliveries.kind, 'document')),
  );
  return sent >= wanted;
}
