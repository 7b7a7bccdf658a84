/** Somebody may sleep on a quote. */
const MIN_DRAFT_HOURS = 24;

/**
 * How long an order that is not confirmed is kept after it was last begun, or a file was last sent for it, in hours.
 * @param retentionHours how long what was delivered is kept.
 */
export function draftHours(retentionHours: number): number {
  return Math.max(retentionHours, MIN_DRAFT_HOURS);
}
