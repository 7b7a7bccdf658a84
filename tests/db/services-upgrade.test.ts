import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { PGlite } from '@electric-sql/pglite';

const MIGRATIONS = join(import.meta.dirname, '../../drizzle');

async function apply(db: PGlite, wanted: (name: string) => boolean): Promise<void> {
  const files = readdirSync(MIGRATIONS).filter((name) => name.endsWith('.sql'));
  for (const name of files.filter(wanted).sort()) {
    await db.exec(readFileSync(join(MIGRATIONS, name), 'utf8'));
  }
}

describe('the upgrade of a database', () => {
  let db: PGlite;
  // One walk through all migrations: what stands in the way of a later one is written when it is reached.
  before(async () => {
    db = await PGlite.create();
    await apply(db, (name) => name < '0006');
    await db.exec(`
      insert into people (id, first_name, language) values (1, 'Ann', 'en');
      insert into orders (id, person_id, service_type, state, input, quote) values
        ('running', 1, 'image_morphing', 'rendering',
          '{"photoCount":2,"mode":"loop","gender":"male"}', '{"model":"m","plans":{}}'),
        ('quoted', 1, 'image_morphing', 'quoted', '{}', '{"model":"m","plans":{}}');
      insert into photos (id, order_id, state, message_id, file_id, file_unique_id) values
        (11, 'running', 'ready', 1, 'a', 'a'), (12, 'running', 'ready', 2, 'b', 'b');
      insert into steps
          (order_id, position, state, rank, price, cost, from_photo_id, to_photo_id, clip_key, clip_info)
        values ('running', 0, 'done', 0, 44.53, 29.68, 11, 12, 'clip', '{"fps":24}'),
               ('running', 1, 'waiting', 1, 44.53, 29.68, 12, 11, null, null);
    `);
    await apply(db, (name) => name >= '0006' && name < '0008');
    await db.exec(`
      insert into orders (id, person_id, service_type, state, purged_at) values
        ('purged', 1, 'voice_to_text', 'delivered', now()), ('kept', 1, 'voice_to_text', 'delivered', null);
      insert into photos (id, order_id, state, message_id, file_id, file_unique_id) values
        (21, 'purged', 'ready', 1, '', 'file-a'), (22, 'purged', 'ready', 1, '', 'file-a/1'),
        (23, 'kept', 'ready', 2, 'file-b', 'file-b');
      insert into recordings (id, order_id, state, message_id, file_id, file_unique_id) values
        (31, 'purged', 'ready', 3, '', 'file-c'), (32, 'kept', 'ready', 4, 'file-d', 'file-d');
    `);
    await apply(db, (name) => name >= '0008');
  });
  after(() => db.close());

  test('to many services lets orders of morphs alone go on where they were', async () => {
    const { rows: orders } = await db.query(
      "select id, state, mode, input, quote from orders where id in ('quoted', 'running') order by id",
    );
    assert.deepEqual(orders, [
      { id: 'quoted', state: 'draft', mode: null, input: {}, quote: null },
      {
        ...{ id: 'running', state: 'rendering', mode: 'loop' },
        input: { photoCount: 2, mode: 'loop', gender: 'male' },
        quote: { model: 'm', plans: {} },
      },
    ]);
    const { rows: steps } = await db.query(
      'select photo_ids, output_key, output_info from steps order by position',
    );
    assert.deepEqual(steps, [
      { photo_ids: [11, 12], output_key: 'clip', output_info: { fps: 24 } },
      { photo_ids: [12, 11], output_key: null, output_info: null },
    ]);
  });

  test('takes what Telegram would give again from purged orders, and from no others', async () => {
    const { rows } = await db.query<{ name: string }>(`
      select file_unique_id as name from photos
      union all select file_unique_id from recordings order by name
    `);
    assert.deepEqual(
      rows.map(({ name }) => name),
      ['a', 'b', 'file-b', 'file-d', 'purged:21', 'purged:22', 'purged:31'],
    );
  });
});
