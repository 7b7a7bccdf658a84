import { assertNever } from '../../domain/assert-never.ts';
import { type Stars, stars } from '../../domain/stars.ts';
import type { CancelOutcome, OrderProgress, OrderView } from '../../orders/orders.ts';
import { showStars, showWait } from '../amounts.ts';
import { orderButton } from '../callback-data.ts';
import type { Translate } from '../i18n.ts';
import type { Screen } from '../messenger.ts';

const BAR_LENGTH = 10;

/** What a paid order's message shows now, or how it ended. */
export function progressScreen(t: Translate, progress: OrderProgress): Screen {
  const { order } = progress;
  const text = stageLines(t, progress).join('\n');
  if (isOffered(order)) return { text, keyboard: partialKeyboard(t, order.id) };
  const cancellable =
    (order.state === 'queued' || order.state === 'rendering') && order.partial === null;
  if (!cancellable) return { text };
  const cancel = orderButton(t('common.cancel'), { action: 'cancel', orderId: order.id });
  return { text, keyboard: [[cancel]] };
}

function stageLines(t: Translate, progress: OrderProgress): string[] {
  const { order, total, finished, ahead, etaSeconds, waitingForProvider } = progress;
  const counted = [
    `${bar(finished, total)}`,
    t('order.finishedOf', { finished, count: total }),
    ...(etaSeconds === null || waitingForProvider
      ? []
      : [t('order.eta', { wait: showWait(t, etaSeconds) })]),
  ];
  const paid = paidLines(t, order.price, progress.refunded);
  switch (order.state) {
    case 'queued':
    case 'rendering': {
      const stage = waitingForProvider
        ? t('order.providerBusy')
        : ahead > 0 && progress.running === 0
          ? t('order.ahead', { count: ahead })
          : order.state === 'queued'
            ? t('order.starting')
            : t('order.rendering');
      return [`<b>${stage}</b>`, '', ...counted, ...paid];
    }
    case 'finishing':
      return [`<b>${t('order.finishing')}</b>`, '', bar(1, 1), ...paid];
    case 'delivering':
      return [`<b>${t('order.delivering')}</b>`, '', bar(1, 1), ...paid];
    case 'delivered':
      return [t('order.delivered'), ...paid];
    case 'cancelled':
      return cancelledLines(t, progress);
    case 'failed':
      // What came back the apology tells.
      return [t('order.failed')];
    case 'draft':
    case 'quoted':
      return [t('order.notConfirmed')];
    default:
      return assertNever(order.state);
  }
}

/** What an order costs, less what came back of it; nothing for one that was not paid. */
export function paidLines(t: Translate, price: Stars | null, refunded: Stars): string[] {
  return price === null ? [] : [t('order.paid', { paid: showStars(stars(price - refunded)) })];
}

/** Whether the person is still to say if they want the shorter video. */
function isOffered({ state, partial }: OrderView): boolean {
  return state === 'cancelled' && partial === 'offered';
}

function partialKeyboard(t: Translate, orderId: string) {
  return [
    [orderButton(t('order.partialYes'), { action: 'partial', orderId, accept: true })],
    [orderButton(t('order.partialNo'), { action: 'partial', orderId, accept: false })],
  ];
}

function cancelledLines(t: Translate, progress: OrderProgress): string[] {
  const { finished, total, order } = progress;
  const refunded = showStars(progress.refunded);
  if (order.partial === null) return [t('order.cancelled', { refunded })];
  const values = { refunded, finished, count: total };
  return isOffered(order)
    ? [t('order.partialOffer', values)]
    : [t('order.cancelledPartly', values), '', t('order.partialDeclined')];
}

function bar(finished: number, total: number): string {
  const filled = total === 0 ? 0 : Math.floor((finished / total) * BAR_LENGTH);
  return '▰'.repeat(filled) + '▱'.repeat(BAR_LENGTH - filled);
}

/** What came of a cancel, in words; the question about a shorter video is the progress message's. */
export function cancelOutcomeText(
  t: Translate,
  outcome: CancelOutcome,
  order: { readonly empty?: boolean },
): string {
  switch (outcome.kind) {
    case 'dropped':
      return t(order.empty ? 'order.droppedEmpty' : 'order.dropped');
    case 'refunded':
      return t('order.cancelled', { refunded: showStars(outcome.refunded) });
    case 'partial_offered':
      return t('order.cancelledToast');
    case 'too_late':
      return t('order.tooLate');
    case 'closed':
      return t('order.alreadyOver');
    default:
      return assertNever(outcome);
  }
}
