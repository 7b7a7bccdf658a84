import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { selectRows, type Tx } from '../db/database.ts';

const rankRow = z.object({ first: z.coerce.number() });

/**
 * The turn of a person's next step (start-time fair queueing): their k-th waiting step ranks behind
 * everybody's earlier ones, but never before the round that is being served, so that neither a large
 * order holds up small ones nor a stream of small ones starves it. Steps of one order count up from here.
 */
export async function nextRank(tx: Tx, personId: number): Promise<number> {
  const [row] = await selectRows(
    tx,
    sql`select greatest(
          coalesce((select min(rank) from steps where state = 'waiting'), 0),
          coalesce((select max(s.rank) + 1 from steps s join orders o on o.id = s.order_id
                     where s.state = 'waiting' and o.person_id = ${personId}), 0)) as first`,
  );
  return rankRow.parse(row).first;
}
