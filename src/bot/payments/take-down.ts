import type { Api } from 'grammy';
import type { Invoices } from '../../ledger/invoices.ts';
import { isBadRequest, isUnreachable } from '../telegram-errors.ts';

/** Messages looked at in one run. */
const BATCH = 50;

/**
 * Deletes the messages of invoices that are paid, cancelled or expired. What Telegram does not delete
 * (any more) stays: its payment is refused.
 */
export async function takeDownInvoices(deps: {
  readonly api: Pick<Api, 'deleteMessage'>;
  readonly invoices: Pick<Invoices, 'takeDown' | 'messageGone'>;
}): Promise<void> {
  const { api, invoices } = deps;
  for (const { invoiceId, personId, messageId } of await invoices.takeDown(BATCH)) {
    try {
      await api.deleteMessage(personId, messageId);
    } catch (error) {
      if (!isBadRequest(error) && !isUnreachable(error)) throw error;
    }
    await invoices.messageGone(invoiceId);
  }
}
