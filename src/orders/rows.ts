import { and, asc, eq, inArray } from 'drizzle-orm';
import type { Queryable, Tx } from '../db/database.ts';
import { orders, people, photos, steps } from '../db/schema.ts';
import type { OrderView } from './orders.ts';

export type OrderRow = typeof orders.$inferSelect;
export type PhotoRow = typeof photos.$inferSelect;
export type StepRow = typeof steps.$inferSelect;

/** One order; undefined when it does not exist or, with `personId`, belongs to somebody else. */
export async function readOrder(
  db: Queryable,
  orderId: string,
  personId?: number,
): Promise<OrderRow | undefined> {
  const [order] = await db.select().from(orders).where(eq(orders.id, orderId));
  return personId === undefined || order?.personId === personId ? order : undefined;
}

/**
 * The same, held until the transaction ends. Whoever changes an order or its steps takes this lock
 * first, so that a confirm, a cancel and the last step to finish never overlap.
 */
export async function lockOrder(
  tx: Tx,
  orderId: string,
  personId?: number,
): Promise<OrderRow | undefined> {
  const [order] = await tx.select().from(orders).where(eq(orders.id, orderId)).for('update');
  return personId === undefined || order?.personId === personId ? order : undefined;
}

/**
 * Whoever begins or ends several orders of a person takes turns by this, before any order is locked. It is not
 * the lock of a deletion: a confirm holds its order and writes entries that refer to the person.
 */
export async function takeTurn(tx: Tx, personId: number): Promise<void> {
  await tx
    .select({ id: people.id })
    .from(people)
    .where(eq(people.id, personId))
    .for('no key update');
}

/** The photos of an order, in the order of the morph. */
export async function readyPhotos(db: Queryable, orderId: string): Promise<PhotoRow[]> {
  return db
    .select()
    .from(photos)
    .where(and(eq(photos.orderId, orderId), eq(photos.state, 'ready')))
    .orderBy(asc(photos.messageId), asc(photos.position), asc(photos.id));
}

/** The steps of an order, in playing order. */
export async function readSteps(db: Queryable, orderId: string): Promise<StepRow[]> {
  return db.select().from(steps).where(eq(steps.orderId, orderId)).orderBy(asc(steps.position));
}

/** Orders in one of these states. */
export function inStates(states: readonly OrderRow['state'][]) {
  return inArray(orders.state, [...states]);
}

/** What the owner of an order may see of it. */
export function toView(row: OrderRow): OrderView {
  return {
    id: row.id,
    personId: row.personId,
    serviceType: row.serviceType,
    state: row.state,
    mode: row.mode,
    answers: row.answers,
    input: row.input,
    price: row.price,
    partial: row.partial,
    collectorMessageId: row.collectorMessageId,
    progressMessageId: row.progressMessageId,
    progressText: row.progressText,
    createdAt: row.createdAt,
    endedAt: row.endedAt,
  };
}
