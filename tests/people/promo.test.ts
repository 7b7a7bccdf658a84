import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { eq } from 'drizzle-orm';
import { promoCodes } from '../../src/db/people-schema.ts';
import { stars } from '../../src/domain/stars.ts';
import { createLedger, type Ledger } from '../../src/ledger/ledger.ts';
import { createPromo, type Promo } from '../../src/people/promo.ts';
import { addPerson, openTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let ledger: Ledger;
let promo: Promo;

before(async () => {
  database = await openTestDatabase();
  ledger = createLedger({ db: database.db });
  promo = createPromo({ db: database.db, ledger });
});
after(() => database.close());

describe('a new code', () => {
  test('is the same in any case, and made once', async () => {
    const code = `Весна-${randomUUID().slice(0, 8)}`;
    const created = await promo.create(promoOf({ code }));
    assert.ok(created.kind === 'created');
    assert.equal(created.promo.code, code.toUpperCase());
    assert.equal(
      (await promo.create(promoOf({ code: code.toLowerCase(), uses: 9 }))).kind,
      'exists',
    );
    assert.ok((await promo.list(1)).some((each) => each.code === code.toUpperCase()));
  });

  for (const [title, change] of [
    ['too short', { code: 'AB' }],
    ['not one word', { code: 'TWO WORDS' }],
    ['with a colon', { code: 'A:B:C' }],
    ['for nothing', { stars: stars(0) }],
    ['for a debt', { stars: stars(-1) }],
    ['for nobody', { uses: 0 }],
    ['for half a person', { uses: 1.5 }],
    ['for more people than there are', { uses: 2 ** 31 }],
    ['for no time', { days: 0 }],
    ['for a time that is no number', { days: Number.NaN }],
  ] as const) {
    test(`${title} is refused`, async () => {
      assert.deepEqual(await promo.create(promoOf(change)), { kind: 'invalid' });
    });
  }
});

describe('redeeming', () => {
  test('gives the stars, as typed, once to each person', async () => {
    const code = await aCode({ uses: 5 });
    const personId = await addPerson(database.db);
    const redeemed = { kind: 'redeemed', stars: 1000, balance: 1000 };
    assert.deepEqual(await promo.redeem(` ${code.toLowerCase()} `, personId), redeemed);
    assert.deepEqual(await promo.redeem(code, personId), { kind: 'already' });
    assert.equal(await ledger.balance(personId), 1000);
    const [line] = await ledger.statement(personId, 1);
    assert.equal(line?.source, 'promo');
  });

  test('an unknown, expired or used up code says which, and gives nothing', async () => {
    const personId = await addPerson(database.db);
    assert.deepEqual(await promo.redeem('NEVER-MADE', personId), { kind: 'unknown' });
    assert.deepEqual(await promo.redeem("' or true --", personId), { kind: 'unknown' });
    const expired = await aCode();
    await database.db
      .update(promoCodes)
      .set({ expiresAt: new Date(Date.now() - 1) })
      .where(eq(promoCodes.code, expired));
    assert.deepEqual(await promo.redeem(expired, personId), { kind: 'expired' });
    const used = await aCode({ uses: 1 });
    await promo.redeem(used, await addPerson(database.db));
    assert.deepEqual(await promo.redeem(used, personId), { kind: 'used_up' });
    assert.equal(await ledger.balance(personId), 0);
  });

  test('by 100 people at once gives as often as it has uses', async () => {
    const code = await aCode({ uses: 10 });
    const crowd = await Promise.all(Array.from({ length: 100 }, () => addPerson(database.db)));
    const outcomes = await Promise.all(crowd.map((id) => promo.redeem(code, id)));
    const count = (kind: string) => outcomes.filter((outcome) => outcome.kind === kind).length;
    assert.deepEqual([count('redeemed'), count('used_up')], [10, 90]);
    const balances = await Promise.all(crowd.map((id) => ledger.balance(id)));
    assert.equal(balances.filter((balance) => balance === 1000).length, 10);
    assert.equal(balances.filter((balance) => balance === 0).length, 90);
  });

  test('by one person 100 times at once gives once', async () => {
    const code = await aCode({ uses: 100 });
    const personId = await addPerson(database.db);
    const outcomes = await Promise.all(
      Array.from({ length: 100 }, () => promo.redeem(code, personId)),
    );
    assert.equal(outcomes.filter(({ kind }) => kind === 'redeemed').length, 1);
    assert.equal(await ledger.balance(personId), 1000);
    const [row] = await database.db.select().from(promoCodes).where(eq(promoCodes.code, code));
    assert.equal(row?.used, 1);
  });
});

function promoOf(change: Partial<Parameters<Promo['create']>[0]> = {}) {
  const code = `CODE-${randomUUID().slice(0, 8)}`.toUpperCase();
  return { code, stars: stars(1000), uses: 3, days: 7, adminId: 1, ...change };
}

async function aCode(change: Parameters<typeof promoOf>[0] = {}): Promise<string> {
  const { code, ...rest } = promoOf(change);
  assert.equal((await promo.create({ code, ...rest })).kind, 'created');
  return code;
}
