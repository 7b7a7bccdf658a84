import type { Language } from './wire.ts';
import type { Words } from './words.ts';

/** `14:05`; Telegram shows 24 hours where the system does. */
export function showTime(seconds: number, language: Language): string {
  return new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit', hour12: false })
    .format(seconds * 1000)
    .replace(/^24/, '00');
}

/** `Today`, `Yesterday`, `22 November` or `22 November 2025`. */
export function showDay(seconds: number, language: Language, words: Words): string {
  const day = new Date(seconds * 1000);
  const today = new Date();
  if (day.toDateString() === today.toDateString()) return words.today;
  const yesterday = new Date(today);
  yesterday.setDate(today.getDate() - 1);
  if (day.toDateString() === yesterday.toDateString()) return words.yesterday;
  return new Intl.DateTimeFormat(language === 'en' ? 'en-GB' : language, {
    day: 'numeric',
    month: 'long',
    ...(day.getFullYear() === today.getFullYear() ? {} : { year: 'numeric' }),
  }).format(day);
}

/** `1.4 MB`, in powers of 1024 as Telegram counts. */
export function showSize(bytes: number, language: Language): string {
  const units = language === 'ru' ? ['Б', 'КБ', 'МБ', 'ГБ'] : ['B', 'KB', 'MB', 'GB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  const shown = new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value);
  return `${shown} ${units[unit]}`;
}

/** `0:05`, `1:02:03`. */
export function showDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const parts = [Math.floor(whole / 60) % 60, whole % 60];
  const hours = Math.floor(whole / 3600);
  const shown = hours > 0 ? [hours, ...parts] : parts;
  return shown.map((part, index) => (index === 0 ? part : `${part}`.padStart(2, '0'))).join(':');
}

export function showNumber(value: number, language: Language): string {
  return new Intl.NumberFormat(language).format(value);
}
