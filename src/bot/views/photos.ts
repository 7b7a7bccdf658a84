import type { Intake, OrderView, ReceivedOutcome } from '../../orders/orders.ts';
import type { Question } from '../../services/service.ts';
import { orderButton } from '../callback-data.ts';
import { escapeHtml, serviceWords, type Translate } from '../i18n.ts';
import type { Screen } from '../messenger.ts';

/** What the bot promises and expects about photos. */
export interface PhotoTerms {
  readonly maxPhotos: number;
  readonly retentionHours: number;
}

/** Skipped files that are named one by one, the newest; those before are only counted. */
const NAMED_SKIPS = 5;

const MAX_NAME_LENGTH = 40;

/** Asks for photos, before there are any. */
export function askPhotosScreen(
  t: Translate,
  { id: orderId, serviceType }: Pick<OrderView, 'id' | 'serviceType'>,
  { field, max }: Extract<Question, { kind: 'photos' }>,
  terms: PhotoTerms,
): Screen {
  const asked =
    max === 'all'
      ? t('morph.askPhotos', { max: terms.maxPhotos })
      : serviceWords(t, serviceType)(`ask.${field}`);
  return {
    text: `${asked}\n\n${smallPrint(t, terms)}`,
    keyboard: [[orderButton(t('common.cancel'), { action: 'cancel', orderId })]],
  };
}

/** The one message that counts what came. */
export function collectorScreen(t: Translate, intake: Intake, terms: PhotoTerms): Screen {
  const { orderId } = intake;
  return {
    text: [countLine(t, intake), intake.full ? t('morph.full') : '', smallPrint(t, terms)]
      .filter(Boolean)
      .join('\n\n'),
    keyboard: [
      [
        orderButton(t('morph.done'), { action: 'done', orderId }),
        orderButton(t('morph.undo'), { action: 'undo', orderId }),
      ],
      [
        orderButton(t('morph.clear'), { action: 'clear', orderId }),
        orderButton(t('common.cancel'), { action: 'cancel', orderId }),
      ],
    ],
  };
}

/** What the counter says when nothing can be added any more. */
export function closedCollectorScreen(
  t: Translate,
  intake: Intake,
  order: { readonly paid: boolean },
): Screen {
  // How a paid order ended, and what becomes of its photos, its own message tells.
  return intake.state === 'cancelled' && !order.paid
    ? { text: t('morph.collectorCancelled') }
    : { text: `${t('morph.photos', { count: intake.photos })} ✓` };
}

/** `12 photos · 1 skipped: document.pdf is not a picture · 3 arriving…` */
export function countLine(t: Translate, intake: Intake): string {
  const { photos, pending, skipped } = intake;
  const parts = [`<b>${t('morph.photos', { count: photos })}</b>`];
  if (skipped.length > 0) {
    const named = skipped.slice(-NAMED_SKIPS).map(({ name, reason }) => {
      return t(`morph.skip.${reason}`, { file: fileName(t, name) });
    });
    const earlier = skipped.length - named.length;
    if (earlier > 0) named.unshift(t('morph.moreSkipped', { count: earlier }));
    const list = named.length === 1 ? ` ${named[0]}` : named.map((line) => `\n• ${line}`).join('');
    parts.push(`${t('morph.skipped', { count: skipped.length })}:${list}`);
  }
  const counted = parts.join(' · ');
  if (pending === 0) return counted;
  const separator = skipped.length > 1 ? '\n' : ' · ';
  return `${counted}${separator}${t('morph.arriving', { count: pending })}`;
}

/** What became of a single photo or recording that cannot be used. */
export function receivedText(
  t: Translate,
  outcome: Exclude<ReceivedOutcome, { kind: 'ready' | 'closed' }>,
): string {
  switch (outcome.kind) {
    case 'skipped':
      return t('morph.notUsable', {
        why: t(`morph.skip.${outcome.reason}`, {
          file: outcome.name === null ? t('morph.thisPhoto') : fileName(t, outcome.name),
        }),
      });
    case 'refused':
      return t(`common.recording.${outcome.reason}`, {
        minutes: Math.floor(outcome.maxSeconds / 60),
      });
    case 'pending':
      return t('morph.oneArriving');
    case 'disk_full':
      return t('morph.diskFull');
  }
}

/** A file as it is named in a text, whatever its sender called it. */
export function fileName(t: Translate, name: string | null): string {
  return name === null ? t('morph.unnamed') : escapeHtml(shorten(name));
}

function smallPrint(t: Translate, { retentionHours: hours }: PhotoTerms): string {
  return `<i>${t('morph.smallPrint', { hours: t('morph.hours', { count: hours }) })}</i>`;
}

/** Keeps the end, where the file's type is. */
function shorten(name: string): string {
  const characters = [...name.replaceAll(/\s+/g, ' ')];
  if (characters.length <= MAX_NAME_LENGTH) return characters.join('');
  const tail = characters.slice(-12).join('');
  return `${characters.slice(0, MAX_NAME_LENGTH - 13).join('')}…${tail}`;
}
