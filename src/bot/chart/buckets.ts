import { type Stars, stars, sumStars } from '../../domain/stars.ts';
import type { DayOfSales } from '../../ledger/statistics.ts';

/** How wide the bars of a chart are: as narrow as leaves them readable. */
export type BucketUnit = 'day' | 'week' | 'month';

/** Sales of a day, of seven days, or of a month. */
export interface Bucket {
  /** Its first day, `2026-11-22`. */
  readonly from: string;
  /** On one day, of several the average: as many as the people beside them. */
  readonly orders: number;
  readonly cost: Stars;
  readonly margin: Stars;
  readonly refunds: Stars;
  readonly activePeople: number;
  /** The medians of its days, each counted as often as there were renders; null when there was none. */
  readonly renderSeconds: number | null;
}

/** Bars that a chart has room for. */
const MOST_BARS = 31;

/** Gathers days (oldest first) into as many bars as fit; weeks end with the last day. */
export function gatherDays(days: readonly DayOfSales[]): {
  readonly unit: BucketUnit;
  readonly buckets: readonly Bucket[];
} {
  if (days.length <= MOST_BARS) {
    return { unit: 'day', buckets: days.map((day) => gather([day])) };
  }
  if (days.length <= MOST_BARS * 7) {
    const odd = days.length % 7;
    const weeks = odd === 0 ? [] : [days.slice(0, odd)];
    for (let start = odd; start < days.length; start += 7) weeks.push(days.slice(start, start + 7));
    return { unit: 'week', buckets: weeks.map(gather) };
  }
  const months = Map.groupBy(days, ({ day }) => day.slice(0, 7));
  return { unit: 'month', buckets: [...months.values()].slice(-MOST_BARS).map(gather) };
}

function gather(days: readonly DayOfSales[]): Bucket {
  const average = (read: (day: DayOfSales) => number) =>
    days.reduce((sum, day) => sum + read(day), 0) / Math.max(1, days.length);
  const cost = sumStars(days.map((day) => day.cost));
  const revenue = sumStars(days.map((day) => day.revenue));
  return {
    from: days[0]?.day ?? '',
    orders: average(({ orders }) => orders),
    cost,
    margin: stars(revenue - cost),
    refunds: sumStars(days.map((day) => day.refunds)),
    activePeople: average(({ activePeople }) => activePeople),
    renderSeconds: renderSecondsOf(days),
  };
}

function renderSecondsOf(days: readonly DayOfSales[]): number | null {
  let renders = 0;
  let seconds = 0;
  for (const day of days) {
    if (day.medianRenderSeconds === null) continue;
    renders += day.renders;
    seconds += day.renders * day.medianRenderSeconds;
  }
  return renders === 0 ? null : seconds / renders;
}
