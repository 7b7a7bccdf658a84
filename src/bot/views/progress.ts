import { assertNever } from '../../domain/assert-never.ts';
import { type Stars, stars } from '../../domain/stars.ts';
import type { CancelOutcome, OrderProgress, OrderView } from '../../orders/orders.ts';
import { imageMorphing } from '../../services/image-morphing.ts';
import { showStars, showWait } from '../amounts.ts';
import { orderButton } from '../callback-data.ts';
import { serviceWords, type Translate } from '../i18n.ts';
import type { Screen } from '../messenger.ts';

const BAR_LENGTH = 10;

/** Its stages have words of their own, since it has more of them. */
const MORPH = imageMorphing.id;

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
  const isMorph = order.serviceType === MORPH;
  const counted = [
    ...(isMorph || total > 1 ? [bar(finished, total), madeOf(t, progress)] : []),
    ...(etaSeconds === null || waitingForProvider
      ? []
      : [t('order.eta', { wait: showWait(t, etaSeconds) })]),
  ];
  const paid = paidLines(t, order.price, progress.refunded);
  const named = isMorph ? [] : [serviceWords(t, order.serviceType)('button')];
  switch (order.state) {
    case 'queued':
    case 'rendering': {
      const stage = waitingForProvider
        ? t('order.providerBusy')
        : ahead > 0 && progress.running === 0
          ? isMorph
            ? t('order.ahead', { count: ahead })
            : t('order.any.ahead')
          : order.state === 'queued'
            ? t('order.starting')
            : t(isMorph ? 'order.rendering' : 'order.any.rendering');
      return [...named, `<b>${stage}</b>`, '', ...counted, ...paid];
    }
    case 'finishing':
      return [
        ...named,
        `<b>${t(isMorph ? 'order.finishing' : 'order.any.finishing')}</b>`,
        '',
        bar(1, 1),
        ...paid,
      ];
    case 'delivering':
      return [
        ...named,
        `<b>${t(isMorph ? 'order.delivering' : 'order.any.delivering')}</b>`,
        '',
        bar(1, 1),
        ...paid,
      ];
    case 'delivered':
      return [...named, t(isMorph ? 'order.delivered' : 'order.any.delivered'), ...paid];
    case 'cancelled':
      return cancelledLines(t, progress);
    case 'failed':
      // What came back the apology tells.
      return [...named, t(isMorph ? 'order.failed' : 'order.any.failed')];
    case 'draft':
    case 'quoted':
      return [t('order.notConfirmed')];
    default:
      return assertNever(order.state);
  }
}

/** `7 of 12 transitions`, `2 of 4 images` */
export function madeOf(
  t: Translate,
  {
    order,
    finished,
    total,
  }: {
    readonly order: Pick<OrderView, 'serviceType'>;
    readonly finished: number;
    readonly total: number;
  },
): string {
  if (order.serviceType === MORPH) return t('order.finishedOf', { finished, count: total });
  const steps = serviceWords(t, order.serviceType)('step', { count: total });
  return t('order.any.madeOf', { finished, steps });
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
    case 'partial_kept':
      return t('order.any.keptPartly', { refunded: showStars(outcome.refunded) });
    case 'too_late':
      return t('order.tooLate');
    case 'closed':
      return t('order.alreadyOver');
    default:
      return assertNever(outcome);
  }
}
