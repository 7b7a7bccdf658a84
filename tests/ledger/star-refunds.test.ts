import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { eq } from 'drizzle-orm';
import { people } from '../../src/db/schema.ts';
import { starRefunds } from '../../src/db/stars-schema.ts';
import { NO_STARS, stars } from '../../src/domain/stars.ts';
import { auditLedger } from '../../src/ledger/audit.ts';
import { createLedger, type Ledger } from '../../src/ledger/ledger.ts';
import { createPayments, type Payments, type ToldPayment } from '../../src/ledger/payments.ts';
import type { DueRefund } from '../../src/ledger/refund-outbox.ts';
import type { RefundRequest } from '../../src/ledger/request-refund.ts';
import { createStarRefunds, type StarRefunds } from '../../src/ledger/star-refunds.ts';
import { addPerson, openTestDatabase, type TestDatabase } from '../support/database.ts';

const DAY_MS = 86_400_000;

let database: TestDatabase;
let ledger: Ledger;
let payments: Payments;
let refunds: StarRefunds;

before(async () => {
  database = await openTestDatabase();
  const { db } = database;
  ledger = createLedger({ db });
  payments = createPayments({ db, referralBonus: NO_STARS });
  refunds = createStarRefunds({ db });
});
after(() => database.close());

describe('asking for a payment back', () => {
  test('takes it from the balance and puts it into the outbox', async () => {
    const payment = await pay(50);
    const { personId, chargeId } = payment;
    const outcome = await ask(payment);
    assert.ok(outcome.kind === 'requested');
    assert.deepEqual([outcome.personId, outcome.amountXtr, outcome.balance], [personId, 50, 0]);
    assert.equal((await payments.find(chargeId))?.refund, 'requested');
    const [line] = await ledger.statement(personId, 1);
    assert.deepEqual([line?.kind, line?.amount], ['reversal', -5000]);
    const { tries, requestedBy } = await due(chargeId);
    assert.deepEqual([tries, requestedBy], [1, 'person']);
  });

  test('by somebody else is answered as if there were none', async () => {
    const payment = await pay(50);
    const personId = await addPerson(database.db);
    assert.deepEqual(await ask(payment, { by: { kind: 'person', personId } }), {
      kind: 'unknown',
    });
    assert.deepEqual(await ask({ ...payment, chargeId: randomUUID() }), { kind: 'unknown' });
    assert.equal(await ledger.balance(payment.personId), 5000);
  });

  test('works until the days are over, and for an operator without a limit also later', async () => {
    const inTime = await pay(50, { paidAt: new Date(Date.now() - 14 * DAY_MS + 60_000) });
    assert.equal((await ask(inTime)).kind, 'requested');
    const late = await pay(50, { paidAt: new Date(Date.now() - 14 * DAY_MS - 60_000) });
    assert.deepEqual(await ask(late), { kind: 'late', paidAt: late.paidAt });
    const admin = { kind: 'admin', adminId: 7 } as const;
    const { chargeId } = late;
    assert.equal((await refunds.request({ chargeId, by: admin })).kind, 'requested');
  });

  test('for more than is left is refused: Telegram returns whole payments only', async () => {
    const payment = await pay(50);
    await charge(payment.personId, 1);
    assert.deepEqual(await ask(payment), {
      kind: 'spent',
      balance: 4999,
      left: 4999,
      amountXtr: 50,
    });
    assert.equal(await ledger.balance(payment.personId), 4999);
  });

  test('after it was spent and stars were given is refused: nobody paid for those', async () => {
    const payment = await pay(50);
    const { personId, chargeId } = payment;
    await charge(personId, 4453);
    await give(personId, 5000);
    const expected = { kind: 'spent', balance: 5547, left: 547, amountXtr: 50 } as const;
    assert.deepEqual(await ask(payment), expected);
    assert.deepEqual(await refunds.unused(personId, 14), []);
    const by = { kind: 'admin', adminId: 7 } as const;
    assert.deepEqual(
      await refunds.request({ chargeId, by }),
      expected,
      'an operator cannot either',
    );
  });

  test('after it was spent is refused, although another was paid since', async () => {
    const payment = await pay(50);
    const { personId } = payment;
    await charge(personId, 4453);
    const later = await pay(50, { personId });
    const by = { kind: 'admin', adminId: 7 } as const;
    assert.deepEqual(await ask(payment, { by }), {
      ...{ kind: 'spent', balance: 5547, left: 547, amountXtr: 50 },
    });
    assert.deepEqual(
      (await refunds.unused(personId, 14)).map(({ chargeId }) => chargeId),
      [later.chargeId],
    );
    assert.equal((await ask(later, { by })).kind, 'requested');
    assert.equal(await ledger.balance(personId), 547);
  });

  test('is possible while only what was given is spent', async () => {
    const personId = await addPerson(database.db);
    await give(personId, 5000);
    const payment = await pay(50, { personId });
    await charge(personId, 5000);
    assert.equal((await refunds.unused(personId, 14)).length, 1);
    assert.equal((await ask(payment)).kind, 'requested');
  });

  test('twenty times at once takes it back once', async () => {
    const payment = await pay(50);
    await pay(50, { personId: payment.personId });
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => ask(payment)));
    assert.equal(outcomes.filter(({ kind }) => kind === 'requested').length, 1);
    assert.equal(outcomes.filter(({ kind }) => kind === 'already').length, 19);
    assert.equal(await ledger.balance(payment.personId), 5000);
  });
});

