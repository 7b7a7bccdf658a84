import type { OrderView } from '../../orders/orders.ts';
import type { OrderPress } from '../callback-data.ts';
import type { PressedButton, Talk } from '../context.ts';
import type { TextKey } from '../i18n.ts';
import type { OrderPurchase } from '../payments/purchase.ts';
import { orderTopUpScreen } from '../views/payments.ts';
import type { Chosen, Offering } from './offering.ts';
import type { OrderFlowDeps, Stage } from './stage.ts';

/** What the steps of an order share with its payment. */
export interface SellingDeps extends OrderFlowDeps {
  readonly offering: Pick<Offering, 'offer' | 'offerChosen'>;
  /** The pressed message shows a quote that no longer holds. */
  readonly outdated: (talk: Talk & PressedButton, order: OrderView) => Promise<Stage>;
}

/** Where the stars for an order come from. */
export interface Selling {
  /** Where more stars come from; with a chosen mode, also exactly those that it lacks. */
  topUp(talk: Talk & PressedButton, order: OrderView): Promise<Stage>;
  /** Asks for what is missing, if the order still is what the button said. */
  pay(
    talk: Talk & PressedButton,
    order: OrderView,
    press: Extract<OrderPress, { action: 'pay' }>,
  ): Promise<Stage>;
}

export function createSelling(deps: SellingDeps): Selling {
  const { checkout, outdated } = deps;
  const { offer, offerChosen } = deps.offering;

  /** Where more stars come from; with a chosen mode, also exactly those that it lacks. */
  async function topUp(talk: Talk & PressedButton, order: OrderView): Promise<Stage> {
    const { person, t, messageId } = talk;
    const reason = await checkout.refusal(person);
    if (reason) return refused(talk, reason);
    const chosen = await chooseAgain(talk, order);
    await talk.answer();
    if (chosen?.kind === 'chosen') {
      return offerChosen(talk, order.id, chosen, { inMessage: messageId });
    }
    const purchase = chosen && purchaseOf(order.id, chosen);
    const screen = orderTopUpScreen(t, order.id, { purchase, packs: deps.packs });
    return offer(talk, order.id, screen, messageId);
  }

  /** Asks for what is missing, if the order still is what the button said. */
  async function pay(
    talk: Talk & PressedButton,
    order: OrderView,
    { mode, price }: Extract<OrderPress, { action: 'pay' }>,
  ): Promise<Stage> {
    const { messageId } = talk;
    const chosen = order.mode === mode ? await chooseAgain(talk, order) : undefined;
    if (chosen?.option.price !== price) return outdated(talk, order);
    const reason = await checkout.refusal(talk.person);
    if (reason) return refused(talk, reason);
    await talk.answer();
    if (chosen.kind === 'chosen') {
      return offerChosen(talk, order.id, chosen, { inMessage: messageId });
    }
    await checkout.begin(talk, purchaseOf(order.id, chosen));
    return 'asking';
  }

  /** What the chosen mode costs and lacks now; undefined when none is chosen, or the order is closed. */
  async function chooseAgain({ person }: Talk, order: OrderView): Promise<Chosen | undefined> {
    if (order.mode === null) return undefined;
    const chosen = await deps.orders().choose(order.id, person.id, { mode: order.mode });
    return chosen.kind === 'closed' ? undefined : chosen;
  }

  return { topUp, pay };
}

/** Says why this person can neither order nor pay now. */
export async function refused(talk: Talk & PressedButton, reason: TextKey): Promise<Stage> {
  await talk.answer(talk.t(reason), { alert: true });
  return 'asking';
}

function purchaseOf(
  orderId: string,
  { option, missing }: Extract<Chosen, { kind: 'short' }>,
): OrderPurchase {
  return { kind: 'order', orderId, mode: option.mode, price: option.price, missing };
}
