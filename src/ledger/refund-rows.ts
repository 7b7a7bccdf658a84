import { eq } from 'drizzle-orm';
import type { Tx } from '../db/database.ts';
import { payments, starRefunds } from '../db/stars-schema.ts';
import { type Stars, stars } from '../domain/stars.ts';
import { starsOfXtr } from '../domain/xtr.ts';
import { takeBonusBack } from './bonus-return.ts';
import { changeBalance, insertEntry, lockAccount } from './entries.ts';
import { reversalKey } from './keys.ts';

type PaymentRow = typeof payments.$inferSelect;
type RefundRow = typeof starRefunds.$inferSelect;

/** The payment, with its person's account held and balance read; undefined when there is none. */
export async function lockPayment(
  tx: Tx,
  chargeId: string,
): Promise<(PaymentRow & { readonly balance: Stars }) | undefined> {
  const [payment] = await tx.select().from(payments).where(eq(payments.chargeId, chargeId));
  return payment && { ...payment, balance: await lockAccount(tx, payment.personId) };
}

/** All refunds of a payment, the failed ones too; held until the transaction ends. */
export function readRefunds(tx: Tx, chargeId: string): Promise<RefundRow[]> {
  return tx.select().from(starRefunds).where(eq(starRefunds.chargeId, chargeId)).for('update');
}

/** Takes a whole payment from the balance, and writes down where it goes. */
export async function reverse(
  tx: Tx,
  payment: PaymentRow,
  attempt: number,
  refund: Omit<typeof starRefunds.$inferInsert, 'chargeId' | 'entryId'>,
): Promise<{ readonly refundId: number; readonly balance: Stars }> {
  const { chargeId, personId } = payment;
  const amount = stars(-starsOfXtr(payment.amountXtr));
  const balance = await changeBalance(tx, personId, amount);
  const entryId = await insertEntry(tx, {
    personId,
    kind: 'reversal',
    amount,
    idempotencyKey: reversalKey(chargeId, attempt),
    paymentMethod: 'TelegramStars',
    reversesId: payment.entryId,
    reason: refund.reason ?? null,
  });
  await takeBonusBack(tx, { bonusEntryId: payment.bonusEntryId, reversalId: entryId });
  const [row] = await tx
    .insert(starRefunds)
    .values({ ...refund, chargeId, entryId })
    .returning({ id: starRefunds.id });
  if (!row) throw new Error(`The refund of ${chargeId} was not written`);
  return { refundId: row.id, balance };
}
