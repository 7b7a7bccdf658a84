import { ACTIVE_STATES, type OrderState } from '../../domain/order-state.ts';
import type { Period } from '../../domain/period.ts';
import { type Stars, stars } from '../../domain/stars.ts';
import { starsOfXtr } from '../../domain/xtr.ts';
import type { DayOfSales, Statistics } from '../../ledger/statistics.ts';
import type { Language } from '../../people/people.ts';
import { showDay, showMovement, showStars } from '../amounts.ts';
import { type Bucket, type BucketUnit, gatherDays } from '../chart/buckets.ts';
import type { ListPanel, Panel, StatsPicture, TimePanel, Tone } from '../chart/picture.ts';
import type { TextKey, Translate } from '../i18n.ts';

/** The numbers of a period in short lines, below Telegram's 1,024 characters of a caption. */
export function statsCaption(
  t: Translate,
  language: Language,
  period: Period,
  sales: Statistics,
): string {
  return t('office.stats.caption', {
    period: t(`office.stats.periods.${period}`),
    orders: sales.orders,
    revenue: showStars(sales.revenue),
    cost: showStars(sales.cost),
    margin: showStars(sales.margin),
    percent: sales.revenue > 0 ? `${Math.round((100 * sales.margin) / sales.revenue)} %` : '—',
    refunds: showStars(sales.refunds),
    payments: sales.payments,
    xtr: showMovement(starsOfXtr(sales.paymentsXtr)),
    reversed: showStars(sales.reversed),
    people: sales.activePeople,
    newPeople: sales.newPeople,
    render: showSeconds(t, language, sales.medianRenderSeconds),
  });
}

/** The same as a picture, with its course over time when there is more than one day. */
export function statsPicture(
  t: Translate,
  language: Language,
  period: Period,
  sales: Statistics,
): StatsPicture {
  const amount = (value: Stars) => shortStars(value, language);
  return {
    title: t(`office.stats.periods.${period}`),
    subtitle: t('office.stats.utc', { days: showSpan(sales.days, language) }),
    tiles: [
      { label: t('office.stats.orders'), value: count(sales.orders, language), tone: 'orders' },
      { label: t('office.stats.revenue'), value: amount(sales.revenue) },
      { label: t('office.stats.margin'), value: amount(sales.margin), tone: 'margin' },
      {
        label: t('office.stats.people'),
        value: count(sales.activePeople, language),
        tone: 'people',
      },
      { label: t('office.stats.refunds'), value: amount(sales.refunds), tone: 'refunds' },
      {
        label: t('office.stats.render'),
        value: showSeconds(t, language, sales.medianRenderSeconds),
      },
    ],
    panels:
      sales.days.length > 1 ? panelsOverTime(t, language, sales) : panelsOfDay(t, language, sales),
    locale: language,
  };
}

const TITLES: Readonly<
  Record<
    BucketUnit,
    { readonly money: TextKey; readonly activity: TextKey; readonly render: TextKey }
  >
> = {
  day: {
    money: 'office.stats.money',
    activity: 'office.stats.activity',
    render: 'office.stats.renderDays',
  },
  week: {
    money: 'office.stats.moneyWeeks',
    activity: 'office.stats.activityAverage',
    render: 'office.stats.renderWeeks',
  },
  month: {
    money: 'office.stats.moneyMonths',
    activity: 'office.stats.activityAverage',
    render: 'office.stats.renderMonths',
  },
};

function panelsOverTime(t: Translate, language: Language, sales: Statistics): Panel[] {
  const { unit, buckets } = gatherDays(sales.days);
  const labels = buckets.map(({ from }) => labelOf(from, unit, language));
  const of = (name: TextKey, tone: Tone, read: (bucket: Bucket) => number | null) => ({
    name: t(name),
    tone,
    values: buckets.map(read),
  });
  const money: TimePanel = {
    kind: 'time',
    title: t(TITLES[unit].money),
    labels,
    whole: false,
    nothing: t('office.stats.nothingSold'),
    series: [
      { ...of('office.stats.cost', 'cost', ({ cost }) => cost / 100), shape: 'stacked' },
      { ...of('office.stats.margin', 'margin', ({ margin }) => margin / 100), shape: 'stacked' },
      // Below the line: it has left the others already.
      {
        ...of('office.stats.refunds', 'refunds', ({ refunds }) => -refunds / 100),
        shape: 'stacked',
      },
    ],
  };
  const activity: TimePanel = {
    kind: 'time',
    title: t(TITLES[unit].activity),
    labels,
    whole: unit === 'day',
    nothing: t('office.stats.nobodyCame'),
    series: [
      { ...of('office.stats.orders', 'orders', ({ orders }) => orders), shape: 'bar' },
      {
        ...of('office.stats.people', 'people', ({ activePeople }) => activePeople),
        shape: 'line',
      },
    ],
  };
  const render: TimePanel = {
    kind: 'time',
    title: t(TITLES[unit].render),
    labels,
    whole: false,
    nothing: t('office.stats.nothingRendered'),
    series: [
      {
        ...of('office.stats.render', 'render', ({ renderSeconds }) => renderSeconds),
        shape: 'line',
      },
    ],
  };
  return [money, activity, render];
}

