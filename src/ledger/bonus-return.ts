import { eq } from 'drizzle-orm';
import type { Tx } from '../db/database.ts';
import { entries } from '../db/schema.ts';
import { stars } from '../domain/stars.ts';
import { changeBalance, findDeed, insertEntry, lockAccount } from './entries.ts';
import { bonusReinstatementKey, bonusReversalKey } from './keys.ts';

/**
 * Takes back what a payment that goes back had brought to whoever invited its person, below zero if need
 * be. The caller holds the person's account.
 * @param deed.bonusEntryId null: it brought nothing.
 * @param deed.reversalId the reversal of the payment.
 */
export async function takeBonusBack(
  tx: Tx,
  deed: { readonly bonusEntryId: number | null; readonly reversalId: number },
): Promise<void> {
  if (deed.bonusEntryId === null) return;
  const [bonus] = await tx.select().from(entries).where(eq(entries.id, deed.bonusEntryId));
  if (!bonus) throw new Error(`Bonus ${deed.bonusEntryId} is gone`);
  const { personId } = bonus;
  const amount = stars(-bonus.amount);
  await lockAccount(tx, personId);
  await changeBalance(tx, personId, amount);
  await insertEntry(tx, {
    ...{ personId, kind: 'reversal', amount, paymentMethod: 'Bonus', reversesId: bonus.id },
    idempotencyKey: bonusReversalKey(deed.reversalId),
  });
}

/** Gives again what `takeBonusBack` took with this reversal, if it did: the payment stays after all. */
export async function giveBonusAgain(tx: Tx, reversalId: number): Promise<void> {
  const deed = await findDeed(tx, bonusReversalKey(reversalId));
  if (!deed) return;
  const [taken] = await tx.select().from(entries).where(eq(entries.id, deed.id));
  if (!taken) throw new Error(`Entry ${deed.id} is gone`);
  const { personId } = taken;
  const amount = stars(-taken.amount);
  await lockAccount(tx, personId);
  await changeBalance(tx, personId, amount);
  await insertEntry(tx, {
    ...{ personId, kind: 'reinstatement', amount, paymentMethod: 'Bonus', reversesId: taken.id },
    idempotencyKey: bonusReinstatementKey(reversalId),
  });
}
