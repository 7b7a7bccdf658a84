import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { eq, sql } from 'drizzle-orm';
import { people as peopleRows } from '../../src/db/schema.ts';
import { NO_STARS, stars } from '../../src/domain/stars.ts';
import { createLedger } from '../../src/ledger/ledger.ts';
import { createPayments } from '../../src/ledger/payments.ts';
import { createStarRefunds } from '../../src/ledger/star-refunds.ts';
import { createAdminLog } from '../../src/people/admin-log.ts';
import { createBans } from '../../src/people/bans.ts';
import { createDirectory } from '../../src/people/directory.ts';
import { createPeople, type People } from '../../src/people/people.ts';
import { createReferral } from '../../src/people/referral.ts';
import { createSales } from '../../src/people/sales.ts';
import { createTerms } from '../../src/people/terms.ts';
import { addPerson, openTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let people: People;

before(async () => {
  database = await openTestDatabase();
  const { db } = database;
  people = createPeople({ db, ledger: createLedger({ db }), welcomeStars: NO_STARS });
});
after(() => database.close());

test('a ban stands with its first reason until it is lifted', async () => {
  const bans = createBans({ db: database.db });
  const personId = await addPerson(database.db);
  assert.equal(await bans.find(personId), undefined);
  assert.equal(await bans.unban(personId), false);
  assert.equal(await bans.ban(personId, 'fraud'), true);
  assert.equal(await bans.ban(personId, 'again'), false);
  assert.equal((await bans.find(personId))?.reason, 'fraud');
  assert.ok((await people.find(personId))?.bannedAt instanceof Date);
  assert.equal(await bans.unban(personId), true);
  assert.equal(await bans.find(personId), undefined);
  assert.equal(await bans.ban(1), false, 'nobody met them');
});

test('terms are accepted once for each version', async () => {
  const terms = createTerms({ db: database.db });
  const personId = await addPerson(database.db);
  assert.equal((await people.find(personId))?.termsVersion, null);
  const pressed = await Promise.all(
    Array.from({ length: 5 }, () => terms.accept(personId, '2026-01')),
  );
  assert.equal(pressed.filter(Boolean).length, 1);
  assert.equal(await terms.accept(personId, '2026-02'), true);
  assert.equal((await people.find(personId))?.termsVersion, '2026-02');
});

describe('looking somebody up', () => {
  test('works by id and by name in any case, with or without @', async () => {
    const directory = createDirectory({ db: database.db });
    const personId = await addPerson(database.db);
    const name = `Ada_${randomUUID().slice(0, 8)}`;
    await database.db.update(peopleRows).set({ username: name }).where(eq(peopleRows.id, personId));
    for (const typed of [`${personId}`, name, `@${name}`, ` @${name.toUpperCase()} `]) {
      assert.equal((await directory.lookUp(typed))?.id, personId, typed);
    }
    for (const typed of ['', '@', '0', '@nobody_at_all', '%', '-1', '1e9']) {
      assert.equal(await directory.lookUp(typed), undefined, typed);
    }
  });

  test('finds whoever was met last when a name changed hands', async () => {
    const directory = createDirectory({ db: database.db });
    const name = `n${randomUUID().slice(0, 8)}`;
    const [later, earlier] = [await addPerson(database.db), await addPerson(database.db)];
    for (const [id, at] of [
      [later, '2026-02-01T00:00:00Z'],
      [earlier, '2026-01-01T00:00:00Z'],
    ] as const) {
      const row = { username: name, createdAt: new Date(at) };
      await database.db.update(peopleRows).set(row).where(eq(peopleRows.id, id));
    }
    assert.equal((await directory.lookUp(name))?.id, later);
  });
});

test('what an invitation brought is counted', async () => {
  const { db } = database;
  const referral = createReferral({ db });
  const payments = createPayments({ db, referralBonus: stars(1000) });
  const inviter = await addPerson(db);
  const came = [];
  for (let index = 0; index < 3; index++) {
    const id = await addPerson(db);
    await db.update(peopleRows).set({ invitedBy: inviter }).where(eq(peopleRows.id, id));
    came.push(id);
  }
  assert.deepEqual(await referral.summary(inviter), { invited: 3, bonuses: 0, bonusStars: 0 });
  for (const personId of [came[0] ?? 0, came[0] ?? 0, came[1] ?? 0]) {
    const payment = { chargeId: randomUUID(), personId, amountXtr: 50, payload: null };
    await payments.book({ ...payment, paidAt: new Date() });
  }
  assert.deepEqual(await referral.summary(inviter), { invited: 3, bonuses: 2, bonusStars: 2000 });
  const [payment] = await payments.list({ personId: came[1] ?? 0, limit: 1 });
  const refunds = createStarRefunds({ db });
  await refunds.request({ chargeId: payment?.chargeId ?? '', by: { kind: 'admin', adminId: 7 } });
  assert.deepEqual(await referral.summary(inviter), { invited: 3, bonuses: 1, bonusStars: 1000 });
});

test('what operators do is written down, found by whom it was about, and never rewritten', async () => {
  const log = createAdminLog({ db: database.db });
  const aboutId = await addPerson(database.db);
  await log.write({ adminId: 7, command: 'pause', why: 'stock-taking' });
  await log.write({ adminId: 8, command: 'ban', aboutId, why: 'fraud', details: { was: false } });
  const [latest] = await log.list({ limit: 1 });
  assert.deepEqual(
    [latest?.adminId, latest?.command, latest?.aboutId, latest?.why, latest?.details],
    [8, 'ban', aboutId, 'fraud', { was: false }],
  );
  assert.ok(latest?.at instanceof Date);
  assert.equal((await log.list({ aboutId, limit: 10 })).length, 1);
  for (const statement of [
    sql`update admin_log set why = 'no reason'`,
    sql`delete from admin_log`,
    sql`truncate admin_log`,
  ]) {
    await assert.rejects(database.db.execute(statement), (error: Error) =>
      /admin_log is never rewritten/.test(String(error.cause)),
    );
  }
});

test('sales are paused by one operator with their reason, and resumed once', async () => {
  const sales = createSales({ db: database.db });
  assert.equal(await sales.paused(), undefined);
  assert.equal(await sales.pause(7, 'stock-taking'), true);
  assert.equal(await sales.pause(8), false);
  const pause = await sales.paused();
  assert.deepEqual([pause?.by, pause?.why], [7, 'stock-taking']);
  assert.equal(await sales.resume(), true);
  assert.equal(await sales.resume(), false);
  assert.equal(await sales.paused(), undefined);
});