describe('what is unused', () => {
  test('is what the balance covers, the newest first, and nothing that is on its way', async () => {
    const personId = await addPerson(database.db);
    const ago = (days: number) => new Date(Date.now() - days * DAY_MS);
    await pay(25, { personId, paidAt: ago(20) });
    const oldest = await pay(50, { personId, paidAt: ago(3) });
    await pay(100, { personId, paidAt: ago(2) });
    const newest = await pay(50, { personId, paidAt: ago(1) });
    const unused = async () => (await refunds.unused(personId, 14)).map(({ chargeId }) => chargeId);
    assert.equal((await unused()).length, 3, 'the one of 20 days ago is late');
    await charge(personId, 10_000);
    assert.deepEqual(await unused(), [newest.chargeId, oldest.chargeId]);
    await ask(newest);
    assert.deepEqual(await unused(), [oldest.chargeId]);
    await charge(personId, 2501);
    assert.deepEqual(await unused(), []);
  });

  test('can be asked back all together', async () => {
    const personId = await addPerson(database.db);
    for (const amount of [50, 100, 25, 50]) await pay(amount, { personId });
    await charge(personId, 4999);
    const unused = await refunds.unused(personId, 14);
    const outcomes = await Promise.all(unused.map((payment) => ask(payment)));
    assert.ok(outcomes.every(({ kind }) => kind === 'requested'));
    assert.ok((await ledger.balance(personId)) >= 0);
  });
});

