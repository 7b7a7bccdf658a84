import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { selectRows } from '../../src/db/database.ts';
import { orders } from '../../src/db/schema.ts';
import { errorCode } from '../../src/orders/error-code.ts';
import { createQueue } from '../../src/orders/queue.ts';
import { openTestDatabase } from '../support/database.ts';

const WORDS = 'what somebody wrote';

it('a job that fails keeps the name and code of its error, and no word of its query', async () => {
  const database = await openTestDatabase();
  const errors: unknown[] = [];
  const serverUrl = database.place.options.url;
  const queue = createQueue({ database, serverUrl, onError: (error) => errors.push(error) });
  try {
    await queue.start();
    await queue.work('purge', { count: 1 }, async ({ orderId }) => {
      await database.db
        .insert(orders)
        .values({ id: orderId, personId: -1, serviceType: 'x', answers: { text: WORDS } });
    });
    await database.db.transaction((tx) =>
      queue.send(tx, 'purge', [{ data: { orderId: 'nobodys' } }]),
    );
    const kept = () =>
      selectRows(database.db, sql`select output from pgboss.job where output is not null`);
    for (let look = 0; look < 200 && (await kept()).length === 0; look += 1) await sleep(50);
    const [row] = await kept();
    assert.deepEqual(row, { output: { name: 'Error', code: '23503' } });
    assert.ok(!JSON.stringify(row).includes(WORDS));
    assert.ok(String(errors[0]).includes(WORDS), 'the error itself quotes it');
    assert.equal(queue.stopping.aborted, false);
  } finally {
    await queue.stop();
    await database.close();
  }
  assert.equal(queue.stopping.aborted, true);
});

it('an error is told by its name and code, wherever the code is', () => {
  const full = Object.assign(new Error(WORDS), { code: 'ENOSPC' });
  assert.deepEqual(errorCode(full), { name: 'Error', code: 'ENOSPC' });
  assert.deepEqual(errorCode(new TypeError(WORDS, { cause: full })), {
    name: 'TypeError',
    code: 'ENOSPC',
  });
  assert.deepEqual(errorCode(WORDS), { name: 'string' });
});
