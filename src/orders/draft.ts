import { randomBytes } from 'node:crypto';
import { and, asc, count, desc, eq, inArray, ne, sql } from 'drizzle-orm';
import type { Db, Queryable, Tx } from '../db/database.ts';
import { orders, photos } from '../db/schema.ts';
import { draftHours } from '../domain/draft-hours.ts';
import { isOpen } from '../domain/order-state.ts';
import type { Catalogue } from '../services/catalogue.ts';
import type { Question } from '../services/service.ts';
import type { IncomingFile, Intake } from './orders.ts';
import type { Queue } from './queue.ts';
import { inStates, lockOrder, type OrderRow, type PhotoRow, readOrder, takeTurn } from './rows.ts';

/** A flood beyond what anybody could order is not even written down. */
const MAX_FILES_PER_ORDER = 3_000;

/** With those that were taken back, which keep their rows and files until the order is over. */
const MAX_ROWS_PER_ORDER = 10_000;

/** Some more than an order may have are taken, to be chosen from; beyond, files are named and not fetched. */
const FLOOD_FACTOR = 2;

export interface DraftDeps {
  readonly db: Db;
  readonly queue: Queue;
  readonly retentionHours: number;
  readonly catalogue: Catalogue;
  readonly maxPhotos: number;
}

/** The person's current open order: the one that was begun or gone on with last. */
export async function findOpenOrder(
  db: Queryable,
  personId: number,
): Promise<OrderRow | undefined> {
  const [order] = await db
    .select()
    .from(orders)
    .where(and(eq(orders.personId, personId), inStates(['draft', 'quoted'])))
    .orderBy(desc(orders.openedAt))
    .limit(1);
  return order;
}

/** The open order of a service, or a new draft, which becomes the current one; two updates at once make one. */
export async function openOrder(
  deps: DraftDeps,
  personId: number,
  serviceType: string,
): Promise<OrderRow> {
  return deps.db.transaction(async (tx) => {
    await takeTurn(tx, personId);
    const [open] = await tx
      .update(orders)
      .set({ openedAt: new Date() })
      .where(
        and(
          eq(orders.personId, personId),
          eq(orders.serviceType, serviceType),
          inStates(['draft', 'quoted']),
        ),
      )
      .returning();
    return open ?? (await insertDraft(deps, tx, { personId, serviceType }));
  });
}

/** A new draft, and the job that gives it up one day. */
export async function insertDraft(
  deps: DraftDeps,
  tx: Tx,
  draft: Pick<typeof orders.$inferInsert, 'personId' | 'serviceType' | 'answers' | 'lastRequestId'>,
): Promise<OrderRow> {
  const id = randomBytes(8).toString('hex');
  const [order] = await tx
    .insert(orders)
    .values({ id, ...draft })
    .returning();
  if (!order) throw new Error('The new draft was not written');
  const startAfter = new Date(draftKeptUntil(new Date(), deps.retentionHours));
  await deps.queue.send(tx, 'purge', [{ data: { orderId: id }, startAfter }]);
  return order;
}

/** How a service takes photos; undefined when it takes none. */
export function photosQuestion(
  deps: Pick<DraftDeps, 'catalogue' | 'maxPhotos'>,
  serviceType: string,
) {
  const { questions } = deps.catalogue.require(serviceType);
  const found = questions.find(isPhotos);
  return found && { ...found, max: found.max === 'all' ? deps.maxPhotos : found.max };
}

function isPhotos(question: Question): question is Extract<Question, { kind: 'photos' }> {
  return question.kind === 'photos';
}

/**
 * When an order that is not confirmed is given up, in milliseconds.
 * @param newest when it was begun or gone on with, or its last photo or recording came.
 */
export function draftKeptUntil(newest: Date, retentionHours: number): number {
  return newest.getTime() + draftHours(retentionHours) * 3_600_000;
}

