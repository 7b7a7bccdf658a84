import { and, count, desc, eq, gt, inArray, ne } from 'drizzle-orm';
import type { Db, Tx } from '../db/database.ts';
import { orders, photos, previews } from '../db/schema.ts';
import type { Canvas } from '../domain/canvas.ts';
import { isOpen } from '../domain/order-state.ts';
import type { Morpher } from '../media/morpher/morpher.ts';
import type { Storage } from '../media/storage.ts';
import type { ProbedClip, Video } from '../media/video.ts';
import type { ChatPort, SendOutcome } from './chat-port.ts';
import { isDiskFull } from './disk.ts';
import { freePreviewPrefix } from './keys.ts';
import type { PreviewOutcome } from './orders.ts';
import type { Queue } from './queue.ts';
import { lockOrder, readyPhotos } from './rows.ts';

const MAX_TRANSITIONS = 12;
/** The shorter side of a preview, in pixels. */
const SIDE = 480;
const FPS = 24;
const SECONDS = 2;
/** What one transition usually takes on two cores, in seconds. */
const TYPICAL_SECONDS = 2.5;
const MAX_TRIES = 3;
const DAY_MS = 86_400_000;

export interface PreviewDeps {
  readonly db: Db;
  readonly queue: Queue;
  readonly storage: Storage;
  readonly video: Pick<Video, 'stitch' | 'makeThumbnail'>;
  readonly morpher: Pick<Morpher, 'morph'>;
  readonly chat: Pick<ChatPort, 'freePreviewMark' | 'sendFreePreview' | 'sendPreviewFailed'>;
  readonly log: { warn(fields: object, message: string): void };
  readonly previewsPerDay: number;
}

type PreviewRow = typeof previews.$inferSelect;

/** How many transitions a preview of so many photos shows; 0 where the operator offers none. */
export function countPreviewTransitions(
  deps: { readonly previewsPerDay: number },
  photoCount: number,
): number {
  return deps.previewsPerDay === 0 ? 0 : Math.min(photoCount - 1, MAX_TRANSITIONS);
}

/** Writes the wish down and enqueues it, together; one at a time for each person, and so many a day. */
export async function askPreview(
  deps: PreviewDeps,
  orderId: string,
  personId: number,
): Promise<PreviewOutcome> {
  return deps.db.transaction(async (tx): Promise<PreviewOutcome> => {
    const order = await lockOrder(tx, orderId, personId);
    if (order?.state !== 'quoted') return { kind: 'closed' };
    const rows = await readyPhotos(tx, orderId);
    const transitions = countPreviewTransitions(deps, rows.length);
    if (transitions < 1) return { kind: 'closed' };
    const photoIds = rows.slice(0, transitions + 1).map(({ id }) => id);

    const mine = await tx
      .select()
      .from(previews)
      .where(and(eq(previews.personId, personId), inArray(previews.state, ['waiting', 'sent'])))
      .orderBy(desc(previews.createdAt));
    if (mine.some(({ state }) => state === 'waiting')) return { kind: 'running' };
    const made = mine.find((row) => row.orderId === orderId && sameIds(row.photoIds, photoIds));
    if (made?.fileId) return { kind: 'made', fileId: made.fileId, transitions };

    if ((await countToday(tx, personId)) >= deps.previewsPerDay) {
      return { kind: 'limit', perDay: deps.previewsPerDay };
    }
    const [row] = await tx.insert(previews).values({ personId, orderId, photoIds }).returning();
    if (!row) throw new Error('The preview was not written down');
    await deps.queue.send(tx, 'preview', [{ data: { previewId: row.id } }]);
    const waiting = await tx
      .select({ photoIds: previews.photoIds })
      .from(previews)
      .where(eq(previews.state, 'waiting'));
    const clips = waiting.reduce((sum, { photoIds: ids }) => sum + ids.length - 1, 0);
    return { kind: 'started', transitions, waitSeconds: clips * TYPICAL_SECONDS };
  });
}

/**
 * Renders a preview and sends it. A killed run is repeated as a whole: it takes seconds. One that fails
 * for good is told, and costs its person nothing but the wish.
 */
export async function renderPreview(
  deps: PreviewDeps,
  previewId: string,
  signal: AbortSignal,
): Promise<void> {
  const [row] = await deps.db.select().from(previews).where(eq(previews.id, previewId));
  if (row?.state !== 'waiting') return;
  const pictures = await readPictures(deps, row);
  if (!pictures) return end(deps, row, { state: 'dropped' });
  let sent: SendOutcome;
  try {
    sent = await renderAndSend(deps, row, pictures, signal);
  } catch (error) {
    signal.throwIfAborted();
    deps.log.warn({ orderId: row.orderId, err: error }, 'a preview could not be rendered');
    const hopeless = await isDiskFull(deps.storage, error);
    if (!hopeless && row.tries + 1 < MAX_TRIES) return again(deps, row, 0);
    sent = await deps.chat.sendPreviewFailed(row, signal);
    if (sent.kind === 'sent') return end(deps, row, { state: 'failed' });
  }
  switch (sent.kind) {
    case 'sent':
      return end(deps, row, { state: 'sent', fileId: sent.message.fileId });
    case 'later':
      return row.tries + 1 < MAX_TRIES
        ? again(deps, row, sent.retryAfterMs)
        : end(deps, row, { state: 'failed' });
    case 'blocked':
    case 'refused':
      return end(deps, row, { state: 'dropped' });
  }
}

