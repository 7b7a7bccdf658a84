import type { StarTransaction } from '../../src/ledger/star-transaction.ts';

type Refusal = 'CHARGE_NOT_FOUND' | 'CHARGE_ALREADY_REFUNDED';

/** What Telegram itself keeps of stars: payments, each refunded at most once, and the list of both. */
export interface TelegramBooks {
  pay(personId: number, amountXtr: number, payload: string | null): StarTransaction;
  /** Moves a payment back; says what `refundStarPayment` would. */
  refund(personId: number, chargeId: string): 'ok' | Refusal;
  /** From then on it refuses to refund this payment. */
  lock(chargeId: string): void;
  isRefunded(chargeId: string): boolean;
  transactions(): readonly StarTransaction[];
  /** Pages as `getStarTransactions` has them. */
  fetch(offset: number, limit: number): Promise<readonly StarTransaction[]>;
}

export function createTelegramBooks(name: string): TelegramBooks {
  const list: StarTransaction[] = [];
  const locked = new Set<string>();
  const find = (id: string, direction: StarTransaction['direction']) =>
    list.find((line) => line.id === id && line.direction === direction);

  return {
    pay(personId, amountXtr, payload) {
      const line = {
        ...{ id: `${name}-${list.length}`, direction: 'in' as const },
        ...{ amountXtr, personId, payload, at: new Date() },
      };
      list.push(line);
      return line;
    },
    refund(personId, chargeId) {
      const payment = find(chargeId, 'in');
      if (payment?.personId !== personId || locked.has(chargeId)) return 'CHARGE_NOT_FOUND';
      if (find(chargeId, 'out')) return 'CHARGE_ALREADY_REFUNDED';
      list.push({ ...payment, direction: 'out', at: new Date() });
      return 'ok';
    },
    lock: (chargeId) => void locked.add(chargeId),
    isRefunded: (chargeId) => find(chargeId, 'out') !== undefined,
    transactions: () => list,
    fetch: async (offset, limit) => list.slice(offset, offset + limit),
  };
}