/** Writes a file down and enqueues looking at it, together; the same file twice is one photo. */
export async function addFile(
  deps: DraftDeps,
  orderId: string,
  personId: number,
  file: IncomingFile,
): Promise<'added' | 'duplicate' | 'closed' | 'full'> {
  return deps.db.transaction(async (tx) => {
    const order = await lockOrder(tx, orderId, personId);
    const limits = order && photosQuestion(deps, order.serviceType);
    if (!limits || !isOpen(order.state)) return 'closed';
    const known = await tx
      .select({ state: photos.state, files: count() })
      .from(photos)
      .where(eq(photos.orderId, orderId))
      .groupBy(photos.state);
    if (isFull(known)) return 'full';
    const taken = sumFiles(known.filter(({ state }) => state === 'ready' || state === 'pending'));
    const { messageId, fileId, fileUniqueId, name } = file;
    const row = { orderId, messageId, fileId, fileUniqueId, name };
    const skipReason = file.tooBig
      ? ('file_too_big' as const)
      : limits.max > 1 && taken >= limits.max * FLOOD_FACTOR
        ? ('too_many_photos' as const)
        : null;
    const values = { ...row, skipReason, state: skipReason ? 'skipped' : 'pending' } as const;
    // A photo that was taken back or left out takes its new place when it is sent again, and is looked at anew.
    const [added] = await tx
      .insert(photos)
      .values(values)
      .onConflictDoUpdate({
        target: [photos.orderId, photos.fileUniqueId],
        set: { ...values, originalKey: null, canvasKey: null },
        setWhere: sql`${photos.messageId} <> ${messageId}::int
          and ${photos.state} in ('removed', 'skipped')`,
      })
      .returning({ id: photos.id });
    if (!added) return 'duplicate';
    await reopenOrder(tx, order);
    // Of a single photo, the last one counts.
    if (limits.max === 1) {
      await tx
        .update(photos)
        .set({ state: 'removed' })
        .where(
          and(
            eq(photos.orderId, orderId),
            ne(photos.id, added.id),
            inArray(photos.state, ['pending', 'ready', 'skipped']),
          ),
        );
    }
    if (!skipReason) await deps.queue.send(tx, 'photo', [{ data: { photoId: added.id } }]);
    return 'added';
  });
}

type FileCount = { readonly state: PhotoRow['state']; readonly files: number };

function isFull(known: readonly FileCount[]): boolean {
  const kept = known.filter(({ state }) => state !== 'removed');
  return sumFiles(known) >= MAX_ROWS_PER_ORDER || sumFiles(kept) >= MAX_FILES_PER_ORDER;
}

function sumFiles(known: readonly FileCount[]): number {
  return known.reduce((sum, { files }) => sum + files, 0);
}

/** Takes back everything that came with the last message, an archive with all its pictures. */
export async function undoLast(
  deps: DraftDeps,
  orderId: string,
  personId: number,
  requestId: number,
): Promise<Intake | undefined> {
  return changePhotos(deps, { orderId, personId, requestId }, async (tx) => {
    const [last] = await tx
      .select({ messageId: photos.messageId })
      .from(photos)
      .where(and(eq(photos.orderId, orderId), ne(photos.state, 'removed')))
      .orderBy(desc(photos.messageId))
      .limit(1);
    if (!last) return;
    await tx
      .update(photos)
      .set({ state: 'removed' })
      .where(and(eq(photos.orderId, orderId), eq(photos.messageId, last.messageId)));
  });
}

/** Takes everything back; the order stays open. */
export async function clearPhotos(
  deps: DraftDeps,
  orderId: string,
  personId: number,
  requestId: number,
): Promise<Intake | undefined> {
  return changePhotos(deps, { orderId, personId, requestId }, async (tx) => {
    await tx.update(photos).set({ state: 'removed' }).where(eq(photos.orderId, orderId));
  });
}

/** Counts what has arrived. */
export async function readIntake(db: Queryable, orderId: string): Promise<Intake | undefined> {
  const order = await readOrder(db, orderId);
  if (!order) return undefined;
  const rows = await db
    .select({ state: photos.state, name: photos.name, reason: photos.skipReason })
    .from(photos)
    .where(eq(photos.orderId, orderId))
    .orderBy(asc(photos.messageId), asc(photos.position), asc(photos.id));
  return {
    orderId,
    personId: order.personId,
    state: order.state,
    photos: rows.filter((row) => row.state === 'ready').length,
    pending: rows.filter((row) => row.state === 'pending').length,
    skipped: rows.flatMap(({ state, name, reason }) =>
      state === 'skipped' && reason ? [{ name, reason }] : [],
    ),
    full: isFull(rows.map(({ state }) => ({ state, files: 1 }))),
  };
}

/** Changes the photos once for each request, however often it is handled. */
async function changePhotos(
  deps: DraftDeps,
  request: { readonly orderId: string; readonly personId: number; readonly requestId: number },
  change: (tx: Tx) => Promise<void>,
): Promise<Intake | undefined> {
  const { orderId, personId, requestId } = request;
  return deps.db.transaction(async (tx) => {
    const order = await lockOrder(tx, orderId, personId);
    if (!order || !isOpen(order.state)) return undefined;
    if (order.lastRequestId !== requestId) {
      await change(tx);
      await tx.update(orders).set({ lastRequestId: requestId }).where(eq(orders.id, orderId));
      await reopenOrder(tx, order);
    }
    return readIntake(tx, orderId);
  });
}

/** Other photos or answers make another order: what was quoted, or counted, no longer holds. */
export async function reopenOrder(tx: Tx, order: OrderRow): Promise<void> {
  const { photoCount, ...answers } = order.answers;
  if (order.state === 'draft' && photoCount === undefined) return;
  await tx
    .update(orders)
    .set({ state: 'draft', quote: null, canvas: null, mode: null, input: {}, answers })
    .where(eq(orders.id, order.id));
}
