import type { InlineKeyboardButton } from 'grammy/types';
import { z } from 'zod';
import type { PhotoWarning } from '../../domain/photo-look.ts';
import type { Stars } from '../../domain/stars.ts';
import type { ChooseOutcome, NextOutcome, OrderView } from '../../orders/orders.ts';
import type { Catalogue } from '../../services/catalogue.ts';
import type { Option, Question, Service } from '../../services/service.ts';
import { showStars } from '../amounts.ts';
import { orderButton } from '../callback-data.ts';
import { escapeHtml, serviceWords, type Translate } from '../i18n.ts';
import type { Screen } from '../messenger.ts';
import { agreementLines, warningLines } from './quote.ts';

type Asked = Extract<NextOutcome, { kind: 'ask' }>;

/** As they stand in the menu. */
const GROUPS = ['video', 'photo', 'voice'] as const;

/** Options without a price are short: so many fit into a row. */
const OPTIONS_IN_ROW = 2;

/** What is asked, with what can be answered by a button. */
export function questionScreen(
  t: Translate,
  order: Pick<OrderView, 'id' | 'serviceType' | 'answers'>,
  { question, options }: Asked,
): Screen {
  const words = serviceWords(t, order.serviceType);
  const orderId = order.id;
  const text =
    question.kind === 'avatar' ? t('account.avatars.ask') : words(`ask.${question.field}`);
  return {
    text,
    keyboard: [
      ...optionRows(t, order, question, options),
      [...backButton(t, order), orderButton(t('common.cancel'), { action: 'cancel', orderId })],
    ],
  };
}

function optionRows(
  t: Translate,
  { id: orderId, serviceType }: Pick<OrderView, 'id' | 'serviceType'>,
  question: Question,
  options: readonly Option[],
): InlineKeyboardButton[][] {
  const words = serviceWords(t, serviceType);
  const { field } = question;
  const button = (label: string, value: string) =>
    orderButton(label, { action: 'pick', orderId, field, value });
  if (question.kind === 'text') {
    const presets = question.presets ?? [];
    return inRows(
      presets.map(({ value }) => button(words(`presets.${field}.${value}`), value)),
      OPTIONS_IN_ROW,
    );
  }
  const named = options.map(({ value, label = words(`options.${field}.${value}`), price }) =>
    button(price === undefined ? label : `${label} · ${showStars(price)}`, value),
  );
  const isShort = options.every(({ price, label }) => price === undefined && label !== undefined);
  return inRows(named, isShort && question.kind !== 'avatar' ? OPTIONS_IN_ROW + 1 : 1);
}

function inRows<T>(all: readonly T[], perRow: number): T[][] {
  const rows = Math.ceil(all.length / perRow);
  return Array.from({ length: rows }, (_, row) => all.slice(row * perRow, (row + 1) * perRow));
}

/** What was chosen, in one line of the service's own words. */
export function orderLine(
  t: Translate,
  { terms }: Catalogue,
  service: Service,
  { input }: Pick<OrderView, 'input'>,
): string {
  const words = serviceWords(t, service.id);
  const shown = service.questions.flatMap((question) => {
    const value = input[question.field];
    const named = avatarSchema.safeParse(value).data?.name;
    if (named !== undefined) return [[question.field, escapeHtml(named)] as const];
    if (typeof value !== 'string') return [];
    if (question.kind !== 'choice') return [[question.field, escapeHtml(value)] as const];
    const option = question.options(terms, input).find((one) => one.value === value);
    return [
      [question.field, option?.label ?? words(`options.${question.field}.${value}`)] as const,
    ];
  });
  const figures = service.figures?.(service.input.parse(input));
  return words('quoteLine', { ...Object.fromEntries(shown), ...figures });
}

const avatarSchema = z.object({ name: z.string() });

/** The one way it can be made, its price and what is left after it: the last look before stars are charged. */
export function offerScreen(
  t: Translate,
  order: Pick<OrderView, 'id' | 'serviceType' | 'answers'>,
  line: string,
  chosen: Extract<ChooseOutcome, { kind: 'chosen' }>,
  warnings: readonly PhotoWarning[],
): Screen {
  const { mode, price, quote } = chosen.option;
  const orderId = order.id;
  return {
    text: [
      `${headline(t, order.serviceType, line)} · <b>${showStars(price)}</b>`,
      ...warningLines(t, warnings, 'common.warn'),
      ...agreementLines(t, chosen),
    ].join('\n\n'),
    keyboard: [
      [orderButton(t('morph.confirm'), { action: 'confirm', orderId, mode, price, quote })],
      [...backButton(t, order), orderButton(t('common.cancel'), { action: 'cancel', orderId })],
    ],
  };
}

/** The way to the answer before, where there is one. */
function backButton(t: Translate, { id: orderId, answers }: Pick<OrderView, 'id' | 'answers'>) {
  if (Object.keys(answers).length === 0) return [];
  return [orderButton(t('morph.back'), { action: 'rethink', orderId })];
}

/** `<b>Neuro-photo</b> — 2 images · 3:4` */
export function headline(t: Translate, serviceType: string, line: string): string {
  return `<b>${serviceWords(t, serviceType)('name')}</b> — ${line}`;
}

/** How a service introduces itself. */
export function aboutText(t: Translate, serviceType: string): string {
  const words = serviceWords(t, serviceType);
  return `<b>${words('name')}</b>\n${words('about')}`;
}

/** `📸 Neuro-photo · from 7.50 ⭐`, one button for each thing that can be ordered now. */
export function serviceButtons(t: Translate, catalogue: Catalogue): InlineKeyboardButton[][] {
  const offers = catalogue.offers();
  const grouped = GROUPS.flatMap((group) =>
    offers.filter(({ service }) => service.group === group),
  );
  return grouped.map(({ service, from }) => [
    {
      text: `${serviceWords(t, service.id)('button')} · ${fromPrice(t, from)}`,
      callback_data: `menu:${service.id}`,
    },
  ]);
}

/** Whether there is nothing to order here but morphs. */
export function sellsOnlyMorphs(catalogue: Catalogue): boolean {
  return catalogue.offers().every(({ service }) => service.finish === 'stitched_video');
}

/** Everything that can be ordered, in groups, with what it costs at the least. */
export function priceScreen(t: Translate, catalogue: Catalogue): Screen {
  const offers = catalogue.offers();
  const groups = GROUPS.flatMap((group) => {
    const lines = offers.flatMap(({ service, from }) =>
      service.group === group
        ? [`${serviceWords(t, service.id)('button')} — ${fromPrice(t, from)}`]
        : [],
    );
    return lines.length === 0
      ? []
      : [[`<b>${t(`common.groups.${group}`)}</b>`, ...lines].join('\n')];
  });
  return { text: [t('common.prices'), ...groups, t('common.pricesPromise')].join('\n\n') };
}

function fromPrice(t: Translate, from: Stars): string {
  return t('common.from', { price: showStars(from) });
}

/** Something that cannot be made now. */
export function notOfferedScreen(t: Translate): Screen {
  return { text: t('common.notOffered') };
}
