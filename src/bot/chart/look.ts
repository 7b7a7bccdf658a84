import type { Tone } from './picture.ts';

export const FONT = 'DejaVu Sans';
export const PAPER = '#f4f6f9';
export const CARD = '#ffffff';
export const INK = '#1c2733';
export const MUTED = '#6b7785';
export const RULE = '#e6eaef';

/** Told apart also by those who do not see red and green: they differ in lightness. */
export const TONES: Readonly<Record<Tone, string>> = {
  margin: '#1f9d63',
  cost: '#b6c2cf',
  refunds: '#f0695f',
  orders: '#3390ec',
  people: '#7a4fd8',
  render: '#c77700',
};
