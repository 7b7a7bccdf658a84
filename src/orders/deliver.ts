import { and, eq, ne } from 'drizzle-orm';
import type { Db } from '../db/database.ts';
import { deliveries, orders, people } from '../db/schema.ts';
import { assertNever } from '../domain/assert-never.ts';
import { hasClip } from '../domain/order-state.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { FfmpegError } from '../media/ffmpeg.ts';
import type { Catalogue } from '../services/catalogue.ts';
import type { ChatPort, Result, SendOutcome } from './chat-port.ts';
import { errorCode } from './error-code.ts';
import type { Queue } from './queue.ts';
import { refundAllSteps } from './refund.ts';
import { RESULT_MAKERS } from './results/index.ts';
import type { ResultTools } from './results/result-maker.ts';
import { lockOrder, type OrderRow, readOrder, readSteps } from './rows.ts';

/** Telegram may refuse a file for a reason that passes; after this many refusals the stars go back. */
const MAX_REFUSALS = 5;

export interface DeliverDeps extends ResultTools {
  readonly db: Db;
  readonly queue: Queue;
  readonly ledger: Ledger;
  readonly catalogue: Catalogue;
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
  if (person?.blockedAt) return waitForReturn(deps, order, person.blockedAt, signal);
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
      await refused(deps, order, signal);
      break;
    default:
      assertNever(progress);
  }
  deps.chat.progressChanged(orderId);
}

/** A result waits for a person who blocked the bot as long as one is kept; then the stars go back. */
async function waitForReturn(
  deps: DeliverDeps,
  order: OrderRow,
  blockedAt: Date,
  signal: AbortSignal,
): Promise<void> {
  if (order.state !== 'delivering') return;
  const ends = (await readSteps(deps.db, order.id)).map(({ endedAt }) => endedAt?.getTime() ?? 0);
  const since = Math.max(blockedAt.getTime(), ...ends);
  if (Date.now() - since > deps.retentionHours * 3_600_000) await giveUp(deps, order, signal);
}

async function sendResult(
  deps: DeliverDeps,
  order: OrderRow,
  signal: AbortSignal,
): Promise<Progress> {
  const result = await describeResult(deps, order, signal);
  // Gone: it will not come back, and the stars will.
  if (!result) return { kind: 'refused' };
  const { previews, documents } = messagesOf(result);
  for (let part = 1; part <= previews; part += 1) {
    const preview = await sendOnce(deps, order, 'preview', part, () =>
      deps.chat.sendPreview(result, part, signal),
    );
    if (preview.kind !== 'complete') return preview;
  }
  for (let part = 1; part <= documents; part += 1) {
    const document = await sendOnce(deps, order, 'document', part, () =>
      deps.chat.sendDocument(result, part, signal),
    );
    if (document.kind !== 'complete') return document;
  }
  return sendOnce(deps, order, 'notice', 1, () => deps.chat.sendClosing(result, signal));
}

/** How many messages bring a result, beside its closing words. */
function messagesOf(result: Result): { readonly previews: number; readonly documents: number } {
  switch (result.kind) {
    case 'video':
      return { previews: 1, documents: result.documents.length };
    case 'images':
      return { previews: result.images.length, documents: result.images.length };
    case 'text':
      return { previews: result.messages.length, documents: result.path === null ? 0 : 1 };
    case 'speech':
      return { previews: 1, documents: 1 };
    case 'avatar':
      return { previews: 0, documents: 0 };
    default:
      return assertNever(result);
  }
}

async function sendFailure(
  deps: DeliverDeps,
  order: OrderRow,
  signal: AbortSignal,
): Promise<Progress> {
  const notice = {
    orderId: order.id,
    personId: order.personId,
    serviceType: order.serviceType,
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
): Promise<Result | undefined> {
  // Nobody knows any more what it is.
  const finish = deps.catalogue.find(order.serviceType)?.finish;
  const body = finish && (await RESULT_MAKERS[finish].describe(deps, order, signal).catch(damaged));
  if (!body) return undefined;
  const all = await readSteps(deps.db, order.id);
  const made = all.filter((step) => hasClip(step.state));
  return {
    ...body,
    orderId: order.id,
    personId: order.personId,
    serviceType: order.serviceType,
    transitions: made.length,
    replaced: made.flatMap((step) => (step.state === 'replaced' ? [step.position + 1] : [])),
    missing: all.length - made.length,
    refunded: await deps.ledger.refunded(order.id),
    partial: order.partial === 'accepted',
  };
}

/** A file that does not play, or is gone by now, is as good as none. */
function damaged(error: unknown): undefined {
  if (error instanceof FfmpegError || errorCode(error).code === 'ENOENT') return undefined;
  throw error;
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

async function refused(deps: DeliverDeps, order: OrderRow, signal: AbortSignal): Promise<void> {
  const retries = order.retries + 1;
  if (retries < MAX_REFUSALS) {
    await deps.db.update(orders).set({ retries }).where(eq(orders.id, order.id));
    return again(deps, order.id, deps.retryMs * 2 ** order.retries);
  }
  const isLost = await giveUp(deps, order, signal);
  if (!isLost) return;
  await deps.chat.alarm({ kind: 'order_failed', orderId: order.id, failure: 'delivery' });
}

/**
 * A closing word that cannot be sent is let go; a result that does not arrive whole gives all stars back.
 * @returns whether it does.
 */
async function giveUp(deps: DeliverDeps, order: OrderRow, signal: AbortSignal): Promise<boolean> {
  if (order.state === 'failed' || (await isWholeSent(deps, order, signal))) {
    await complete(deps, order);
    return false;
  }
  await deps.db.transaction(async (tx) => {
    if ((await lockOrder(tx, order.id))?.state !== 'delivering') return;
    await refundAllSteps(deps.ledger, tx, order.id, 'failed: delivery');
    await tx
      .update(orders)
      .set({ state: 'failed', failure: 'delivery', retries: 0, endedAt: new Date() })
      .where(eq(orders.id, order.id));
    await deps.queue.send(tx, 'deliver', [{ data: { orderId: order.id } }]);
  });
  return true;
}

async function isWholeSent(
  deps: DeliverDeps,
  order: OrderRow,
  signal: AbortSignal,
): Promise<boolean> {
  const sent = await deps.db
    .select({ kind: deliveries.kind })
    .from(deliveries)
    .where(and(eq(deliveries.orderId, order.id), ne(deliveries.kind, 'notice')));
  const result = await describeResult(deps, order, signal);
  if (result) {
    const { previews, documents } = messagesOf(result);
    return sent.length >= previews + documents;
  }
  // Gone from the disk after its original was sent, a video has arrived all the same.
  const finish = deps.catalogue.find(order.serviceType)?.finish;
  const isVideo = finish === 'stitched_video' || finish === 'video';
  return isVideo && sent.some(({ kind }) => kind === 'document');
}
