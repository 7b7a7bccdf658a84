import { and, eq } from 'drizzle-orm';
import pRetry from 'p-retry';
import type { Db } from '../db/database.ts';
import { steps } from '../db/schema.ts';
import type { Failure } from '../domain/failure.ts';
import type { PredictionRequest, Provider } from '../providers/provider.ts';
import { endAttempt, type PredictionRow } from './attempts.ts';
import type { ChatPort } from './chat-port.ts';
import type { OutputDeps, OutputForm } from './outputs.ts';
import type { ProviderGate } from './provider-gate.ts';
import type { Providers } from './providers.ts';
import type { Queue } from './queue.ts';
import type { RenderTiming } from './render-timing.ts';
import type { Watch } from './watch.ts';

const STOP_RETRIES = 2;

export interface AttemptDeps extends OutputDeps {
  readonly db: Db;
  readonly queue: Queue;
  readonly providers: Providers;
  readonly watch: Watch;
  readonly chat: Pick<ChatPort, 'alarm'>;
  readonly timing: RenderTiming;
}

/** What is to be rendered, by whom, and where its output belongs. */
export interface AttemptJob {
  readonly stepId: number;
  readonly request: PredictionRequest;
  readonly provider: Provider;
  readonly gate: ProviderGate;
  readonly output: { readonly form: OutputForm; readonly key: string };
  /** An attempt may take this long, in milliseconds from its creation. */
  readonly attemptMs: number;
  /** Until when that is waited out which only time or the operator can mend, in milliseconds since the epoch. */
  readonly waitUntil: number;
}

/** Where an attempt left the step. */
export type AttemptEnd =
  /** The output is on disk and proven; the attempt is still to be written as succeeded. */
  | { readonly kind: 'output'; readonly attemptId: string; readonly info: unknown }
  /** Written down as failed. */
  | { readonly kind: 'failed' }
  /** The same, and nothing more is to be tried: what was waited out did not pass. */
  | { readonly kind: 'gave_up' }
  /** The step is no longer ours to render: cancelled, or done by somebody else. */
  | { readonly kind: 'over' };

/** The topic on which a step's handler is woken. */
export const stepTopic = (stepId: number) => `step:${stepId}`;

/** Whether the step is still to be rendered; a cancel shows here first. */
export async function isRendering(db: Db, stepId: number): Promise<boolean> {
  const [step] = await db
    .select({ id: steps.id })
    .from(steps)
    .where(and(eq(steps.id, stepId), eq(steps.state, 'rendering')));
  return step !== undefined;
}

/** Writes an attempt down as failed. */
export async function failAttempt(
  deps: AttemptDeps,
  row: PredictionRow,
  failure: Failure,
): Promise<AttemptEnd> {
  await endAttempt(deps, row.id, { state: 'failed', failure: failure.kind });
  return { kind: 'failed' };
}

/** Stops a prediction at its provider, in a few tries; false when none of them arrived. */
export async function stopPrediction(
  deps: AttemptDeps,
  provider: Provider,
  externalId: string,
  signal: AbortSignal,
): Promise<boolean> {
  const ask = async () => {
    const outcome = await provider.cancel(externalId, signal);
    if (outcome.kind === 'unreachable') throw new Error(`Not stopped: ${outcome.failure.kind}`);
  };
  try {
    await pRetry(ask, { retries: STOP_RETRIES, minTimeout: deps.timing.retryMs, signal });
    return true;
  } catch {
    signal.throwIfAborted();
    return false;
  }
}
