export const PERIODS = ['today', 'week', 'month', 'all'] as const;
/** Days of UTC, today included: 1, 7, 30, or every day there was. */
export type Period = (typeof PERIODS)[number];

const DAYS: Readonly<Record<Exclude<Period, 'all'>, number>> = { today: 1, week: 7, month: 30 };
const DAY_MS = 86_400_000;

/** The midnight that a period begins at; null for one without a beginning. */
export function periodStart(period: Period, now: Date): Date | null {
  if (period === 'all') return null;
  const midnight = Math.floor(now.getTime() / DAY_MS) * DAY_MS;
  return new Date(midnight - (DAYS[period] - 1) * DAY_MS);
}
