import { and, eq } from 'drizzle-orm';
import type { Tx } from '../db/database.ts';
import { orders, photos, recordings } from '../db/schema.ts';
import { isOpen } from '../domain/order-state.ts';
import { type DraftDeps, insertDraft } from './draft.ts';
import { inStates, lockOrder, type OrderRow, readyPhotos } from './rows.ts';

/**
 * A new draft like an earlier order, but for one answer. Photos and recordings are fetched from the chat
 * again; undefined when what it was made of is gone.
 */
export async function beginAgain(
  deps: DraftDeps,
  orderId: string,
  personId: number,
  field: string | undefined,
): Promise<OrderRow | undefined> {
  return deps.db.transaction(async (tx) => {
    const old = await lockOrder(tx, orderId, personId);
    if (!old?.confirmedAt || old.purgedAt || isOpen(old.state)) return undefined;
    const { [field ?? '']: _changed, ...answers } = old.answers;
    const { serviceType } = old;
    await tx
      .update(orders)
      .set({ state: 'cancelled', endedAt: new Date() })
      .where(
        and(
          eq(orders.personId, personId),
          eq(orders.serviceType, serviceType),
          inStates(['draft', 'quoted']),
        ),
      );
    const order = await insertDraft(deps, tx, { personId, serviceType, answers });
    await copyFiles(deps, tx, orderId, order.id);
    return order;
  });
}

async function copyFiles(deps: DraftDeps, tx: Tx, from: string, to: string): Promise<void> {
  const sent = await readyPhotos(tx, from);
  // A picture of an archive is fetched with its archive.
  const files = new Map(sent.map(({ fileId, messageId }) => [fileId, messageId]));
  for (const [fileId, messageId] of files) {
    const [row] = await tx
      .insert(photos)
      .values({ orderId: to, state: 'pending', messageId, fileId, fileUniqueId: fileId })
      .returning({ id: photos.id });
    if (row) await deps.queue.send(tx, 'photo', [{ data: { photoId: row.id } }]);
  }
  const [heard] = await tx
    .select()
    .from(recordings)
    .where(and(eq(recordings.orderId, from), eq(recordings.state, 'ready')));
  if (!heard) return;
  const { messageId, fileId, fileUniqueId, name } = heard;
  const [row] = await tx
    .insert(recordings)
    .values({ orderId: to, state: 'pending', messageId, fileId, fileUniqueId, name })
    .returning({ id: recordings.id });
  if (row) await deps.queue.send(tx, 'recording', [{ data: { recordingId: row.id } }]);
}
