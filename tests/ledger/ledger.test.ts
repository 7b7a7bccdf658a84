import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { eq, sql } from 'drizzle-orm';
import { entries } from '../../src/db/schema.ts';
import { NO_STARS, parseStars, type Stars, stars } from '../../src/domain/stars.ts';
import { createLedger, type Ledger, type Refund } from '../../src/ledger/ledger.ts';
import { addPerson, openTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let ledger: Ledger;

before(async () => {
  database = await openTestDatabase();
  ledger = createLedger({ db: database.db });
});
after(() => database.close());

describe('charge', () => {
  test('takes the amount from the balance and says what is left', async () => {
    const personId = await personWith('10.00');
    const outcome = await charge(personId, '7.50', 'k');
    assert.equal(outcome.kind, 'charged');
    assert.equal(outcome.kind === 'charged' && outcome.balance, 250);
    assert.equal(await ledger.balance(personId), 250);
  });

  test('takes the very last hundredth, and not one more', async () => {
    const personId = await personWith('10.00');
    assert.equal((await charge(personId, '10.01', 'over')).kind, 'short');
    assert.equal((await charge(personId, '10.00', 'all')).kind, 'charged');
    assert.deepEqual(await charge(personId, '0.01', 'more'), { kind: 'short', balance: NO_STARS });
  });

  test('says how much there is when it is too little, and writes nothing', async () => {
    const personId = await personWith('3.00');
    assert.deepEqual(await charge(personId, '5.00', 'k'), { kind: 'short', balance: 300 });
    assert.equal((await ledger.statement(personId, 10)).length, 1);
  });

  test('happens once per key, even when the balance would not allow a second', async () => {
    const personId = await personWith('5.00');
    const first = await charge(personId, '5.00', 'k');
    const second = await charge(personId, '5.00', 'k');
    assert.equal(first.kind, 'charged');
    assert.deepEqual(second, {
      kind: 'already',
      entryId: first.kind === 'charged' ? first.entryId : 0,
    });
  });

  test('of somebody without an account is short by everything', async () => {
    const personId = await addPerson(database.db);
    assert.deepEqual(await charge(personId, '1.00', 'k'), { kind: 'short', balance: NO_STARS });
  });

  test('is undone with the transaction it took part in', async () => {
    const personId = await personWith('10.00');
    await assert.rejects(
      database.db.transaction(async (tx) => {
        await ledger.charge(tx, chargeOf(personId, '4.00', 'k'));
        throw new Error('the order could not be queued');
      }),
      /could not be queued/,
    );
    assert.equal(await ledger.balance(personId), 1000);
    assert.equal((await charge(personId, '4.00', 'k')).kind, 'charged');
  });

  test('keeps service, order, method and cost with the entry', async () => {
    const personId = await personWith('10.00');
    await charge(personId, '4.00', 'k');
    const [entry] = await database.db
      .select()
      .from(entries)
      .where(eq(entries.idempotencyKey, `charge:${personId}:k`));
    assert.equal(entry?.amount, -400);
    assert.equal(entry?.cost, -100);
    assert.equal(entry?.serviceType, 'image_morphing');
    assert.equal(entry?.paymentMethod, 'Internal');
    assert.equal(entry?.orderId, `order-${personId}-k`);
  });
});

test('of 100 charges at once against a balance for 10, exactly 10 are taken', async () => {
  const personId = await personWith('75.00');
  const outcomes = await Promise.all(
    Array.from({ length: 100 }, (_, index) => charge(personId, '7.50', `n${index}`)),
  );
  const count = (kind: string) => outcomes.filter((outcome) => outcome.kind === kind).length;
  assert.deepEqual([count('charged'), count('short')], [10, 90]);
  assert.equal(await ledger.balance(personId), 0);
});

test('of 20 charges at once with one key, exactly one is taken', async () => {
  const personId = await personWith('100.00');
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, () => charge(personId, '7.50', 'same')),
  );
  assert.equal(outcomes.filter((outcome) => outcome.kind === 'charged').length, 1);
  assert.equal(outcomes.filter((outcome) => outcome.kind === 'already').length, 19);
  assert.equal(await ledger.balance(personId), 9250);
});

describe('refund', () => {
  test('gives back a part of a charge, with its share of the cost', async () => {
    const personId = await personWith('10.00');
    await charge(personId, '9.00', 'k');
    assert.equal((await refund(personId, '4.00', 'k', 'r')).kind, 'refunded');
    assert.equal(await ledger.balance(personId), 500);
    const [line] = await ledger.statement(personId, 1);
    assert.equal(line?.kind, 'refund');
    assert.equal(line?.amount, 400);
    assert.equal(line?.serviceType, 'image_morphing');
  });

  test('of all parts together never exceeds the charge', async () => {
    const personId = await personWith('10.00');
    await charge(personId, '9.00', 'k');
    await refund(personId, '5.00', 'k', 'a');
    assert.deepEqual(await refund(personId, '4.01', 'k', 'b'), { kind: 'exceeds', left: 400 });
    assert.equal((await refund(personId, '4.00', 'k', 'c')).kind, 'refunded');
    assert.deepEqual(await refund(personId, '0.01', 'k', 'd'), { kind: 'exceeds', left: NO_STARS });
    assert.equal(await ledger.refunded(`order-${personId}-k`), 900);
  });

  test('happens once per key, also after the charge is used up', async () => {
    const personId = await personWith('10.00');
    await charge(personId, '9.00', 'k');
    assert.equal((await refund(personId, '9.00', 'k', 'r')).kind, 'refunded');
    assert.equal((await refund(personId, '9.00', 'k', 'r')).kind, 'already');
    assert.equal(await ledger.balance(personId), 1000);
  });

  test('of the same charge by 20 at once stops exactly at the charge', async () => {
    const personId = await personWith('10.00');
    await charge(personId, '10.00', 'k');
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, index) => refund(personId, '1.00', 'k', `r${index}`)),
    );
    assert.equal(outcomes.filter((outcome) => outcome.kind === 'refunded').length, 10);
    assert.equal(await ledger.balance(personId), 1000);
  });

  test('of a charge that does not exist, or of a top-up, is refused', async () => {
    const personId = await personWith('10.00');
    assert.deepEqual(await refund(personId, '1.00', 'nothing', 'r'), { kind: 'no_charge' });
    const chargeKey = `top-up:${personId}`;
    const outcome = await database.db.transaction((tx) =>
      ledger.refund(tx, { ...refundOf(personId, '1.00', 'k', 'r'), chargeKey }),
    );
    assert.deepEqual(outcome, { kind: 'no_charge' });
  });
});

