import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { type Queryable, selectRows } from '../db/database.ts';
import { orders, steps } from '../db/schema.ts';
import type { Catalogue } from '../services/catalogue.ts';
import { inLane, laneOfModel, TRAININGS_AT_ONCE } from './lanes.ts';

/** The estimate is made from the last renders of so many of the newest orders. */
const SAMPLE = { orders: 50, ofEach: 5 };

/** Finishing and sending, beside the steps themselves. */
const FINISH_SECONDS = 20;

/** @see measureLoad */
export interface LoadDeps {
  readonly db: Queryable;
  readonly catalogue: Catalogue;
  /** Steps that are rendered at once, beside trainings. */
  readonly renderConcurrency: number;
}

const loadRow = z.object({ median: z.coerce.number().nullable(), busy: z.coerce.number() });

/**
 * Seconds that one step takes: the median of what was measured last of the orders that were quoted with
 * this model, or what its catalogue entry says before there are any. `busy`: steps of everybody that wait
 * or render in the same lane, of which `concurrency` run at once.
 */
export async function measureLoad(
  deps: LoadDeps,
  modelId: string,
): Promise<{
  readonly renderSeconds: number;
  readonly busy: number;
  readonly concurrency: number;
}> {
  const { db, catalogue, renderConcurrency } = deps;
  const lane = laneOfModel(catalogue, modelId);
  const [row] = await selectRows(
    db,
    sql`select (select percentile_cont(0.5) within group (order by seconds)
                  from (select id from orders
                         where quote ->> 'model' = ${modelId} and confirmed_at is not null
                         order by confirmed_at desc limit ${SAMPLE.orders}::int) newest
                 cross join lateral
                       (select extract(epoch from p.ended_at - p.started_at)::float8 as seconds
                          from steps s join predictions p on p.step_id = s.id
                         where s.order_id = newest.id and p.state = 'succeeded'
                         order by s.position desc limit ${SAMPLE.ofEach}::int) measured) as median,
               (select count(*) from ${steps} join ${orders} on ${orders.id} = ${steps.orderId}
                 where ${steps.state} in ('waiting', 'rendering')
                   and ${inLane(catalogue, lane)})::int as busy`,
  );
  const { median, busy } = loadRow.parse(row);
  return {
    renderSeconds: median ?? catalogue.findModel(modelId)?.typicalSeconds ?? 0,
    busy,
    concurrency: lane === 'training' ? TRAININGS_AT_ONCE : renderConcurrency,
  };
}

/** Seconds until an order of this many steps would be delivered if it were confirmed now. */
export async function expectedWaitSeconds(
  deps: LoadDeps,
  modelId: string,
  steps: number,
): Promise<number> {
  const { renderSeconds, busy, concurrency } = await measureLoad(deps, modelId);
  return waves(busy + steps, concurrency) * renderSeconds + FINISH_SECONDS;
}

/** Seconds until an order is delivered, with this many of everybody's steps before its last one. */
export function remainingSeconds(load: {
  readonly renderSeconds: number;
  readonly concurrency: number;
  readonly stepsToGo: number;
  /** Age of its youngest running step, in seconds; undefined when none runs. */
  readonly runningForSeconds: number | undefined;
}): number {
  const started = Math.min(load.runningForSeconds ?? 0, load.renderSeconds * 0.9);
  const rounds = waves(load.stepsToGo, load.concurrency);
  return Math.max(0, rounds * load.renderSeconds - started) + FINISH_SECONDS;
}

function waves(steps: number, concurrency: number): number {
  return Math.ceil(steps / concurrency);
}