function panelsOfDay(t: Translate, language: Language, sales: Statistics): Panel[] {
  const bar = (key: TextKey, value: Stars, tone: Tone) => ({
    label: t(key),
    value: value / 100,
    text: shortStars(value, language),
    tone,
  });
  const money: ListPanel = {
    kind: 'list',
    title: t('office.stats.moneyToday'),
    bars: [
      bar('office.stats.revenuePlain', sales.revenue, 'orders'),
      bar('office.stats.cost', sales.cost, 'cost'),
      bar('office.stats.margin', sales.margin, 'margin'),
      bar('office.stats.refunds', sales.refunds, 'refunds'),
    ],
    nothing: t('office.stats.nothingSold'),
  };
  const orders: ListPanel = {
    kind: 'list',
    title: t('office.stats.outcomes'),
    bars: OUTCOMES.map(({ key, states, tone }) => {
      const value = states.reduce((sum, state) => sum + (sales.ordersByState[state] ?? 0), 0);
      return { label: t(key), value, text: count(value, language), tone };
    }),
    nothing: t('office.stats.nobodyCame'),
  };
  return [money, orders];
}

/** What may have become of an order, as an operator wants to see it at a glance. */
const OUTCOMES: readonly {
  readonly key: TextKey;
  readonly states: readonly OrderState[];
  readonly tone: Tone;
}[] = [
  { key: 'office.stats.delivered', states: ['delivered'], tone: 'margin' },
  { key: 'office.stats.running', states: ACTIVE_STATES, tone: 'orders' },
  { key: 'office.stats.open', states: ['draft', 'quoted'], tone: 'cost' },
  { key: 'office.stats.cancelled', states: ['cancelled'], tone: 'people' },
  { key: 'office.stats.failed', states: ['failed'], tone: 'refunds' },
];

/** `22 Nov`; of a month `11.2026`. */
function labelOf(day: string, unit: BucketUnit, language: Language): string {
  if (unit !== 'month') return showDay(new Date(day), language);
  const [year = '', month = ''] = day.split('-');
  return `${month}.${year}`;
}

/** `16 – 22 Nov 2026`. */
function showSpan(days: readonly DayOfSales[], language: Language): string {
  const first = days[0];
  const last = days.at(-1);
  if (!first || !last) return '';
  const format = { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' } as const;
  const dates = new Intl.DateTimeFormat(language === 'en' ? 'en-GB' : language, format);
  return dates.formatRange(new Date(first.day), new Date(last.day));
}

function count(value: number, language: Language): string {
  return new Intl.NumberFormat(language).format(value);
}

/** To the hundredth below a thousand; of more, as much as a glance takes in. */
function shortStars(amount: Stars, language: Language): string {
  const whole = Math.abs(amount) / 100;
  const format =
    whole < 1_000
      ? { minimumFractionDigits: 2 }
      : whole < 1_000_000
        ? { maximumFractionDigits: 0 }
        : { notation: 'compact' as const, maximumFractionDigits: 2 };
  const text = new Intl.NumberFormat(language, format).format(stars(amount) / 100);
  return text.replace('-', '−');
}

function showSeconds(t: Translate, language: Language, seconds: number | null): string {
  if (seconds === null) return '—';
  if (seconds < 59.5) {
    const format = { maximumFractionDigits: seconds < 9.95 ? 1 : 0 };
    const shown = new Intl.NumberFormat(language, format).format(seconds);
    return t('office.stats.seconds', { seconds: shown });
  }
  const rounded = Math.round(seconds);
  const values = { minutes: Math.floor(rounded / 60), seconds: rounded % 60 };
  return t('office.stats.minutes', values);
}