describe('top-up', () => {
  test('happens once per key, however many ask at once', async () => {
    const personId = await addPerson(database.db);
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, () => topUp(personId, '5.00', `same:${personId}`)),
    );
    assert.equal(outcomes.filter((outcome) => outcome.kind === 'topped_up').length, 1);
    assert.equal(await ledger.balance(personId), 500);
  });

  test('of somebody unknown is refused by the database', async () => {
    await assert.rejects(topUp(1, '5.00', 'unknown'));
  });

  test('over what an account can hold writes nothing', async () => {
    const personId = await personWith('1.00');
    await assert.rejects(topUp(personId, '99999999.99', `much:${personId}`));
    assert.equal(await ledger.balance(personId), 100);
  });
});

describe('any entry', () => {
  test('moves more than nothing', async () => {
    const personId = await personWith('1.00');
    await assert.rejects(charge(personId, '0.00', 'zero'), RangeError);
    await assert.rejects(topUp(personId, '-1.00', 'minus'), RangeError);
  });

  test('is not mistaken for another that has its key', async () => {
    const one = await personWith('1.00');
    const other = await personWith('1.00');
    await assert.rejects(topUp(other, '1.00', `top-up:${one}`), /already stands for another entry/);
    await assert.rejects(
      database.db.transaction((tx) =>
        ledger.charge(tx, { ...chargeOf(one, '1.00', 'k'), key: `top-up:${one}` }),
      ),
      /already stands for another entry/,
    );
  });

  test('stays as it was written: the database refuses every way to change it', async () => {
    const personId = await personWith('1.00');
    for (const statement of [
      sql`update ledger_entries set amount = 2 where person_id = ${personId}::bigint`,
      sql`update ledger_entries set amount = 2 where false`,
      sql`delete from ledger_entries where person_id = ${personId}::bigint`,
      sql`truncate ledger_entries cascade`,
      sql`insert into ledger_entries (person_id, kind, amount, idempotency_key, payment_method)
          values (${personId}::bigint, 'top_up', 5, ${`top-up:${personId}`}, 'Admin')
          on conflict (idempotency_key) do update set amount = 5`,
    ]) {
      await assert.rejects(database.db.execute(statement), (error: Error) => {
        assert.match(String(error.cause), /ledger entries are only ever added/);
        return true;
      });
    }
    assert.equal((await ledger.statement(personId, 10)).length, 1);
  });
});

test('the statement shows the newest entries first, as many as asked for', async () => {
  const personId = await personWith('10.00');
  await charge(personId, '3.00', 'a');
  await charge(personId, '2.00', 'b');
  const amounts = async (limit: number) =>
    (await ledger.statement(personId, limit)).map((line) => line.amount);
  assert.deepEqual(await amounts(2), [-200, -300]);
  assert.deepEqual(await amounts(10), [-200, -300, 1000]);
});

async function personWith(balance: string): Promise<number> {
  const personId = await addPerson(database.db);
  await topUp(personId, balance, `top-up:${personId}`);
  return personId;
}

function topUp(personId: number, amount: string, key: string) {
  return ledger.topUp({ personId, amount: amountOf(amount), paymentMethod: 'Admin', key });
}

function charge(personId: number, amount: string, key: string) {
  return database.db.transaction((tx) => ledger.charge(tx, chargeOf(personId, amount, key)));
}

function chargeOf(personId: number, amount: string, key: string) {
  return {
    personId,
    amount: amountOf(amount),
    cost: stars(100),
    serviceType: 'image_morphing',
    orderId: `order-${personId}-${key}`,
    key: `charge:${personId}:${key}`,
  };
}

function refund(personId: number, amount: string, chargeKey: string, key: string) {
  return database.db.transaction((tx) =>
    ledger.refund(tx, refundOf(personId, amount, chargeKey, key)),
  );
}

function refundOf(personId: number, amount: string, chargeKey: string, key: string): Refund {
  return {
    chargeKey: `charge:${personId}:${chargeKey}`,
    amount: amountOf(amount),
    cost: stars(50),
    reason: 'moderation',
    key: `refund:${personId}:${key}`,
  };
}

function amountOf(text: string): Stars {
  const amount = parseStars(text);
  assert.ok(amount !== undefined, text);
  return amount;
}
