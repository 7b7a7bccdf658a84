const NATURAL = new Intl.Collator('ru', { numeric: true, sensitivity: 'base' });

/**
 * Natural order of file names: "2.jpg" before "10.jpg", whatever their case; names that compare
 * equal keep a fixed order by code units, so that sorting is always the same.
 */
export function compareNames(a: string, b: string): number {
  return NATURAL.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);
}