describe('the outbox', () => {
  test('hands a refund out again only after a pause, which grows', async () => {
    const payment = await pay(50);
    await ask(payment);
    const { id } = await due(payment.chargeId);
    const pauses = [];
    for (let times = 0; times < 12; times++) {
      assert.equal(await find(payment.chargeId), undefined, 'it was just handed out');
      const [row] = await database.db.select().from(starRefunds).where(eq(starRefunds.id, id));
      pauses.push(Math.round(((row?.nextTryAt.getTime() ?? 0) - Date.now()) / 1000));
      await makeDue(id);
      await due(payment.chargeId);
    }
    assert.deepEqual(pauses.slice(0, 3), [10, 20, 40]);
    assert.equal(Math.max(...pauses), 3600);
  });

  test('hands each refund to one of many takers', async () => {
    const asked = await Promise.all(Array.from({ length: 6 }, () => pay(50)));
    for (const payment of asked) await ask(payment);
    const taken = (await Promise.all(Array.from({ length: 8 }, () => refunds.take(4)))).flat();
    const ids = taken.map(({ chargeId }) => chargeId);
    assert.equal(new Set(ids).size, ids.length);
    for (const { chargeId } of asked) assert.ok(ids.includes(chargeId));
  });

  test('waits as long as it is told to, and forgets what was sent', async () => {
    const payment = await pay(50);
    await ask(payment);
    const { id } = await due(payment.chargeId);
    await refunds.markRetry(id, 'BALANCE_TOO_LOW', 0);
    assert.equal((await due(payment.chargeId)).tries, 2);
    await refunds.markSent(id);
    await makeDue(id);
    assert.equal(await find(payment.chargeId), undefined);
    assert.equal((await payments.find(payment.chargeId))?.refund, 'sent');
    await refunds.markSent(id);
    await refunds.markRetry(id, 'late word of another process');
    assert.equal((await payments.find(payment.chargeId))?.refund, 'sent');
  });

  test('gives the stars back when Telegram refuses for good, and the payment can be asked for again', async () => {
    const payment = await pay(50);
    const { personId, chargeId } = payment;
    await ask(payment);
    const { id } = await due(chargeId);
    const failed = await Promise.all(
      Array.from({ length: 5 }, () => refunds.markFailed(id, 'USER_ID_INVALID')),
    );
    assert.equal(failed.filter(({ kind }) => kind === 'reinstated').length, 1);
    assert.equal(await ledger.balance(personId), 5000);
    const [line] = await ledger.statement(personId, 1);
    assert.deepEqual([line?.kind, line?.source, line?.amount], ['reinstatement', 'payment', 5000]);
    assert.equal((await payments.find(chargeId))?.refund, null);
    assert.equal((await ask(payment)).kind, 'requested');
    assert.equal(await ledger.balance(personId), 0);
  });

  test('never takes back the refusal of what was sent', async () => {
    const payment = await pay(50);
    await ask(payment);
    const { id } = await due(payment.chargeId);
    await refunds.markSent(id);
    assert.deepEqual(await refunds.markFailed(id, 'CHARGE_NOT_FOUND'), { kind: 'not_waiting' });
    assert.equal(await ledger.balance(payment.personId), 0);
  });
});

describe('what Telegram tells of a refund', () => {
  test('confirms one of ours, sent or not, and changes no balance', async () => {
    for (const sent of [true, false]) {
      const payment = await pay(50);
      await ask(payment);
      const { id } = await due(payment.chargeId);
      if (sent) await refunds.markSent(id);
      assert.deepEqual(await tell(payment), { kind: 'confirmed' });
      assert.deepEqual(await tell(payment), { kind: 'already' });
      await refunds.markSent(id);
      assert.equal((await payments.find(payment.chargeId))?.refund, 'confirmed');
      assert.equal(await ledger.balance(payment.personId), 0);
    }
  });

  test('that nobody here asked for takes the stars, below zero if need be, once', async () => {
    const payment = await pay(50);
    await charge(payment.personId, 3000);
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => tell(payment)));
    const reversed = outcomes.filter(({ kind }) => kind === 'reversed');
    assert.deepEqual(reversed, [{ kind: 'reversed', balance: -3000 }]);
    assert.equal(await charge(payment.personId, 1), 'short');
    assert.deepEqual(await ask(payment), { kind: 'already', state: 'confirmed' });
    const next = await pay(30, { personId: payment.personId });
    assert.equal(await ledger.balance(payment.personId), 0, 'the next payment makes up for it');
    assert.equal(await charge(payment.personId, 1), 'short');
    assert.equal((await ask(next)).kind, 'spent');
  });

  test('after our own was thought to have failed takes the stars again', async () => {
    const payment = await pay(50);
    await ask(payment);
    await refunds.markFailed((await due(payment.chargeId)).id, 'misheard');
    assert.deepEqual(await tell(payment), { kind: 'reversed', balance: NO_STARS });
    assert.equal((await payments.find(payment.chargeId))?.refund, 'confirmed');
  });

  test('of another person, another amount or an unknown payment books nothing', async () => {
    const payment = await pay(50);
    const other = await addPerson(database.db);
    assert.deepEqual(await tell({ ...payment, personId: other }), { kind: 'conflict' });
    assert.deepEqual(await tell({ ...payment, amountXtr: 1 }), { kind: 'conflict' });
    assert.deepEqual(await tell({ ...payment, chargeId: randomUUID() }), {
      kind: 'unknown_payment',
    });
    assert.equal(await ledger.balance(payment.personId), 5000);
  });
});

