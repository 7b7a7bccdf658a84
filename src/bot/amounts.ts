import { formatStars, type Stars } from '../domain/stars.ts';
import type { Language } from '../people/people.ts';
import type { Translate } from './i18n.ts';

/** `489.83 ⭐`. */
export function showStars(amount: Stars): string {
  return `${formatStars(amount).replace('-', '−')} ⭐`;
}

/** `+44.53 ⭐`, `−489.83 ⭐`. */
export function showMovement(amount: Stars): string {
  return `${amount > 0 ? '+' : ''}${showStars(amount)}`;
}

/** `22 Nov`, `22 нояб.`; in UTC, since Telegram does not tell where a person is. */
export function showDay(date: Date, language: Language): string {
  const format = { day: 'numeric', month: 'short', timeZone: 'UTC' } as const;
  return new Intl.DateTimeFormat(language === 'en' ? 'en-GB' : language, format).format(date);
}

/** `22 Nov 2026`, for what may be years away; in UTC. */
export function showDate(date: Date, language: Language): string {
  const format = { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' } as const;
  return new Intl.DateTimeFormat(language === 'en' ? 'en-GB' : language, format).format(date);
}

/** `22 Nov, 14:05`, for whoever has to find it again; in UTC. */
export function showMoment(date: Date, language: Language): string {
  const time = date.toISOString().slice(11, 16);
  return `${showDay(date, language)}, ${time}`;
}

/** How long something takes, rounded up so coarsely that it does not flicker: `about 4 min`. */
export function showWait(t: Translate, seconds: number): string {
  if (seconds < 50) return t('common.waitUnderMinute');
  const minutes = roundUp(seconds / 60);
  if (minutes < 60) return t('common.waitMinutes', { minutes });
  const hours = Math.floor(minutes / 60);
  const rest = minutes % 60;
  return rest === 0
    ? t('common.waitHours', { hours })
    : t('common.waitHoursMinutes', { hours, minutes: rest });
}

/** Whole minutes below ten, fives below an hour, tens above. */
function roundUp(minutes: number): number {
  const unit = minutes <= 10 ? 1 : minutes <= 60 ? 5 : 10;
  return Math.ceil(minutes / unit) * unit;
}
