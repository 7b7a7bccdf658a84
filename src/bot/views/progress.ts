import { assertNever } from '../../domain/assert-never.ts';
import type { CancelOutcome, OrderProgress } from '../../orders/orders.ts';
import { showStars, showWait } from '../amounts.ts';
import { orderButton } from '../callback-data.ts';
import type { Translate } from '../i18n.ts';
import type { Screen } from '../messenger.ts';

const BAR_LENGTH = 10;

/** What a paid order's message shows now, or how it ended. */
export function progressScreen(t: Translate, progress: OrderProgress): Screen {
  const { order } = progress;
  const text = stageLines(t, progress).join('\n');
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
      return [`<b>${stage}</b>`, '', ...counted];
    }
    case 'finishing':
      return [`<b>${t('order.finishing')}</b>`, '', bar(1, 1)];
    case 'delivering':
      return [`<b>${t('order.delivering')}</b>`, '', bar(1, 1)];
    case 'delivered':
      return [t('order.delivered')];
    case 'cancelled':
      return [cancelledLine(t, progress)];
    case 'failed':
      return [t('order.failed', { refunded: showStars(progress.refunded) })];
    case 'draft':
    case 'quoted':
      return [t('order.notConfirmed')];
    default:
      return assertNever(order.state);
  }
}

function cancelledLine(t: Translate, { finished, total, refunded, order }: OrderProgress): string {
  return order.partial === null
    ? t('order.cancelled', { refunded: showStars(refunded) })
    : t('order.cancelledPartly', { refunded: showStars(refunded), finished, count: total });
}

function bar(finished: number, total: number): string {
  const filled = total === 0 ? 0 : Math.floor((finished / total) * BAR_LENGTH);
  return '▰'.repeat(filled) + '▱'.repeat(BAR_LENGTH - filled);
}

/** What came of a cancel, in words. */
export function cancelOutcomeScreen(t: Translate, orderId: string, outcome: CancelOutcome): Screen {
  switch (outcome.kind) {
    case 'dropped':
      return { text: t('order.dropped') };
    case 'refunded':
      return { text: t('order.cancelled', { refunded: showStars(outcome.refunded) }) };
    case 'partial_offered': {
      const { finished, total } = outcome;
      const values = { finished, count: total, refunded: showStars(outcome.refunded) };
      return {
        text: t('order.partialOffer', values),
        keyboard: [
          [orderButton(t('order.partialYes'), { action: 'partial', orderId, accept: true })],
          [orderButton(t('order.partialNo'), { action: 'partial', orderId, accept: false })],
        ],
      };
    }
    case 'too_late':
      return { text: t('order.tooLate') };
    case 'closed':
      return { text: t('order.alreadyOver') };
    default:
      return assertNever(outcome);
  }
}