describe('the bonus that a payment brought', () => {
  test('goes back with it, even when it is spent, and comes again when the refund fails', async () => {
    const { inviter, invited } = await invite();
    const generous = createPayments({ db: database.db, referralBonus: stars(1000) });
    const payment = told(invited);
    await generous.book(payment);
    await generous.book(told(invited));
    await charge(inviter, 1000);
    for (let attempt = 0; attempt < 2; attempt++) {
      assert.equal((await ask(payment)).kind, 'requested');
      assert.equal(await ledger.balance(inviter), -1000);
      assert.equal((await ask(payment)).kind, 'already');
      await refunds.markFailed((await due(payment.chargeId)).id, 'CHARGE_NOT_FOUND');
      assert.equal(await ledger.balance(inviter), 0);
    }
    await Promise.all(Array.from({ length: 10 }, () => tell(payment)));
    assert.equal(await ledger.balance(inviter), -1000);
    const [line] = await ledger.statement(inviter, 1);
    assert.deepEqual([line?.kind, line?.source, line?.amount], ['reversal', 'referral', -1000]);
    const report = await auditLedger(database.db);
    const about = ['bonus_reversal', 'payment_reversal', 'referral_bonus', 'balance'];
    assert.deepEqual(
      report.differences.filter(({ what }) => about.includes(what)),
      [],
    );
  });

  test('stays when a later payment goes back, and is brought by none after it', async () => {
    const { inviter, invited } = await invite();
    const generous = createPayments({ db: database.db, referralBonus: stars(1000) });
    const [first, second] = [told(invited), told(invited)];
    await generous.book(first);
    await generous.book(second);
    await ask(second);
    assert.equal(await ledger.balance(inviter), 1000);
    await ask(first);
    await generous.book(told(invited));
    assert.equal(await ledger.balance(inviter), 0);
  });

  test('goes back along a chain of invitations whose payments go back at once', async () => {
    const chain = [await addPerson(database.db)];
    for (let link = 0; link < 5; link++) chain.unshift((await invite(chain[0])).invited);
    const generous = createPayments({ db: database.db, referralBonus: stars(1000) });
    const paid = chain.map((personId) => told(personId));
    for (const payment of paid) await generous.book(payment);
    await Promise.all(paid.flatMap((payment) => [tell(payment), tell(payment)]));
    assert.deepEqual(
      await Promise.all(chain.map((id) => ledger.balance(id))),
      chain.map(() => 0),
    );
  });
});

