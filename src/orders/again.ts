import { and, eq, ne } from 'drizzle-orm';
import type { Tx } from '../db/database.ts';
import { orders, photos, recordings } from '../db/schema.ts';
import { isOpen } from '../domain/order-state.ts';
import { type DraftDeps, insertDraft } from './draft.ts';
import { inStates, lockOrder, type OrderRow, readyPhotos, takeTurn } from './rows.ts';

/**
 * A new draft like an earlier order, but for one answer; it takes the place of the open one. Photos and
 * recordings are fetched from the chat again; undefined when what it was made of is gone. The same request
 * begins one draft.
 */
export async function beginAgain(
  deps: DraftDeps,
  about: { readonly orderId: string; readonly personId: number; readonly requestId: number },
  field: string | undefined,
): Promise<OrderRow | undefined> {
  const { orderId, personId, requestId } = about;
  return deps.db.transaction(async (tx) => {
    await takeTurn(tx, personId);
    const [begun] = await tx
      .select()
      .from(orders)
      .where(
        and(
          eq(orders.personId, personId),
          eq(orders.lastRequestId, requestId),
          ne(orders.id, orderId),
        ),
      );
    if (begun) return begun;
    const old = await lockOrder(tx, orderId, personId);
    if (!old?.confirmedAt || old.purgedAt || isOpen(old.state)) return undefined;
    const { [field ?? '']: _changed, ...answers } = old.answers;
    const { serviceType } = old;
    await dropDrafts(deps, tx, { personId, serviceType });
    const draft = { personId, serviceType, answers, lastRequestId: requestId };
    const order = await insertDraft(deps, tx, draft);
    await copyFiles(deps, tx, orderId, order.id);
    return order;
  });
}

/** Gives up the open order of a service, and has what was sent for it deleted. */
async function dropDrafts(
  deps: DraftDeps,
  tx: Tx,
  { personId, serviceType }: Pick<OrderRow, 'personId' | 'serviceType'>,
): Promise<void> {
  const dropped = await tx
    .update(orders)
    .set({ state: 'cancelled', endedAt: new Date() })
    .where(
      and(
        eq(orders.personId, personId),
        eq(orders.serviceType, serviceType),
        inStates(['draft', 'quoted']),
      ),
    )
    .returning({ id: orders.id });
  await deps.queue.send(
    tx,
    'purge',
    dropped.map(({ id }) => ({ data: { orderId: id } })),
  );
}

async function copyFiles(deps: DraftDeps, tx: Tx, from: string, to: string): Promise<void> {
  const sent = await readyPhotos(tx, from);
  // A picture of an archive is fetched with its archive, whose name stands before the position.
  const files = new Map(
    sent.map(({ fileUniqueId, fileId, messageId }) => {
      const [ofFile = fileUniqueId] = fileUniqueId.split('/');
      return [ofFile, { fileUniqueId: ofFile, fileId, messageId }];
    }),
  );
  for (const file of files.values()) {
    const [row] = await tx
      .insert(photos)
      .values({ orderId: to, state: 'pending', ...file })
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
