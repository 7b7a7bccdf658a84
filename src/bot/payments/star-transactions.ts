import type { Api } from 'grammy';
import type { StarTransaction as Told, TransactionPartner, User } from 'grammy/types';
import type { FetchStarTransactions, StarTransaction } from '../../ledger/star-transaction.ts';

/** Reads Telegram's list of star transactions, and shows each person that stands in it. */
export function createFetchTransactions(
  api: Pick<Api, 'getStarTransactions'>,
  see: (user: User) => void,
): FetchStarTransactions {
  return async (offset, limit) => {
    const { transactions } = await api.getStarTransactions({ offset, limit });
    return transactions.map((told) => {
      const payer = payerOf(told.source ?? told.receiver);
      if (payer) see(payer.user);
      return toTransaction(told, payer);
    });
  };
}

interface Payer {
  readonly user: User;
  readonly payload: string | null;
}

function toTransaction(told: Told, payer: Payer | undefined): StarTransaction {
  return {
    id: told.id,
    direction: told.source ? 'in' : 'out',
    amountXtr: told.amount,
    personId: payer?.user.id ?? null,
    payload: payer?.payload ?? null,
    at: new Date(told.date * 1000),
  };
}

/** Whoever paid an invoice of ours, or got its stars back; nobody for all other movements. */
function payerOf(partner: TransactionPartner | undefined): Payer | undefined {
  if (partner?.type !== 'user' || partner.transaction_type !== 'invoice_payment') return undefined;
  return { user: partner.user, payload: partner.invoice_payload ?? null };
}
