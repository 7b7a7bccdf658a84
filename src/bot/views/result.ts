import type { FailureKind } from '../../domain/failure.ts';
import { NO_STARS } from '../../domain/stars.ts';
import type { ClosingNotice, Result, ResultVideo } from '../../orders/chat-port.ts';
import type { OrderView } from '../../orders/orders.ts';
import type { Language } from '../../people/people.ts';
import type { Catalogue } from '../../services/catalogue.ts';
import { imageMorphing } from '../../services/image-morphing.ts';
import type { Service } from '../../services/service.ts';
import { showStars } from '../amounts.ts';
import { orderButton } from '../callback-data.ts';
import { escapeHtml, nameLanguage, serviceWords, type TextKey, type Translate } from '../i18n.ts';
import type { Screen } from '../messenger.ts';
import { paidLines } from './progress.ts';

/** What a morph is called in the ledger; its words tell more than those of other services. */
const MORPH = imageMorphing.id;

/** Under the video that plays in the chat. */
export function previewCaption(t: Translate, video: ResultVideo, botUsername: string): string {
  if (video.serviceType !== MORPH) return signed(t, doneText(t, video), botUsername);
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

/** Under a result that is no video; words are sent as they are. */
export function doneCaption(t: Translate, result: Result, botUsername: string): string {
  return signed(t, doneText(t, result), botUsername);
}

function doneText(t: Translate, { serviceType }: Result): string {
  return serviceWords(t, serviceType)('done');
}

/** A part of a text; what is written for another service is copied by a tap. */
export function textMessage(service: Service | undefined, text: string): string {
  const plain = escapeHtml(text);
  return service?.writesFor ? `<code>${plain}</code>` : plain;
}

/** `neuro-photo-2026-11-22-1.jpg` */
export function resultFileName(
  { serviceType, orderId }: Pick<Result, 'serviceType' | 'orderId'>,
  part: number,
  extension: string,
): string {
  return `${serviceType.replaceAll('_', '-')}-${orderId.slice(0, 6)}-${part}.${extension}`;
}

/** `morph-12-photos-2026-11-22.mp4`, `morph-12-photos-2026-11-22-part-1-of-3.mp4` */
export function documentName(
  video: ResultVideo,
  order: Pick<OrderView, 'mode' | 'createdAt'> | undefined,
  part: number,
): string {
  if (video.serviceType !== MORPH) return resultFileName(video, part, 'mp4');
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
  language: Language,
  catalogue: Catalogue,
  video: Result,
  order: Pick<OrderView, 'price'> | undefined,
): Screen {
  const isMorph = video.serviceType === MORPH;
  const lines = [isMorph ? t('order.enjoy') : closingText(t, video)];
  if (video.replaced.length > 0) {
    const key = video.replaced.length === 1 ? 'order.replacedOne' : 'order.replacedMany';
    lines.push(t(key, { list: video.replaced.join(', ') }));
  }
  const isWritten = catalogue.find(video.serviceType)?.writesFor !== undefined;
  if (video.kind === 'text' && video.language !== null && !isWritten) {
    lines.push(t('order.language', { language: nameLanguage(video.language, language) }));
  }
  if (video.missing > 0 && !isMorph && !video.partial) {
    const steps = serviceWords(t, video.serviceType)('step', { count: video.missing });
    lines.push(t('order.missing', { steps }));
  }
  // What came back of a shorter video was told when it was cancelled.
  if (video.refunded > NO_STARS && !video.partial) {
    lines.push(t('order.cameBack', { refunded: showStars(video.refunded) }));
  }
  lines.push(...paidLines(t, order?.price ?? null, video.refunded));
  // Below whatever else there is to tell.
  if (!isMorph && isCaptioned(video)) lines.push(t('order.any.next'));
  const keyboard = isMorph ? makeAnother(t) : againKeyboard(t, catalogue, video);
  return { text: lines.join('\n\n'), keyboard };
}

/** A result without a caption of its own is told here. */
function closingText(t: Translate, result: Result): string {
  if (isCaptioned(result)) return t('order.any.enjoy');
  const done = doneText(t, result);
  return result.kind === 'avatar' ? `<b>${escapeHtml(result.avatar.name)}</b> · ${done}` : done;
}

/** Whether the words of its service stand below the result itself. */
function isCaptioned(result: Result): boolean {
  switch (result.kind) {
    case 'avatar':
      return false;
    case 'text':
      return result.path !== null;
    case 'video':
    case 'images':
    case 'speech':
      return true;
  }
}

function againKeyboard(t: Translate, catalogue: Catalogue, { orderId, serviceType, kind }: Result) {
  const service = catalogue.find(serviceType);
  const words = serviceWords(t, serviceType);
  const offered = catalogue.offers().map((offer) => offer.service);
  const isOffered = offered.some(({ id }) => id === serviceType);
  const forAvatars = kind === 'avatar' ? offered.filter(takesAvatar) : [];
  return [
    ...forAvatars.map(({ id }) => [
      { text: serviceWords(t, id)('button'), callback_data: `menu:${id}` },
    ]),
    ...offered
      .filter(({ id }) => service?.writesFor?.includes(id))
      .map(({ id }) => [
        orderButton(t('order.use', { service: serviceWords(t, id)('name') }), {
          action: 'use',
          orderId,
          serviceType: id,
        }),
      ]),
    ...(isOffered && kind !== 'avatar'
      ? [[orderButton(words('again.repeat'), { action: 'repeat', orderId, field: null })]]
      : []),
    ...(isOffered
      ? (service?.again ?? []).map((field) => [
          orderButton(words(`again.${field}`), { action: 'repeat', orderId, field }),
        ])
      : []),
  ];
}

function takesAvatar({ questions }: Service): boolean {
  return questions.some(({ kind }) => kind === 'avatar');
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
  // A video is never wordless.
  nothing_said: 'order.failure.service',
  stitching: 'order.failure.stitching',
  delivery: 'order.failure.delivery',
};

/** The same for everything but a morph. */
const OTHER_FAILURES: typeof FAILURES = {
  timeout: 'order.failureAny.service',
  network: 'order.failureAny.service',
  rate_limit: 'order.failureAny.service',
  provider_error: 'order.failureAny.service',
  out_of_credit: 'order.failureAny.service',
  unauthorized: 'order.failureAny.service',
  output_lost: 'order.failureAny.service',
  moderation: 'order.failureAny.moderation',
  bad_input: 'order.failureAny.badInput',
  nothing_said: 'order.failureAny.nothingSaid',
  stitching: 'order.failureAny.making',
  delivery: 'order.failureAny.delivery',
};

/** Why there is nothing, and that the stars came back. */
export function noticeScreen(t: Translate, notice: ClosingNotice): Screen {
  const isMorph = notice.serviceType === MORPH;
  const words = (isMorph ? FAILURES : OTHER_FAILURES)[notice.failure];
  const lines = [t(words)];
  if (notice.refunded > NO_STARS) {
    lines.push(t('order.cameBack', { refunded: showStars(notice.refunded) }));
  }
  return { text: lines.join('\n\n'), keyboard: isMorph ? makeAnother(t) : menuOf(t, notice) };
}

function menuOf(t: Translate, { serviceType }: ClosingNotice) {
  const text = serviceWords(t, serviceType)('button');
  return [[{ text, callback_data: `menu:${serviceType}` }]];
}

function makeAnother(t: Translate) {
  return [[{ text: t('order.makeAnother'), callback_data: 'menu:morph' }]];
}
