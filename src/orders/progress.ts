import { and, asc, desc, eq, gt, inArray, isNotNull, isNull, sql } from 'drizzle-orm';
import { z } from 'zod';
import { type Db, selectRows } from '../db/database.ts';
import { deliveries, orders, people, photos, steps } from '../db/schema.ts';
import { ACTIVE_STATES, hasClip } from '../domain/order-state.ts';
import { NO_STARS } from '../domain/stars.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Catalogue } from '../services/catalogue.ts';
import { inLane, laneOfModel } from './lanes.ts';
import type { HistoryItem, OrderProgress, OrderView } from './orders.ts';
import type { Providers } from './providers.ts';
import { measureLoad, remainingSeconds } from './render-times.ts';
import { inStates, type OrderRow, readOrder, readSteps, toView } from './rows.ts';

export interface ProgressDeps {
  readonly db: Db;
  readonly ledger: Ledger;
  readonly providers: Providers;
  readonly catalogue: Catalogue;
  readonly renderConcurrency: number;
}

const queueRow = z.object({ ahead: z.coerce.number(), before_last: z.coerce.number() });

/** Everything a progress message shows, read afresh. */
export async function readProgress(
  deps: ProgressDeps,
  orderId: string,
): Promise<OrderProgress | undefined> {
  const order = await readOrder(deps.db, orderId);
  if (!order?.confirmedAt) return undefined;
  const all = await readSteps(deps.db, orderId);
  const running = all.filter((step) => step.state === 'rendering');
  const waiting = all.filter((step) => step.state === 'waiting');
  const [first] = waiting;
  const last = waiting.at(-1);
  const modelId = order.quote?.model ?? '';
  const lane = inLane(deps.catalogue, laneOfModel(deps.catalogue, modelId));
  const [row] = await selectRows(
    deps.db,
    sql`select count(*) filter (where ${steps.rank} <= ${first?.rank ?? -1}::int)::int as ahead,
               count(*) filter (where ${steps.rank} <= ${last?.rank ?? -1}::int)::int as before_last
          from ${steps} join ${orders} on ${orders.id} = ${steps.orderId}
         where ${steps.state} = 'waiting' and ${steps.orderId} <> ${orderId} and ${lane}`,
  );
  const queue = queueRow.parse(row);
  const load = await measureLoad(deps, modelId);
  const youngest = Math.max(...running.map((step) => step.startedAt?.getTime() ?? Date.now()));
  const active = order.state === 'queued' || order.state === 'rendering';
  return {
    order: toView(order),
    total: all.length,
    finished: all.filter((step) => hasClip(step.state) || step.state === 'failed').length,
    running: running.length,
    ahead: running.length > 0 ? 0 : queue.ahead,
    etaSeconds: active
      ? remainingSeconds({
          renderSeconds: load.renderSeconds,
          concurrency: load.concurrency,
          stepsToGo: waiting.length + running.length + queue.before_last,
          runningForSeconds:
            waiting.length === 0 && running.length > 0 ? (Date.now() - youngest) / 1000 : undefined,
        })
      : null,
    waitingForProvider: active && isShut(deps, order),
    refunded: await deps.ledger.refunded(orderId),
  };
}

/** Whether who renders with this model takes no work at the moment. */
function isShut({ catalogue, providers }: ProgressDeps, order: OrderRow): boolean {
  const name = catalogue.findModel(order.quote?.model ?? '')?.provider ?? 'replicate';
  const isTrained = catalogue.find(order.serviceType)?.finish === 'trained_model';
  const kind = isTrained ? 'training' : 'prediction';
  return providers.find(name) !== undefined && providers.gateOf(name, kind).isShut();
}

/** Paid and not over, oldest first: those of a person, or of everybody who can be told. */
export async function listActive(db: Db, personId?: number): Promise<OrderView[]> {
  const rows = await db
    .select({ order: orders })
    .from(orders)
    .innerJoin(people, eq(people.id, orders.personId))
    .where(
      and(
        inStates(ACTIVE_STATES),
        personId === undefined ? isNull(people.blockedAt) : eq(orders.personId, personId),
      ),
    )
    .orderBy(asc(orders.confirmedAt));
  return rows.map(({ order }) => toView(order));
}

/**
 * Orders whose messages a killed process may have left behind the truth: those that got photos, and
 * those that ended, within the last hour.
 */
export async function listRecent(
  db: Db,
): Promise<{ readonly filled: readonly string[]; readonly ended: readonly string[] }> {
  const since = new Date(Date.now() - 3_600_000);
  const filled = await db
    .selectDistinct({ id: photos.orderId })
    .from(photos)
    .where(gt(photos.createdAt, since));
  const ended = await db.select({ id: orders.id }).from(orders).where(gt(orders.endedAt, since));
  return { filled: filled.map(({ id }) => id), ended: ended.map(({ id }) => id) };
}

/** Cancelled orders whose owner may still ask for the shorter video, newest first. */
export async function listOffered(db: Db, personId: number): Promise<OrderView[]> {
  const rows = await db
    .select()
    .from(orders)
    .where(
      and(
        eq(orders.personId, personId),
        eq(orders.state, 'cancelled'),
        eq(orders.partial, 'offered'),
      ),
    )
    .orderBy(desc(orders.endedAt));
  return rows.map(toView);
}

/** Confirmed orders, newest first, with what can be sent again without uploading. */
export async function listHistory(
  { db, ledger }: Pick<ProgressDeps, 'db' | 'ledger'>,
  personId: number,
  page: { readonly limit: number; readonly offset: number },
): Promise<{ items: HistoryItem[]; total: number }> {
  const mine = and(eq(orders.personId, personId), isNotNull(orders.confirmedAt));
  const rows = await db
    .select()
    .from(orders)
    .where(mine)
    .orderBy(desc(orders.confirmedAt))
    .limit(page.limit)
    .offset(page.offset);
  const ids = rows.map((row) => row.id);
  if (ids.length === 0) return { items: [], total: await db.$count(orders, mine) };
  const counts = await db
    .select({
      orderId: steps.orderId,
      state: steps.state,
      count: sql`count(*)::int`.mapWith(Number),
    })
    .from(steps)
    .where(inArray(steps.orderId, ids))
    .groupBy(steps.orderId, steps.state);
  const sent = await db
    .select()
    .from(deliveries)
    .where(inArray(deliveries.orderId, ids))
    .orderBy(asc(deliveries.messageId));
  const refunded = await Promise.all(ids.map((id) => ledger.refunded(id)));
  const items = rows.map((row, index) => {
    const mail = sent.filter((delivery) => delivery.orderId === row.id);
    const parts = counts.filter(({ orderId }) => orderId === row.id);
    const total = (some: typeof parts) => some.reduce((sum, { count }) => sum + count, 0);
    return {
      order: toView(row),
      transitions: total(parts),
      finished: total(parts.filter(({ state }) => hasClip(state))),
      refunded: refunded[index] ?? NO_STARS,
      previewFileId: mail.find((delivery) => delivery.kind === 'preview')?.fileId ?? null,
      documentFileIds: mail.flatMap(({ kind, fileId }) =>
        kind === 'document' && fileId ? [fileId] : [],
      ),
      messageIds: mail.flatMap(({ kind, messageId }) => (kind === 'notice' ? [] : [messageId])),
    };
  });
  return { items, total: await db.$count(orders, mine) };
}
