import type { CancelOutcome, Orders, OrderView } from '../../orders/orders.ts';
import { decodeOrderPress, orderButton } from '../callback-data.ts';
import type { Collector } from '../collector.ts';
import type { BotContext } from '../context.ts';
import type { Messenger } from '../messenger.ts';
import type { ProgressDisplay } from '../progress-display.ts';
import { cancelOutcomeScreen } from '../views/progress.ts';

export interface CancelDeps {
  readonly orders: () => Orders;
  readonly messenger: Messenger;
  readonly collector: Collector;
  readonly progress: ProgressDisplay;
}

/**
 * Cancelling, which never waits for its chat's turn: whatever is being handled there goes on and finds
 * the order closed. The dialogue, which only its chat's turn may touch, is left afterwards.
 */
export interface Cancelling {
  /** /cancel: the open order first, else the one that is being rendered. */
  command(ctx: BotContext): Promise<void>;
  /** A Cancel button. */
  press(ctx: BotContext): Promise<void>;
  /** Whether a cancel of this chat came after this update: photos on their way open no new order. */
  cameAfter(chatId: number, updateId: number): boolean;
}

export function createCancelling(deps: CancelDeps): Cancelling {
  const { messenger } = deps;
  /** The last cancel of each chat, by the id of its update. */
  const cancelledBy = new Map<number, number>();

  async function command(ctx: BotContext): Promise<void> {
    const { person, t } = ctx;
    cancelledBy.set(person.id, ctx.update.update_id);
    ctx.dialogueIsOver = true;
    const [open, active] = await Promise.all([
      deps.orders().findOpen(person.id),
      deps.orders().active(person.id),
    ]);
    if (open) {
      const outcome = await deps.orders().cancel(open.id, person.id);
      await messenger.send(person.id, cancelOutcomeScreen(t, open.id, outcome));
      await deps.collector.refresh(open);
      if (active.length > 0) await offerActive(ctx, active);
      return;
    }
    const [only] = active;
    if (!only) {
      await messenger.send(person.id, { text: t('order.nothingToCancel') });
    } else if (active.length > 1) {
      await offerActive(ctx, active);
    } else {
      const outcome = await deps.orders().cancel(only.id, person.id);
      await messenger.send(person.id, cancelOutcomeScreen(t, only.id, outcome));
      await deps.progress.refresh(only.id);
    }
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
    const { person, t } = ctx;
    cancelledBy.set(person.id, ctx.update.update_id);
    const order = await deps.orders().find(pressed.orderId, person.id);
    const outcome: CancelOutcome = order
      ? await deps.orders().cancel(order.id, person.id)
      : { kind: 'closed' };
    const screen = cancelOutcomeScreen(t, pressed.orderId, outcome);
    if (!order || outcome.kind === 'closed' || outcome.kind === 'too_late') {
      await ctx.answer(screen.text, { alert: true });
      if (ctx.messageId && !order) await messenger.strip(person.id, ctx.messageId);
    } else {
      await ctx.answer(t('order.cancelledToast'));
    }
    if (!order) return;
    ctx.dialogueIsOver = outcome.kind === 'dropped';
    if (outcome.kind === 'partial_offered') await messenger.send(person.id, screen);
    else if (isOnAnotherMessage(ctx, order)) await messenger.put(person.id, ctx.messageId, screen);
    await deps.collector.refresh(order);
    await deps.progress.refresh(order.id);
  }

  return {
    command,
    press,
    cameAfter: (chatId, updateId) => updateId < (cancelledBy.get(chatId) ?? 0),
  };
}

/** The counter and the progress message tell by themselves how the order ended. */
function isOnAnotherMessage({ messageId }: BotContext, order: OrderView): boolean {
  return messageId !== order.collectorMessageId && messageId !== order.progressMessageId;
}
