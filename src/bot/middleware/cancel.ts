import { isOpen } from '../../domain/order-state.ts';
import type { CancelOutcome, Orders, OrderView } from '../../orders/orders.ts';
import { decodeOrderPress, orderButton } from '../callback-data.ts';
import { type Collector, isEmpty } from '../collector.ts';
import type { BotContext } from '../context.ts';
import type { Messenger } from '../messenger.ts';
import type { Checkout } from '../payments/checkout.ts';
import type { ProgressDisplay } from '../progress-display.ts';
import { createRecent } from '../recent.ts';
import { cancelOutcomeText } from '../views/progress.ts';

export interface CancelDeps {
  readonly orders: () => Orders;
  readonly messenger: Messenger;
  readonly collector: Collector;
  readonly progress: ProgressDisplay;
  readonly checkout: Pick<Checkout, 'withdraw'>;
}

/**
 * Cancelling, which never waits for its chat's turn: whatever is being handled there goes on and finds
 * the order closed. The dialogue, which only its chat's turn may touch, is left afterwards. An update
 * that comes again after a kill tells again what it cancelled, and cancels nothing else.
 */
export interface Cancelling {
  /** /cancel: the open order first, else the one that is being rendered. */
  command(ctx: BotContext): Promise<void>;
  /** A Cancel button. */
  press(ctx: BotContext): Promise<void>;
  /** Whether an order of this chat was cancelled after this message: it opens no new order. */
  cameAfter(chatId: number, messageId: number): Promise<boolean>;
}

type Cancelled = {
  readonly order: OrderView;
  readonly outcome: CancelOutcome;
  /** Nothing had been sent for it. */
  readonly empty?: boolean;
};

export function createCancelling(deps: CancelDeps): Cancelling {
  const { messenger, progress } = deps;
  /**
   * The newest message each chat had sent when an order of it was cancelled. Within a chat, message ids
   * only grow; update ids may begin anew, and the clocks of Telegram and of this machine may differ.
   */
  const cancelledAt = createRecent<number, number>();
  const running = new Map<number, Promise<unknown>>();

  /** Photos that want to know whether they are too late wait for the outcome. */
  async function remember<T extends Cancelled | undefined>(
    { person, newestMessageId }: BotContext,
    work: () => Promise<T>,
  ): Promise<T> {
    const mine = work().then((done) => {
      if (done && endsOrder(done.outcome)) {
        const marked = cancelledAt.get(person.id) ?? 0;
        cancelledAt.set(person.id, Math.max(marked, newestMessageId ?? 0));
      }
      return done;
    });
    const all = Promise.allSettled([running.get(person.id), mine]);
    running.set(person.id, all);
    try {
      return await mine;
    } finally {
      if (running.get(person.id) === all) running.delete(person.id);
    }
  }

  async function cancel({ person, requestId }: BotContext, order: OrderView): Promise<Cancelled> {
    const intake = isOpen(order.state) ? await deps.orders().intake(order.id) : undefined;
    const outcome = await deps.orders().cancel(order.id, person.id, requestId);
    await deps.checkout.withdraw(order.id);
    return { order, outcome, empty: intake !== undefined && isEmpty(intake) && isBare(order) };
  }

  async function command(ctx: BotContext): Promise<void> {
    const { person, t, requestId } = ctx;
    ctx.dialogueIsOver = true;
    const done = await remember(ctx, async (): Promise<Cancelled | undefined> => {
      const before = await deps.orders().cancelledBy(person.id, requestId);
      if (before) return before;
      const open = await deps.orders().findOpen(person.id);
      if (open) return cancel(ctx, open);
      const [only, ...others] = await deps.orders().active(person.id);
      return only && others.length === 0 ? cancel(ctx, only) : undefined;
    });
    const { kind } = done?.outcome ?? {};
    if (done) await tell(ctx, done);
    if (done && kind !== 'dropped') return;
    const active = await deps.orders().active(person.id);
    if (active.length > 0) return offerActive(ctx, active);
    if (done) return;
    const offered = await deps.orders().offered(person.id);
    for (const order of offered.toReversed()) await progress.renew(order.id);
    if (offered.length > 0) return;
    await messenger.send(person.id, { text: t('order.nothingToCancel') });
  }

  /** What came of /cancel, at the bottom of the chat. */
  async function tell({ person, t }: BotContext, done: Cancelled): Promise<void> {
    const { order, outcome } = done;
    if (outcome.kind === 'partial_offered') {
      await progress.renew(order.id);
    } else {
      await messenger.send(person.id, { text: cancelOutcomeText(t, outcome, done) });
      await progress.refresh(order.id);
    }
    await deps.collector.close(order);
  }

  /** Paid orders go on; each can be cancelled by its own button. */
  async function offerActive(
    { person, t }: BotContext,
    active: readonly OrderView[],
  ): Promise<void> {
    const keyboard = active.map((order, index) => {
      const label =
        active.length === 1 ? t('order.cancelPaid') : `${t('order.cancelPaid')} ${index + 1}`;
      return [orderButton(label, { action: 'cancel', orderId: order.id })];
    });
    const text =
      active.length === 1 ? t('order.paidGoesOn') : t('order.paidGoOn', { count: active.length });
    await messenger.send(person.id, { text, keyboard });
  }

  async function press(ctx: BotContext): Promise<void> {
    const pressed = decodeOrderPress(ctx.callbackQuery?.data);
    if (!pressed) return;
    const { person, t, messageId, requestId } = ctx;
    const done = await remember(ctx, async (): Promise<Cancelled | undefined> => {
      const before = await deps.orders().cancelledBy(person.id, requestId);
      if (before) return before;
      const order = await deps.orders().find(pressed.orderId, person.id);
      return order && cancel(ctx, order);
    });
    if (!done) {
      await ctx.answer(t('order.alreadyOver'), { alert: true });
      if (messageId) await messenger.strip(person.id, messageId);
      return;
    }
    const { order, outcome } = done;
    const text = cancelOutcomeText(t, outcome, done);
    const ended = endsOrder(outcome);
    await ctx.answer(ended ? t('order.cancelledToast') : text, { alert: !ended });
    ctx.dialogueIsOver = outcome.kind === 'dropped';
    const isCounter = messageId === order.collectorMessageId;
    const isProgress = messageId === order.progressMessageId && outcome.kind !== 'dropped';
    if (outcome.kind === 'partial_offered' && !isProgress) {
      if (messageId && !isCounter) await messenger.strip(person.id, messageId);
      await progress.renew(order.id);
    } else if (!isProgress && !isCounter) {
      await messenger.put(person.id, messageId, { text });
    }
    // Pressed on the counter, it is the counter that tells.
    if (isCounter) await deps.collector.refresh(order);
    else await deps.collector.close(order);
    await progress.refresh(order.id);
  }

  return {
    command,
    press,
    async cameAfter(chatId, messageId) {
      await running.get(chatId);
      return messageId <= (cancelledAt.get(chatId) ?? 0);
    },
  };
}

/** Whether nothing was answered either; a quoted order is made of something. */
function isBare({ state, answers }: OrderView): boolean {
  return state === 'draft' && Object.keys(answers).length === 0;
}

/** Whether the order is over by it, be it now or before. */
function endsOrder({ kind }: CancelOutcome): boolean {
  return (
    kind === 'dropped' ||
    kind === 'refunded' ||
    kind === 'partial_offered' ||
    kind === 'partial_kept'
  );
}
