import type { FailureKind } from '../../domain/failure.ts';
import { NO_STARS } from '../../domain/stars.ts';
import type { ClosingNotice, ResultVideo } from '../../orders/chat-port.ts';
import type { OrderView } from '../../orders/orders.ts';
import { showStars } from '../amounts.ts';
import type { TextKey, Translate } from '../i18n.ts';
import type { Screen } from '../messenger.ts';
import { paidLines } from './progress.ts';

/** Under the video that plays in the chat. */
export function previewCaption(t: Translate, video: ResultVideo, botUsername: string): string {
  const values = {
    transitions: t('morph.transitions', { count: video.transitions }),
    seconds: Math.round(video.durationSeconds),
  };
  const made = t(video.partial ? 'order.previewPartial' : 'order.preview', values);
  return signed(t, made, botUsername);
}

/** Under the untouched original, or one of its parts. */
export function documentCaption(
  t: Translate,
  parts: { readonly part: number; readonly of: number },
  botUsername: string,
): string {
  const { part, of } = parts;
  return signed(
    t,
    of === 1 ? t('order.document') : t('order.documentPart', { part, of }),
    botUsername,
  );
}

/** Under a video of the history that is sent again. */
export function againCaption(t: Translate, day: string, botUsername: string): string {
  return signed(t, t('order.again', { day }), botUsername);
}

function signed(t: Translate, text: string, botUsername: string): string {
  return `${text}\n\n${t('order.signature', { bot: botUsername })}`;
}

/** `morph-12-photos-2026-11-22.mp4`, `morph-12-photos-2026-11-22-part-1-of-3.mp4` */
export function documentName(
  video: ResultVideo,
  order: Pick<OrderView, 'mode' | 'createdAt'> | undefined,
  part: number,
): string {
  const closesLoop = order?.mode === 'loop' && !video.partial;
  const photos = closesLoop ? video.transitions : video.transitions + 1;
  const day = (order?.createdAt ?? new Date()).toISOString().slice(0, 10);
  const parts = video.documents.length;
  const suffix = parts === 1 ? '' : `-part-${part}-of-${parts}`;
  return `morph-${photos}-photos-${day}${suffix}.mp4`;
}

/** The last words of a delivered order. */
export function closingScreen(
  t: Translate,
  video: ResultVideo,
  order: Pick<OrderView, 'price'> | undefined,
): Screen {
  const lines = [t('order.enjoy')];
  if (video.replaced.length > 0) {
    const key = video.replaced.length === 1 ? 'order.replacedOne' : 'order.replacedMany';
    lines.push(t(key, { list: video.replaced.join(', ') }));
  }
  // What came back of a shorter video was told when it was cancelled.
  if (video.refunded > NO_STARS && !video.partial) {
    lines.push(t('order.cameBack', { refunded: showStars(video.refunded) }));
  }
  lines.push(...paidLines(t, order?.price ?? null, video.refunded));
  return { text: lines.join('\n\n'), keyboard: makeAnother(t) };
}

/** Words for each way an order can fail as a whole; the provider's own are never shown. */
const FAILURES: Readonly<Record<FailureKind | 'stitching' | 'delivery', TextKey>> = {
  timeout: 'order.failure.service',
  network: 'order.failure.service',
  rate_limit: 'order.failure.service',
  provider_error: 'order.failure.service',
  out_of_credit: 'order.failure.service',
  unauthorized: 'order.failure.service',
  output_lost: 'order.failure.service',
  moderation: 'order.failure.moderation',
  bad_input: 'order.failure.badInput',
  stitching: 'order.failure.stitching',
  delivery: 'order.failure.delivery',
};

/** Why there is no video, and that the stars came back. */
export function noticeScreen(t: Translate, notice: ClosingNotice): Screen {
  const lines = [t(FAILURES[notice.failure])];
  if (notice.refunded > NO_STARS) {
    lines.push(t('order.cameBack', { refunded: showStars(notice.refunded) }));
  }
  return { text: lines.join('\n\n'), keyboard: makeAnother(t) };
}

function makeAnother(t: Translate) {
  return [[{ text: t('order.makeAnother'), callback_data: 'menu:morph' }]];
}
