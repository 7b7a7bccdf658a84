import { dirname, join } from 'node:path';
import { and, count, desc, eq, gt, inArray } from 'drizzle-orm';
import type { Db, Tx } from '../db/database.ts';
import { orders, photos, previews } from '../db/schema.ts';
import { assertNever } from '../domain/assert-never.ts';
import type { Canvas } from '../domain/canvas.ts';
import { describeError } from '../domain/describe-error.ts';
import { isOpen } from '../domain/order-state.ts';
import type { Morpher } from '../media/morpher/morpher.ts';
import type { Storage } from '../media/storage.ts';
import type { ProbedClip, Video } from '../media/video.ts';
import type { VideoInfo } from '../media/video-info.ts';
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
/** How often, beyond that, its person is tried to be told that there is none. */
const MAX_TELLS = 20;
const DAY_MS = 86_400_000;

export interface PreviewDeps {
  readonly db: Db;
  readonly queue: Queue;
  readonly storage: Storage;
  readonly video: Pick<Video, 'stitch' | 'probe' | 'makeThumbnail'>;
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
 * Renders a preview and sends it. What a killed run has not rendered whole is rendered again: it takes seconds.
 * One that was killed after sending and before that was written down sends once more, as a delivery does. A
 * preview that fails for good is told, and costs its person nothing but the wish.
 */
export async function renderPreview(
  deps: PreviewDeps,
  previewId: string,
  signal: AbortSignal,
): Promise<void> {
  const [row] = await deps.db.select().from(previews).where(eq(previews.id, previewId));
  if (row?.state !== 'waiting') return;
  if (row.tries >= MAX_TRIES) return tellFailed(deps, row, signal);
  const pictures = await readPictures(deps, row);
  if (!pictures) return end(deps, row, { state: 'dropped' });
  const lastTry = row.tries + 1 >= MAX_TRIES;
  let sent: SendOutcome;
  try {
    sent = await renderAndSend(deps, row, pictures, signal);
  } catch (error) {
    signal.throwIfAborted();
    const { orderId } = row;
    deps.log.warn({ orderId, ...describeError(error) }, 'a preview could not be rendered');
    const hopeless = lastTry || (await isDiskFull(deps.storage, error));
    return hopeless ? tellFailed(deps, row, signal) : again(deps, row, 0);
  }
  switch (sent.kind) {
    case 'sent':
      return end(deps, row, { state: 'sent', fileId: sent.message.fileId });
    case 'later':
      // Of a process that stops nothing was tried.
      signal.throwIfAborted();
      return again(deps, row, sent.retryAfterMs);
    case 'blocked':
    case 'refused':
      return end(deps, row, { state: 'dropped' });
    default:
      assertNever(sent);
  }
}

/** Whoever waits for a preview hears that there is none, once Telegram takes the word. */
async function tellFailed(deps: PreviewDeps, row: PreviewRow, signal: AbortSignal): Promise<void> {
  if (!(await isWanted(deps, row))) return end(deps, row, { state: 'dropped' });
  const tries = Math.max(row.tries, MAX_TRIES);
  const told = await deps.chat.sendPreviewFailed(row, signal);
  if (told.kind === 'later' && tries < MAX_TRIES + MAX_TELLS) {
    signal.throwIfAborted();
    return again(deps, { ...row, tries }, told.retryAfterMs);
  }
  return end(deps, row, { state: 'failed' });
}

interface Pictures {
  readonly paths: readonly string[];
  readonly canvas: Canvas;
}

async function renderAndSend(
  deps: PreviewDeps,
  row: PreviewRow,
  pictures: Pictures,
  signal: AbortSignal,
): Promise<SendOutcome> {
  const videoKey = `${freePreviewPrefix(row.orderId, row.id)}/preview.mp4`;
  const output = deps.storage.pathOf(videoKey);
  // Telegram may not have taken it the last time.
  const info = (await deps.storage.exists(videoKey))
    ? await deps.video.probe(output, signal)
    : await render(deps, row, pictures, signal);
  if (!info || !(await isWanted(deps, row))) return { kind: 'refused' };
  const thumbnailPath = join(dirname(output), 'thumbnail.jpg');
  await deps.video.makeThumbnail({ input: output, output: thumbnailPath, signal });
  const { orderId, personId } = row;
  const { width, height, durationSeconds } = info;
  return deps.chat.sendFreePreview(
    {
      ...{ orderId, personId, path: output, thumbnailPath },
      ...{ width, height, durationSeconds, transitions: pictures.paths.length - 1 },
    },
    signal,
  );
}

/** Writes the video of a preview, whole or not at all; undefined when nobody wants it any more. */
async function render(
  deps: PreviewDeps,
  row: PreviewRow,
  { paths, canvas }: Pictures,
  signal: AbortSignal,
): Promise<VideoInfo | undefined> {
  const path = (name: string) =>
    deps.storage.pathOf(`${freePreviewPrefix(row.orderId, row.id)}/${name}`);
  const mark = await deps.chat.freePreviewMark(row.personId);
  const size = shrink(canvas);
  const clips: ProbedClip[] = [];
  for (const [index, to] of paths.slice(1).entries()) {
    if (!(await isWanted(deps, row))) return undefined;
    const from = paths[index] ?? to;
    const output = path(`${index}.mp4`);
    const job = { from, to, output, ...size, fps: FPS, seconds: SECONDS, mark, signal };
    clips.push({ path: output, info: (await deps.morpher.morph(job)).info });
  }
  return deps.video.stitch({ clips, output: path('preview.mp4'), loop: false, signal });
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
        inArray(previews.state, ['waiting', 'sent']),
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
