import { eq } from 'drizzle-orm';
import type { Db } from '../db/database.ts';
import { avatars, orders, predictions, steps } from '../db/schema.ts';
import type { Provider } from '../providers/provider.ts';
import { lookupOf, type PredictionRow } from './attempts.ts';
import { trainedModelSchema } from './outputs.ts';
import type { Providers } from './providers.ts';
import type { Jobs, Queue } from './queue.ts';

/** Pauses double up to this: the tries last for about a week. */
const LONGEST_PAUSE_MS = 6 * 3_600_000;
const MAX_TRIES = 40;

/** A listing may lag behind; what it does not show after so many looks was never accepted. */
const MAX_ABSENT = 6;

export interface ReapDeps {
  readonly db: Db;
  readonly queue: Queue;
  readonly providers: Providers;
  readonly log: { warn(fields: object, message: string): void };
  readonly retryMs: number;
}

/** `over`: there is nothing left to be done, or that can be. */
type Reaped = 'over' | 'absent' | 'later';

/**
 * Sees to it that a training which became no avatar leaves no model of a person at its provider: it is
 * cancelled until it is over, and what came of it all the same is deleted. Tried ever more rarely, for a
 * week.
 */
export async function reapTraining(
  deps: ReapDeps,
  job: Jobs['reap'],
  signal: AbortSignal,
): Promise<void> {
  const { attemptId, tries = 0 } = job;
  const [row] = await deps.db.select().from(predictions).where(eq(predictions.id, attemptId));
  if (row?.kind !== 'training') return;
  const reaped = await reapOnce(deps, row, job.externalId, signal);
  if (reaped === 'over' || (reaped === 'absent' && tries + 1 >= MAX_ABSENT)) return;
  if (tries + 1 >= MAX_TRIES) {
    const externalId = job.externalId ?? row.externalId;
    deps.log.warn({ attemptId, externalId }, 'a training could not be deleted at its provider');
    return;
  }
  const pause = Math.min(deps.retryMs * 2 ** tries, LONGEST_PAUSE_MS);
  const startAfter = new Date(Date.now() + pause);
  await deps.db.transaction((tx) =>
    deps.queue.send(tx, 'reap', [{ data: { ...job, tries: tries + 1 }, startAfter }]),
  );
}

async function reapOnce(
  deps: ReapDeps,
  row: PredictionRow,
  given: string | undefined,
  signal: AbortSignal,
): Promise<Reaped> {
  const provider = deps.providers.find(row.provider);
  // Not configured at the moment.
  if (!provider) return 'later';
  let externalId = given ?? row.externalId;
  if (!externalId) {
    const found = await provider.find(await lookupOf(deps.db, row, 0), signal);
    if (found.kind === 'absent') return 'absent';
    // A provider without a listing will never tell.
    if (found.kind === 'failed') return found.failure.kind === 'bad_input' ? 'over' : 'later';
    externalId = found.externalId;
  }
  if (await isWanted(deps.db, externalId)) return 'over';
  const looked = await provider.check(externalId, signal);
  if (looked.kind !== 'seen') return 'later';
  switch (looked.status.kind) {
    case 'running':
      // Whether that came in time, the next look tells.
      await provider.cancel(externalId, signal);
      return 'later';
    case 'succeeded':
      return deleteModel(deps, provider, row, looked.status.output, signal);
    case 'cancelled':
    case 'failed':
      return 'over';
  }
}

/** Whether an attempt waits for it, or its order goes on with what it gave. */
async function isWanted(db: Db, externalId: string): Promise<boolean> {
  const [found] = await db
    .select({ attempt: predictions.state, step: steps.state, order: orders.state })
    .from(predictions)
    .innerJoin(steps, eq(steps.id, predictions.stepId))
    .innerJoin(orders, eq(orders.id, steps.orderId))
    .where(eq(predictions.externalId, externalId));
  if (!found) return false;
  if (found.attempt === 'running') return found.step === 'rendering';
  return (
    found.attempt === 'succeeded' &&
    found.step === 'done' &&
    found.order !== 'failed' &&
    found.order !== 'cancelled'
  );
}

async function deleteModel(
  { db, log }: ReapDeps,
  provider: Provider,
  { id: attemptId }: PredictionRow,
  output: unknown,
  signal: AbortSignal,
): Promise<Reaped> {
  const version = trainedModelSchema.safeParse(output).data?.version;
  if (version === undefined || !provider.deleteVersion) {
    log.warn({ attemptId }, 'a training gave a model that cannot be deleted');
    return 'over';
  }
  // An avatar is deleted by its owner.
  const [avatar] = await db.select().from(avatars).where(eq(avatars.model, version));
  if (avatar) return 'over';
  const outcome = await provider.deleteVersion(version, signal);
  return outcome.kind === 'deleted' ? 'over' : 'later';
}
