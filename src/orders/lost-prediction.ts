import { eq } from 'drizzle-orm';
import { predictions } from '../db/schema.ts';
import { assertNever } from '../domain/assert-never.ts';
import { retryPolicy } from '../domain/failure.ts';
import type { Provider } from '../providers/provider.ts';
import { type AttemptDeps, stepTopic } from './attempt-job.ts';
import { lookupOf, type PredictionRow } from './attempts.ts';
import { pauseAfter } from './pause-after.ts';

/** `untold`: nobody will ever tell; `over`: the attempt has ended meanwhile. */
export type Lost =
  | { readonly kind: 'found'; readonly externalId: string }
  | { readonly kind: 'absent' | 'untold' | 'over' };

/**
 * Looks in the provider's listing, which may lag behind, for the prediction of an attempt that has no id.
 * While the provider cannot be asked it waits, since to conclude anything without having looked could buy
 * twice, or leave running what nobody wants; but no longer than an attempt may take, for by then the
 * provider has ended whatever it accepted. What it finished by then, nobody told: that is `untold`.
 * @param isOver whether the attempt ended while it could not be looked for.
 */
export async function lookForLost(
  deps: AttemptDeps,
  provider: Provider,
  row: PredictionRow,
  attemptMs: number,
  signal: AbortSignal,
  isOver: () => Promise<boolean> = async () => false,
): Promise<Lost> {
  const topic = stepTopic(row.stepId);
  const deadline = Date.now() + attemptMs;
  for (let look = 0; look < deps.timing.findMs.length; ) {
    if (Date.now() > deadline) return { kind: 'untold' };
    await deps.watch.sleep(topic, deps.timing.findMs[look] ?? 0, signal);
    const found = await provider.find(await lookupOf(deps.db, row, attemptMs), signal);
    switch (found.kind) {
      case 'found':
        return found;
      case 'absent':
        look += 1;
        break;
      case 'failed':
        // A provider without a listing will never tell.
        if (retryPolicy(found.failure.kind) === 'never') return { kind: 'untold' };
        if (await isOver()) return { kind: 'over' };
        await deps.watch.sleep(topic, pauseAfter(found.failure, 0, deps.timing.retryMs), signal);
        break;
      default:
        assertNever(found);
    }
    const [now] = await deps.db.select().from(predictions).where(eq(predictions.id, row.id));
    if (now?.state === 'creating') continue;
    // A webhook told us meanwhile, or the attempt was ended.
    const externalId = now?.state === 'running' && now.externalId;
    return externalId ? { kind: 'found', externalId } : { kind: 'over' };
  }
  return { kind: 'absent' };
}
