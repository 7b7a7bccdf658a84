/** The life of an order; design: draft → quoted → queued → rendering → finishing → delivering → delivered. */
export const ORDER_STATES = [
  'draft',
  'quoted',
  'queued',
  'rendering',
  'finishing',
  'delivering',
  'delivered',
  'cancelled',
  'failed',
] as const;
export type OrderState = (typeof ORDER_STATES)[number];

/** The life of a step. `replaced`: rendered by the local engine instead, refunded, still in the video. */
export const STEP_STATES = [
  'waiting',
  'rendering',
  'done',
  'replaced',
  'failed',
  'cancelled',
] as const;
export type StepState = (typeof STEP_STATES)[number];

/** The life of a prediction. `creating`: the row exists, the create call may or may not have arrived. */
export const PREDICTION_STATES = [
  'creating',
  'running',
  'succeeded',
  'failed',
  'cancelled',
] as const;
export type PredictionState = (typeof PREDICTION_STATES)[number];

/** Paid and not over: the bot shows progress for these, and a restart goes on with them. */
export const ACTIVE_STATES = [
  'queued',
  'rendering',
  'finishing',
  'delivering',
] as const satisfies readonly OrderState[];

/** Whether photos may still be added and the quote is still to be confirmed. */
export function isOpen(state: OrderState): state is 'draft' | 'quoted' {
  return state === 'draft' || state === 'quoted';
}

/** Whether the order was paid for and is not over. */
export function isActive(state: OrderState): state is (typeof ACTIVE_STATES)[number] {
  return (ACTIVE_STATES as readonly OrderState[]).includes(state);
}

/** Whether a step of this state has a clip that belongs into the video. */
export function hasClip(state: StepState): boolean {
  return state === 'done' || state === 'replaced';
}
