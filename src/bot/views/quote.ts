import type { OrderMode } from '../../domain/order-mode.ts';
import type { PhotoWarning } from '../../domain/photo-look.ts';
import { NO_STARS, type Stars, stars } from '../../domain/stars.ts';
import type {
  ChooseOutcome,
  Intake,
  PreviewOutcome,
  QuoteOption,
  QuoteOutcome,
} from '../../orders/orders.ts';
import { showStars, showWait } from '../amounts.ts';
import { orderButton } from '../callback-data.ts';
import type { Translate } from '../i18n.ts';
import type { Screen } from '../messenger.ts';
import { payMissingRow } from './payments.ts';
import { fileName } from './photos.ts';

/** Skipped files that the quote names; the counter has told of the others. */
const NAMED_SKIPS = 3;
/** Photos that a warning names. */
const NAMED_PHOTOS = 8;

type Quoted = Extract<QuoteOutcome, { kind: 'quoted' }>;

/** `Seamless — 11 transitions · 55 s · 489.83 ⭐` */
export function optionLine(t: Translate, option: QuoteOption): string {
  return t('morph.option', {
    mode: modeName(t, option.mode),
    transitions: t('morph.transitions', { count: option.transitions }),
    seconds: option.seconds,
    price: showStars(option.price),
  });
}

function modeName(t: Translate, mode: OrderMode): string {
  return mode === 'standard' ? '' : t(`morph.modes.${mode}`);
}

function modeMeaning(t: Translate, mode: OrderMode): string {
  return mode === 'standard' ? '' : `\n${t(`morph.modeMeans.${mode}`)}`;
}

/** Both modes, their prices, the balance and the time it takes: one screen. */
export function quoteScreen(
  t: Translate,
  orderId: string,
  quote: Quoted,
  skipped: Intake['skipped'],
): Screen {
  const options = quote.options.map(
    (option) => `<b>${optionLine(t, option)}</b>${modeMeaning(t, option.mode)}`,
  );
  const slowest = Math.max(0, ...quote.options.map((option) => option.waitSeconds));
  return {
    text: [
      t('morph.quoteTitle', { photos: photosLine(t, quote.photos, skipped) }),
      ...options,
      ...warningLines(t, quote.warnings),
      `${balanceLine(t, quote.balance)}\n${t('morph.readyIn', { wait: showWait(t, slowest) })}`,
    ].join('\n\n'),
    keyboard: [
      quote.options.map(({ mode }) =>
        orderButton(modeName(t, mode), { action: 'mode', orderId, mode }),
      ),
      ...(quote.previewTransitions > 0
        ? [[orderButton(t('morph.preview'), { action: 'preview', orderId })]]
        : []),
      [
        orderButton(t('morph.addPhotos'), { action: 'add', orderId }),
        orderButton(t('common.cancel'), { action: 'cancel', orderId }),
      ],
    ],
  };
}

/** `3 photos (2 files were skipped: notes.txt, scan.pdf)` */
function photosLine(t: Translate, photos: number, skipped: Intake['skipped']): string {
  const counted = `<b>${t('morph.photos', { count: photos })}</b>`;
  if (skipped.length === 0) return counted;
  const named = skipped.slice(0, NAMED_SKIPS).map(({ name }) => fileName(t, name));
  if (skipped.length > named.length) named.push('…');
  return `${counted} ${t('morph.leftOut', { count: skipped.length, names: named.join(', ') })}`;
}

/** What may disappoint, in a paragraph or two; nothing when all is well. */
export function warningLines(
  t: Translate,
  warnings: readonly PhotoWarning[],
  words: 'morph.warn' | 'common.warn' = 'morph.warn',
): string[] {
  const paragraphs: string[] = [];
  const listed: string[] = [];
  for (const warning of warnings) {
    if (warning.kind === 'no_face_at_all') {
      paragraphs.push(t(`${words}.no_face_at_all`));
      continue;
    }
    const list =
      warning.kind === 'same' ? warning.groups.map(numbers).join('; ') : numbers(warning.photos);
    listed.push(`• ${t(`${words}.${warning.kind}`, { list })}`);
  }
  if (listed.length > 0) paragraphs.push([t(`${words}.title`), ...listed].join('\n'));
  return paragraphs;
}

