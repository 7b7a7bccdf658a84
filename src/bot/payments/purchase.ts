import type { OrderMode } from '../../domain/order-mode.ts';
import type { Stars } from '../../domain/stars.ts';

/** An order whose missing stars are paid, and what its person was shown. */
export interface OrderPurchase {
  readonly kind: 'order';
  readonly orderId: string;
  readonly mode: OrderMode;
  readonly price: Stars;
  readonly missing: Stars;
}

/** What a person wants to pay: a pack of stars, or exactly what an order lacks, so that it starts by itself. */
export type Purchase = { readonly kind: 'pack'; readonly amountXtr: number } | OrderPurchase;
