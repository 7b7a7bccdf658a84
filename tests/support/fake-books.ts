import type { StarBooks } from '../../src/bot/payments/books.ts';
import type { Invoice } from '../../src/ledger/invoices.ts';

/** Books in which nothing was ever paid, for tests of everything else; invoices are sent and forgotten. */
export function createFakeBooks(): StarBooks {
  const invoices = new Map<string, Invoice>();
  const none = { compared: 0, credited: [], reversed: [], confirmed: 0, differences: [] };
  const refuse = async () => {
    throw new Error('Payments need books in a database');
  };

  return {
    payments: {
      book: refuse,
      find: async () => undefined,
      list: async () => [],
      unsettled: async () => [],
      settle: async () => false,
    },
    invoices: {
      async open({ personId, amountXtr, order = null }) {
        const invoice: Invoice = {
          ...{ id: `invoice${invoices.size + 1}`, personId, amountXtr, state: 'open', order },
          ...{ messageId: null, expiresAt: new Date(Date.now() + 86_400_000) },
        };
        invoices.set(invoice.id, invoice);
        return invoice;
      },
      find: async (id) => invoices.get(id),
      setMessage: async () => undefined,
      cancel: async () => false,
      cancelOf: async () => undefined,
      takeDown: async () => [],
      messageGone: async () => undefined,
      check: async () => 'unknown',
    },
    refunds: {
      request: async () => ({ kind: 'unknown' }),
      unused: async () => [],
      take: async () => [],
      markSent: async () => undefined,
      markRetry: async () => undefined,
      markFailed: async () => ({ kind: 'not_waiting' }),
      bookTold: async () => ({ kind: 'unknown_payment' }),
      news: async () => [],
      markTold: async () => undefined,
      count: async () => ({ requested: 0, sent: 0 }),
    },
    reconciler: { run: async () => none, reconcile: async () => none },
    sales: { paused: async () => undefined },
    terms: { accept: async () => true },
  };
}
