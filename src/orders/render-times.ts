import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { type Queryable, selectRows } from '../db/database.ts';
import type { Catalogue } from '../services/catalogue.ts';

/** How many of the newest renders the estimate is made from. */
const SAMPLE = 50;

/** Finishing and sending, beside the steps themselves. */
const FINISH_SECONDS = 20;

const loadRow = z.object({ median: z.coerce.number().nullable(), busy: z.coerce.number() });

/**
 * Seconds that one step takes: the median of the newest measured renders of this model, or what
 * its catalogue entry says before there are any. `busy`: steps of everybody that wait or render.
 */
export async function measureLoad(
  db: Queryable,
  catalogue: Catalogue,
  modelId: string,
): Promise<{ readonly renderSeconds: number; readonly busy: number }> {
  const [row] = await selectRows(
    db,
    sql`select (select percentile_cont(0.5) within group (order by seconds) from (
                  select extract(epoch from ended_at - started_at)::float8 as seconds
                    from predictions where state = 'succeeded' and model = ${modelId}
                   order by ended_at desc limit ${SAMPLE}::int) newest) as median,
               (select count(*) from steps where state in ('waiting', 'rendering'))::int as busy`,
  );
  const { median, busy } = loadRow.parse(row);
  return { renderSeconds: median ?? catalogue.findModel(modelId)?.typicalSeconds ?? 0, busy };
}

/** Seconds until an order of this many steps would be delivered if it were confirmed now. */
export async function expectedWaitSeconds(
  deps: {
    readonly db: Queryable;
    readonly catalogue: Catalogue;
    readonly renderConcurrency: number;
  },
  modelId: string,
  steps: number,
): Promise<number> {
  const { renderSeconds, busy } = await measureLoad(deps.db, deps.catalogue, modelId);
  return waves(busy + steps, deps.renderConcurrency) * renderSeconds + FINISH_SECONDS;
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
