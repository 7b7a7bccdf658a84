import type { Tx } from '../db/database.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { chargeKey, stepRefundKey } from './keys.ts';
import { readSteps, type StepRow } from './rows.ts';

/**
 * Gives back the price of one step, in the transaction that ends it; a step is refunded once,
 * however often it is asked for.
 */
export async function refundStep(
  ledger: Ledger,
  tx: Tx,
  step: StepRow,
  reason: string,
): Promise<void> {
  if (step.price === 0) return;
  const outcome = await ledger.refund(tx, {
    chargeKey: chargeKey(step.orderId),
    key: stepRefundKey(step.id),
    amount: step.price,
    cost: step.cost,
    reason,
  });
  if (outcome.kind === 'no_charge' || outcome.kind === 'exceeds') {
    throw new Error(`Step ${step.id} cannot be refunded: ${outcome.kind}`);
  }
}

/** Gives back whatever is left of an order that ends without a video. */
export async function refundAllSteps(
  ledger: Ledger,
  tx: Tx,
  orderId: string,
  reason: string,
): Promise<void> {
  for (const step of await readSteps(tx, orderId)) await refundStep(ledger, tx, step, reason);
}