interface Pictures {
  readonly paths: readonly string[];
  readonly canvas: Canvas;
}

async function renderAndSend(
  deps: PreviewDeps,
  row: PreviewRow,
  { paths, canvas }: Pictures,
  signal: AbortSignal,
): Promise<SendOutcome> {
  const path = (name: string) =>
    deps.storage.pathOf(`${freePreviewPrefix(row.orderId, row.id)}/${name}`);
  const mark = await deps.chat.freePreviewMark(row.personId);
  const size = shrink(canvas);
  const clips: ProbedClip[] = [];
  for (const [index, to] of paths.slice(1).entries()) {
    if (!(await isWanted(deps, row))) return { kind: 'refused' };
    const from = paths[index] ?? to;
    const output = path(`${index}.mp4`);
    const job = { from, to, output, ...size, fps: FPS, seconds: SECONDS, mark, signal };
    clips.push({ path: output, info: (await deps.morpher.morph(job)).info });
  }
  const output = path('preview.mp4');
  const thumbnailPath = path('thumbnail.jpg');
  const info = await deps.video.stitch({ clips, output, loop: false, signal });
  await deps.video.makeThumbnail({ input: output, output: thumbnailPath, signal });
  if (!(await isWanted(deps, row))) return { kind: 'refused' };
  const { orderId, personId } = row;
  const { width, height, durationSeconds } = info;
  return deps.chat.sendFreePreview(
    {
      ...{ orderId, personId, path: output, thumbnailPath },
      ...{ width, height, durationSeconds, transitions: clips.length },
    },
    signal,
  );
}

/** Whether its person still decides: a paid order needs the engine, a dropped one no preview. */
async function isWanted(deps: PreviewDeps, row: PreviewRow): Promise<boolean> {
  const [order] = await deps.db
    .select({ state: orders.state })
    .from(orders)
    .where(eq(orders.id, row.orderId));
  return order !== undefined && isOpen(order.state);
}

/** The pictures on their canvas; undefined when they or their order are gone. */
async function readPictures(deps: PreviewDeps, row: PreviewRow): Promise<Pictures | undefined> {
  const [order] = await deps.db.select().from(orders).where(eq(orders.id, row.orderId));
  if (!order?.canvas || order.purgedAt || !isOpen(order.state)) return undefined;
  const rows = await deps.db.select().from(photos).where(inArray(photos.id, row.photoIds));
  const paths: string[] = [];
  for (const id of row.photoIds) {
    const key = rows.find((photo) => photo.id === id)?.canvasKey;
    if (!key || !(await deps.storage.exists(key))) return undefined;
    paths.push(deps.storage.pathOf(key));
  }
  return { paths, canvas: order.canvas };
}

async function again(deps: PreviewDeps, row: PreviewRow, afterMs: number): Promise<void> {
  await deps.db.transaction(async (tx) => {
    await tx
      .update(previews)
      .set({ tries: row.tries + 1 })
      .where(eq(previews.id, row.id));
    const startAfter = new Date(Date.now() + afterMs);
    await deps.queue.send(tx, 'preview', [{ data: { previewId: row.id }, startAfter }]);
  });
}

async function end(
  deps: PreviewDeps,
  row: PreviewRow,
  how: { readonly state: 'sent' | 'failed' | 'dropped'; readonly fileId?: string | null },
): Promise<void> {
  await deps.db
    .update(previews)
    .set({ ...how, endedAt: new Date() })
    .where(and(eq(previews.id, row.id), eq(previews.state, 'waiting')));
  await deps.storage.remove(freePreviewPrefix(row.orderId, row.id));
}

/** Those of the last 24 hours that were made or are being made. */
async function countToday(tx: Tx, personId: number): Promise<number> {
  const [row] = await tx
    .select({ made: count() })
    .from(previews)
    .where(
      and(
        eq(previews.personId, personId),
        ne(previews.state, 'failed'),
        gt(previews.createdAt, new Date(Date.now() - DAY_MS)),
      ),
    );
  return row?.made ?? 0;
}

function sameIds(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((id, index) => id === b[index]);
}

/** The canvas with its shorter side at `SIDE`; both sides even. */
function shrink({ width, height }: Canvas): Canvas {
  const scale = SIDE / Math.min(width, height);
  const even = (pixels: number) => 2 * Math.round((pixels * scale) / 2);
  return { width: even(width), height: even(height) };
}
