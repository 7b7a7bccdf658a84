import { and, eq, isNull } from 'drizzle-orm';
import { orders } from '../db/schema.ts';
import { ACTIVE_STATES } from '../domain/order-state.ts';
import { listAvatars } from './answers.ts';
import { type AvatarDeps, deleteAvatar } from './avatars.ts';
import { type PurgeDeps, purgeNow } from './purge.ts';
import { inStates } from './rows.ts';

/**
 * Deletes what a person sent, wrote and got, here at once and at the provider as soon as it can be reached;
 * the ledger stays. Repeating it deletes what is left. Nothing happens while an order is being made.
 */
export async function forgetPerson(
  deps: PurgeDeps & AvatarDeps,
  personId: number,
): Promise<'forgotten' | 'busy'> {
  const mine = eq(orders.personId, personId);
  const active = await deps.db.$count(orders, and(mine, inStates(ACTIVE_STATES)));
  if (active > 0) return 'busy';
  await deps.db.transaction(async (tx) => {
    await tx
      .update(orders)
      .set({ state: 'cancelled', endedAt: new Date() })
      .where(and(mine, inStates(['draft', 'quoted'])));
    for (const { id } of await listAvatars(tx, personId)) {
      await deleteAvatar(deps, tx, id, personId);
    }
  });
  const left = await deps.db
    .select({ id: orders.id })
    .from(orders)
    .where(and(mine, isNull(orders.purgedAt)));
  for (const { id } of left) await purgeNow(deps, id);
  return 'forgotten';
}
