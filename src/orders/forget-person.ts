import { and, asc, eq, inArray, isNull, ne } from 'drizzle-orm';
import { deliveries, orders } from '../db/schema.ts';
import { isActive } from '../domain/order-state.ts';
import { listAvatars } from './answers.ts';
import { type AvatarDeps, deleteAvatar } from './avatars.ts';
import { type PurgeDeps, purgeNow } from './purge.ts';
import { inStates, takeTurn } from './rows.ts';

/**
 * Deletes what a person sent, wrote and got, here at once and at the provider as soon as it can be reached;
 * the ledger stays. Repeating it deletes what is left. Nothing happens while an order is being made.
 */
export async function forgetPerson(
  deps: PurgeDeps & AvatarDeps,
  personId: number,
): Promise<'forgotten' | 'busy'> {
  const mine = eq(orders.personId, personId);
  const outcome = await deps.db.transaction(async (tx) => {
    await takeTurn(tx, personId);
    // Held, so that none of them is confirmed meanwhile.
    const all = await tx
      .select({ state: orders.state })
      .from(orders)
      .where(mine)
      .orderBy(asc(orders.id))
      .for('update');
    if (all.some(({ state }) => isActive(state))) return 'busy';
    await tx
      .update(orders)
      .set({ state: 'cancelled', endedAt: new Date() })
      .where(and(mine, inStates(['draft', 'quoted'])));
    await tx
      .update(orders)
      .set({ partial: 'declined' })
      .where(and(mine, eq(orders.partial, 'offered')));
    // Telegram would send them again by these; that the last words were said stays known.
    const ids = tx.select({ id: orders.id }).from(orders).where(mine);
    await tx
      .delete(deliveries)
      .where(and(ne(deliveries.kind, 'notice'), inArray(deliveries.orderId, ids)));
    for (const { id } of await listAvatars(tx, personId)) {
      await deleteAvatar(deps, tx, id, personId);
    }
    return 'forgotten';
  });
  if (outcome === 'busy') return 'busy';
  const left = await deps.db
    .select({ id: orders.id })
    .from(orders)
    .where(and(mine, isNull(orders.purgedAt), inStates(['delivered', 'cancelled', 'failed'])));
  for (const { id } of left) await purgeNow(deps, id);
  return 'forgotten';
}
