import type { Api } from 'grammy';
import { isActive } from '../../domain/order-state.ts';
import type { Orders, OrderView } from '../../orders/orders.ts';
import type { People } from '../../people/people.ts';
import type { Catalogue } from '../../services/catalogue.ts';
import type { Collector } from '../collector.ts';
import type { TextKey } from '../i18n.ts';
import type { Messenger } from '../messenger.ts';
import type { Checkout } from '../payments/checkout.ts';
import type { ProgressDisplay } from '../progress-display.ts';
import type { Questions } from '../questions.ts';
import type { PhotoTerms } from '../views/photos.ts';

/** Whether the dialogue about an order goes on: there is a button to press or a photo to send. */
export type Stage = 'asking' | 'over';

/** What the steps of an order in the chat are made of. */
export interface OrderFlowDeps {
  readonly api: Pick<Api, 'sendPhoto' | 'sendMediaGroup' | 'sendVideo'>;
  readonly orders: () => Orders;
  readonly people: Pick<People, 'setGender'>;
  readonly messenger: Messenger;
  readonly collector: Collector;
  readonly progress: ProgressDisplay;
  readonly questions: Questions;
  readonly checkout: Pick<Checkout, 'refusal' | 'begin' | 'withdraw'>;
  readonly catalogue: Catalogue;
  readonly terms: PhotoTerms;
  /** The packs of a top-up, in XTR. */
  readonly packs: readonly number[];
}

/** Where a new order stands; no id where none was begun. */
export interface Begun {
  readonly orderId: string;
  readonly stage: Stage;
}

/** How an order ended, for a button that came too late. */
export function overKey({ state }: OrderView): TextKey {
  switch (state) {
    case 'delivered':
      return 'morph.closed.delivered';
    case 'cancelled':
      return 'morph.closed.cancelled';
    case 'failed':
      return 'morph.closed.failed';
    default:
      return 'morph.closed.unknown';
  }
}

/** Why nothing can be added to an order any more. */
export function closedKey(order: OrderView | undefined): TextKey {
  if (!order) return 'morph.closed.unknown';
  return isActive(order.state) ? 'morph.closed.active' : overKey(order);
}
