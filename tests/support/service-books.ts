import { eq } from 'drizzle-orm';
import type { Db } from '../../src/db/database.ts';
import { entries, orders, steps } from '../../src/db/schema.ts';
import { auditLedger } from '../../src/ledger/audit.ts';

/** What the books say of the orders that were confirmed. */
export interface ServiceBooks {
  readonly orders: readonly {
    readonly personId: number;
    readonly serviceType: string;
    /** In hundredths of a star, less what came back. */
    readonly paid: number;
  }[];
  /** Differences within the ledger, and orders that were not charged once and exactly, or not refunded step by step. */
  readonly wrong: readonly string[];
}

/** Audits the ledger, and compares each order with its steps and its entries there. */
export async function booksOf(db: Db): Promise<ServiceBooks> {
  const { differences } = await auditLedger(db);
  const wrong = differences.map((difference) => JSON.stringify(difference));
  const found: ServiceBooks['orders'][number][] = [];
  for (const order of await db.select().from(orders)) {
    if (!order.confirmedAt) continue;
    const all = await db.select().from(steps).where(eq(steps.orderId, order.id));
    const mine = await db.select().from(entries).where(eq(entries.orderId, order.id));
    const charges = mine.filter(({ kind }) => kind === 'charge');
    const refunds = mine.filter(({ kind }) => kind === 'refund');
    const sum = (amounts: readonly { readonly amount: number }[]) =>
      amounts.reduce((total, { amount }) => total + amount, 0);
    const price = all.reduce((total, step) => total + step.price, 0);
    const lost = all
      .filter(({ state }) => state === 'failed' || state === 'cancelled' || state === 'replaced')
      .reduce((total, step) => total + step.price, 0);
    const told = {
      charges: charges.length,
      charged: -sum(charges),
      refunded: sum(refunds),
      serviceTypes: [...new Set(mine.map(({ serviceType }) => serviceType))].join(),
    };
    const expected = {
      charges: 1,
      charged: price,
      refunded: lost,
      serviceTypes: order.serviceType,
    };
    const isRight = JSON.stringify(told) === JSON.stringify(expected) && order.price === price;
    if (!isRight) {
      wrong.push(`${order.serviceType}: ${JSON.stringify({ told, expected })}`);
    }
    found.push({
      personId: order.personId,
      serviceType: order.serviceType,
      paid: -sum(charges) - sum(refunds),
    });
  }
  return { orders: found, wrong };
}