/** `2, 5, 6` or, of many, `1, 2, 3, 4, 5, 6…`; people count from 1. */
function numbers(positions: readonly number[]): string {
  const named = positions.slice(0, NAMED_PHOTOS).map((position) => position + 1);
  return `${named.join(', ')}${positions.length > named.length ? '…' : ''}`;
}

/** What is said when a free preview was asked for. */
export function previewText(
  t: Translate,
  outcome: Exclude<PreviewOutcome, { kind: 'made' | 'closed' }>,
): string {
  switch (outcome.kind) {
    case 'started': {
      const { transitions, waitSeconds } = outcome;
      const seconds = Math.max(5, 5 * Math.ceil(waitSeconds / 5));
      return t('morph.previewStarted', {
        transitions: t('morph.transitions', { count: transitions }),
        seconds,
      });
    }
    case 'running':
      return t('morph.previewRunning');
    case 'limit':
      return t('morph.previewLimit', { count: outcome.perDay });
  }
}

/** Under a free preview. */
export function freePreviewCaption(t: Translate, transitions: number): string {
  return t('morph.previewCaption', { transitions: t('morph.transitions', { count: transitions }) });
}

/** The way back to the offer, which the preview has pushed up. */
export function freePreviewKeyboard(t: Translate, orderId: string) {
  return [[orderButton(t('morph.previewBack'), { action: 'offer', orderId })]];
}

/** Why there is no quote yet. */
export function noQuoteText(
  t: Translate,
  outcome: Exclude<QuoteOutcome, { kind: 'quoted' | 'closed' | 'incomplete' }>,
): string {
  switch (outcome.kind) {
    case 'too_few': {
      const { photos, min } = outcome;
      if (min > 2) return t('morph.tooFew', { min, count: min - photos });
      return photos === 0 ? t('morph.noPhotos') : t('morph.onePhoto');
    }
    case 'not_offered':
      return t('common.notOffered');
    case 'too_many': {
      const { max, photos } = outcome;
      return t('morph.tooMany', { max, count: photos - max });
    }
    case 'pending':
      return t('morph.stillArriving', { count: outcome.pending });
    case 'disk_full':
      return t('morph.diskFull');
  }
}

/** The last look before stars are charged. */
export function confirmScreen(
  t: Translate,
  orderId: string,
  chosen: Extract<ChooseOutcome, { kind: 'chosen' }>,
): Screen {
  const { option } = chosen;
  const { mode, price, quote } = option;
  return {
    text: [`<b>${optionLine(t, option)}</b>`, ...agreementLines(t, chosen)].join('\n\n'),
    keyboard: [
      [orderButton(t('morph.confirm'), { action: 'confirm', orderId, mode, price, quote })],
      [
        orderButton(t('morph.back'), { action: 'back', orderId }),
        orderButton(t('common.cancel'), { action: 'cancel', orderId }),
      ],
    ],
  };
}

/** What is left after an order, when it is ready, and what is promised: said of each before it is confirmed. */
export function agreementLines(
  t: Translate,
  { option, balance }: Extract<ChooseOutcome, { kind: 'chosen' }>,
): string[] {
  const left = showStars(stars(balance - option.price));
  return [
    [
      balanceLine(t, balance),
      t('morph.balanceAfter', { balance: left }),
      t('morph.readyIn', { wait: showWait(t, option.waitSeconds) }),
    ].join('\n'),
    t('morph.confirmPromise'),
  ];
}

/** The person cannot pay yet. */
export function shortScreen(
  t: Translate,
  orderId: string,
  money: {
    readonly mode: OrderMode;
    readonly price: Stars;
    readonly balance: Stars;
    readonly missing: Stars;
  },
): Screen {
  return {
    text: t(money.balance === NO_STARS ? 'morph.shortEmpty' : 'morph.short', {
      price: showStars(money.price),
      balance: showStars(money.balance),
      missing: showStars(money.missing),
    }),
    keyboard: [
      ...payMissingRow(t, { orderId, ...money }),
      [orderButton(t('morph.topUp'), { action: 'topup', orderId })],
      [
        orderButton(t('common.continue'), { action: 'continue', orderId }),
        orderButton(t('morph.back'), { action: 'back', orderId }),
        orderButton(t('common.cancel'), { action: 'cancel', orderId }),
      ],
    ],
  };
}

function balanceLine(t: Translate, balance: Stars): string {
  return t('morph.balance', { balance: showStars(balance) });
}