describe('what is to be told', () => {
  test('is what became of a refund, until it was told', async () => {
    const [returned, refused] = [await pay(50), await pay(51)];
    const [taken, waiting] = [await pay(52), await pay(53)];
    for (const payment of [returned, refused, waiting]) await ask(payment);
    await refunds.markSent((await due(returned.chargeId)).id);
    await makeDueAll();
    await refunds.markFailed((await due(refused.chargeId)).id, 'CHARGE_NOT_FOUND');
    await tell(taken);
    const mine = new Set([returned, refused, taken, waiting].map(({ chargeId }) => chargeId));
    const news = async () =>
      (await refunds.news(1_000)).filter(({ chargeId }) => mine.has(chargeId));
    assert.deepEqual(
      (await news()).map(({ amountXtr, outcome, error }) => [amountXtr, outcome, error]),
      [
        [50, 'returned', null],
        [51, 'refused', 'CHARGE_NOT_FOUND'],
        [52, 'taken', null],
      ],
    );
    for (const { id } of await news()) await refunds.markTold(id);
    await tell(returned);
    assert.deepEqual(await news(), [], 'that Telegram confirms it is no news');
    await tell(waiting);
    assert.deepEqual(
      (await news()).map(({ outcome }) => outcome),
      ['returned'],
    );
  });

  test('names the bonus that went back with a payment, and only if it did', async () => {
    const { inviter, invited } = await invite();
    const generous = createPayments({ db: database.db, referralBonus: stars(1000) });
    const payment = told(invited);
    await generous.book(payment);
    const bonuses = async () =>
      (await refunds.news(1_000))
        .filter(({ chargeId }) => chargeId === payment.chargeId)
        .map(({ bonus }) => bonus);
    await ask(payment);
    await refunds.markFailed((await due(payment.chargeId)).id, 'CHARGE_NOT_FOUND');
    await tell(payment);
    assert.deepEqual(await bonuses(), [null, { personId: inviter, amount: 1000 }]);
  });
});

test('how many refunds wait, and how many are not confirmed, is counted', async () => {
  const before = await refunds.count();
  const [first, second] = [await pay(50), await pay(50)];
  await ask(first);
  await ask(second);
  await refunds.markSent((await due(first.chargeId)).id);
  const { requested, sent } = await refunds.count();
  assert.deepEqual([requested - before.requested, sent - before.sent], [1, 1]);
});

function told(personId: number): ToldPayment {
  return { chargeId: randomUUID(), personId, amountXtr: 50, payload: null, paidAt: new Date() };
}

async function invite(by?: number) {
  const inviter = by ?? (await addPerson(database.db));
  const invited = await addPerson(database.db);
  await database.db.update(people).set({ invitedBy: inviter }).where(eq(people.id, invited));
  return { inviter, invited };
}

async function pay(amountXtr: number, change: Partial<ToldPayment> = {}): Promise<ToldPayment> {
  const payment = {
    ...{ chargeId: randomUUID(), amountXtr, payload: null, paidAt: new Date(), ...change },
    personId: change.personId ?? (await addPerson(database.db)),
  };
  assert.equal((await payments.book(payment)).kind, 'booked');
  return payment;
}

function ask(
  { chargeId, personId }: Pick<ToldPayment, 'chargeId' | 'personId'>,
  change: Partial<RefundRequest> = {},
) {
  return refunds.request({
    ...{ chargeId, by: { kind: 'person', personId }, refundDays: 14 },
    ...change,
  });
}

function tell({ chargeId, personId, amountXtr }: ToldPayment) {
  return refunds.bookTold({ chargeId, personId, amountXtr, at: new Date() });
}

/** Takes everything that is due, and picks one. */
async function find(chargeId: string): Promise<DueRefund | undefined> {
  return (await refunds.take(1000)).find((refund) => refund.chargeId === chargeId);
}

async function due(chargeId: string): Promise<DueRefund> {
  const refund = await find(chargeId);
  assert.ok(refund, 'the refund is due');
  return refund;
}

async function makeDue(id: number): Promise<void> {
  await database.db
    .update(starRefunds)
    .set({ nextTryAt: new Date(0) })
    .where(eq(starRefunds.id, id));
}

async function makeDueAll(): Promise<void> {
  await database.db.update(starRefunds).set({ nextTryAt: new Date(0) });
}

async function charge(personId: number, amount: number): Promise<string> {
  const orderId = randomUUID();
  const outcome = await database.db.transaction((tx) =>
    ledger.charge(tx, {
      ...{ personId, amount: stars(amount), cost: NO_STARS, serviceType: 'test' },
      ...{ orderId, key: `charge:${orderId}` },
    }),
  );
  return outcome.kind;
}

async function give(personId: number, amount: number): Promise<void> {
  const key = `promo:${randomUUID()}`;
  await ledger.topUp({ personId, amount: stars(amount), paymentMethod: 'Bonus', key });
}
