import { randomUUID } from 'node:crypto';
import { and, asc, eq, inArray, isNotNull } from 'drizzle-orm';
import type { Db, Queryable } from '../db/database.ts';
import { predictions } from '../db/schema.ts';
import type { FailureKind } from '../domain/failure.ts';
import type { Attempt, Lookup, PredictionKind, PreparedRequest } from '../providers/provider.ts';
import type { Queue } from './queue.ts';

export type PredictionRow = typeof predictions.$inferSelect;

/** All attempts at a step, oldest first. */
export async function readAttempts(db: Queryable, stepId: number): Promise<PredictionRow[]> {
  return db
    .select()
    .from(predictions)
    .where(eq(predictions.stepId, stepId))
    .orderBy(asc(predictions.attempt));
}

interface NewAttempt {
  readonly stepId: number;
  /** Counted from 1. */
  readonly attempt: number;
  readonly provider: string;
  readonly kind: PredictionKind;
}

/** Writes an attempt down before its provider is asked: from here on it is never forgotten. */
export async function beginAttempt(
  db: Db,
  attempt: NewAttempt,
  { model, input, fingerprint }: PreparedRequest,
): Promise<PredictionRow> {
  const [row] = await db
    .insert(predictions)
    .values({ id: randomUUID(), ...attempt, model, input, fingerprint })
    .returning();
  if (!row) throw new Error('The attempt was not written down');
  return row;
}

/** Counts an attempt that failed before anything could be asked for. */
export async function recordUnsent(
  db: Db,
  attempt: NewAttempt,
  model: string,
  failure: FailureKind,
): Promise<void> {
  const nothing = { input: {}, fingerprint: '', endedAt: new Date() };
  await db
    .insert(predictions)
    .values({ id: randomUUID(), ...attempt, model, state: 'failed', failure, ...nothing });
}

/**
 * Remembers the provider's id of an attempt.
 * @returns the row, or undefined when the attempt has another id or is over: the prediction is nobody's.
 */
export async function adoptPrediction(
  db: Db,
  attemptId: string,
  externalId: string,
): Promise<PredictionRow | undefined> {
  const [row] = await db
    .update(predictions)
    .set({ externalId, state: 'running', startedAt: new Date() })
    .where(and(eq(predictions.id, attemptId), eq(predictions.state, 'creating')))
    .returning();
  if (row) return row;
  const [known] = await db.select().from(predictions).where(eq(predictions.id, attemptId));
  return known?.externalId === externalId ? known : undefined;
}

/** Ends an attempt that gave nothing, and has what a training may leave at its provider reaped: both or neither. */
export async function endAttempt(
  { db, queue }: { readonly db: Db; readonly queue: Pick<Queue, 'send'> },
  attemptId: string,
  end: { readonly state: 'failed' | 'cancelled'; readonly failure?: FailureKind },
): Promise<void> {
  await db.transaction(async (tx) => {
    const [row] = await tx
      .update(predictions)
      .set({ state: end.state, failure: end.failure ?? null, endedAt: new Date() })
      .where(
        and(eq(predictions.id, attemptId), inArray(predictions.state, ['creating', 'running'])),
      )
      .returning();
    if (row?.kind === 'training') await queue.send(tx, 'reap', [{ data: { attemptId } }]);
  });
}

/** The provider's ids that belong to attempts of this very request. */
async function claimedIds(db: Queryable, fingerprint: string): Promise<Set<string>> {
  const rows = await db
    .select({ externalId: predictions.externalId })
    .from(predictions)
    .where(and(eq(predictions.fingerprint, fingerprint), isNotNull(predictions.externalId)));
  return new Set(rows.flatMap(({ externalId }) => (externalId ? [externalId] : [])));
}

/** An attempt as its provider is told of it; `deadlineMs` is how long it may take there. */
export function attemptOf(row: PredictionRow, deadlineMs: number): Attempt {
  const { kind, model, input, fingerprint } = row;
  return { attemptId: row.id, request: { kind, model, input, fingerprint }, deadlineMs };
}

/** By what the prediction of an attempt is found whose id was never learnt. */
export async function lookupOf(db: Db, row: PredictionRow, deadlineMs: number): Promise<Lookup> {
  const claimed = await claimedIds(db, row.fingerprint);
  return { ...attemptOf(row, deadlineMs), createdAfter: row.createdAt, claimed };
}
