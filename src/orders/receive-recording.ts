import { and, eq, inArray } from 'drizzle-orm';
import type { Db } from '../db/database.ts';
import { orders, recordings } from '../db/schema.ts';
import { assertNever } from '../domain/assert-never.ts';
import { isOpen } from '../domain/order-state.ts';
import type { RecordingRefusal } from '../domain/recording.ts';
import { FfmpegError } from '../media/ffmpeg.ts';
import type { Sounds } from '../media/sounds.ts';
import type { Storage } from '../media/storage.ts';
import type { Catalogue } from '../services/catalogue.ts';
import type { ChatPort } from './chat-port.ts';
import { diskFullPause, isDiskFull } from './disk.ts';
import { reopenOrder } from './draft.ts';
import { recordingInputKey, recordingKey } from './keys.ts';
import type { IncomingFile } from './orders.ts';
import type { Queue } from './queue.ts';
import { lockOrder } from './rows.ts';

/** An MP3 or AAC of exactly a minute is longer by this at the most. */
const PADDING_SECONDS = 0.2;

export interface RecordingDeps {
  readonly db: Db;
  readonly queue: Queue;
  readonly storage: Storage;
  readonly sounds: Pick<Sounds, 'inspectRecording' | 'toSpeechInput'>;
  readonly catalogue: Catalogue;
  readonly chat: Pick<ChatPort, 'fetchFile' | 'alarm'>;
  readonly retryMs: number;
}

type RecordingRow = typeof recordings.$inferSelect;

/** Writes a recording down in place of the one before, and enqueues looking at it, together. */
export async function addRecording(
  deps: Pick<RecordingDeps, 'db' | 'queue' | 'catalogue'>,
  orderId: string,
  personId: number,
  file: IncomingFile,
): Promise<'added' | 'duplicate' | 'closed'> {
  return deps.db.transaction(async (tx) => {
    const order = await lockOrder(tx, orderId, personId);
    if (!order || !isOpen(order.state) || recordingLimit(deps.catalogue, order) === undefined) {
      return 'closed';
    }
    const { messageId, fileId, fileUniqueId, name, tooBig } = file;
    const [known] = await tx
      .select({ id: recordings.id })
      .from(recordings)
      .where(and(eq(recordings.orderId, orderId), eq(recordings.messageId, messageId)));
    if (known) return 'duplicate';
    await tx
      .update(recordings)
      .set({ state: 'replaced' })
      .where(and(eq(recordings.orderId, orderId), inArray(recordings.state, ['pending', 'ready'])));
    const row = { orderId, messageId, fileId, fileUniqueId, name };
    const [added] = await tx
      .insert(recordings)
      .values({
        ...row,
        state: tooBig ? 'refused' : 'pending',
        refusal: tooBig ? 'file_too_big' : null,
      })
      .returning({ id: recordings.id });
    await reopenOrder(tx, order);
    if (added && !tooBig) {
      await deps.queue.send(tx, 'recording', [{ data: { recordingId: added.id } }]);
    }
    return 'added';
  });
}

/** How long a recording for this order may be, in seconds; undefined when it takes none. */
export function recordingLimit(
  catalogue: Catalogue,
  order: Pick<typeof orders.$inferSelect, 'serviceType'>,
): number | undefined {
  for (const question of catalogue.require(order.serviceType).questions) {
    if (question.kind === 'recording') return question.maxSeconds;
  }
  return undefined;
}

type Heard =
  | { readonly kind: 'ready'; readonly seconds: number }
  | { readonly kind: 'refused'; readonly reason: RecordingRefusal };

/**
 * Fetches a recording, measures it and makes what models read of it. The row changes only at the end, so a
 * killed run is repeated.
 */
export async function receiveRecording(
  deps: RecordingDeps,
  recordingId: number,
  signal: AbortSignal,
): Promise<void> {
  const [row] = await deps.db.select().from(recordings).where(eq(recordings.id, recordingId));
  if (row?.state !== 'pending') return;
  try {
    const key = recordingKey(row.orderId, row.id);
    const fetched = await deps.chat.fetchFile(row.fileId, deps.storage.pathOf(key), signal);
    switch (fetched.kind) {
      case 'later':
        return await tryLater(deps, row, fetched.retryAfterMs);
      case 'too_big':
        return await settle(deps, row, { kind: 'refused', reason: 'file_too_big' });
      case 'gone':
        return await settle(deps, row, { kind: 'refused', reason: 'download_failed' });
      case 'fetched':
        return await settle(deps, row, await listen(deps, row, signal));
      default:
        assertNever(fetched);
    }
  } catch (error) {
    if (!(await isDiskFull(deps.storage, error))) throw error;
    await tryLater(deps, row, 0);
  }
}

async function listen(deps: RecordingDeps, row: RecordingRow, signal: AbortSignal): Promise<Heard> {
  const input = deps.storage.pathOf(recordingKey(row.orderId, row.id));
  const heard = await deps.sounds.inspectRecording(input, signal);
  if (heard.kind === 'refused') return heard;
  const [order] = await deps.db.select().from(orders).where(eq(orders.id, row.orderId));
  const limit = order && recordingLimit(deps.catalogue, order);
  if (limit === undefined || heard.seconds > limit) return { kind: 'refused', reason: 'too_long' };
  const output = deps.storage.pathOf(recordingInputKey(row.orderId, row.id));
  try {
    await deps.sounds.toSpeechInput({ input, output, signal });
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof FfmpegError && error.kind === 'invalid_media')) throw error;
    return { kind: 'refused', reason: 'broken_recording' };
  }
  // A started second is a second, but for the silence that encoders put at the end.
  return { kind: 'ready', seconds: Math.max(1, Math.ceil(heard.seconds - PADDING_SECONDS)) };
}

async function tryLater(deps: RecordingDeps, row: RecordingRow, afterMs: number): Promise<void> {
  const isFull = await isDiskFull(deps.storage);
  if (isFull) await deps.chat.alarm({ kind: 'disk_full' });
  const startAfter = new Date(Date.now() + (isFull ? diskFullPause(deps) : afterMs));
  await deps.db.transaction((tx) =>
    deps.queue.send(tx, 'recording', [{ data: { recordingId: row.id }, startAfter }]),
  );
}

async function settle(deps: RecordingDeps, row: RecordingRow, heard: Heard): Promise<void> {
  const inputKey = recordingInputKey(row.orderId, row.id);
  const changes =
    heard.kind === 'ready'
      ? { state: 'ready' as const, seconds: heard.seconds, inputKey }
      : { state: 'refused' as const, refusal: heard.reason };
  const isWanted = await deps.db.transaction(async (tx) => {
    const order = await lockOrder(tx, row.orderId);
    const [now] = await tx.select().from(recordings).where(eq(recordings.id, row.id));
    // Settled by another worker that took this job over: its files are in use, and may be paid for.
    if (now?.state === 'ready') return !order?.purgedAt;
    if (now?.state !== 'pending' || !order || !isOpen(order.state)) return false;
    await tx.update(recordings).set(changes).where(eq(recordings.id, row.id));
    return heard.kind === 'ready';
  });
  if (isWanted) return;
  await deps.storage.remove(recordingKey(row.orderId, row.id));
  await deps.storage.remove(inputKey);
}
