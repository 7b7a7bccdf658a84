import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { and, asc, eq, inArray, ne, sql } from 'drizzle-orm';
import fc from 'fast-check';
import { accounts, entries } from '../../src/db/schema.ts';
import { payments as paymentRows, starRefunds } from '../../src/db/stars-schema.ts';
import { NO_STARS, stars } from '../../src/domain/stars.ts';
import { auditLedger } from '../../src/ledger/audit.ts';
import { createLedger, type Ledger } from '../../src/ledger/ledger.ts';
import { countPaidLeft } from '../../src/ledger/paid-left.ts';
import { createPayments, type Payments } from '../../src/ledger/payments.ts';
import { createReconciler, type Reconciler } from '../../src/ledger/reconcile.ts';
import { createStarRefunds, type StarRefunds } from '../../src/ledger/star-refunds.ts';
import type { StarTransaction } from '../../src/ledger/star-transaction.ts';
import { addPerson, openTestDatabase, type TestDatabase } from '../support/database.ts';
import { createOrderBooks, type StepEnd } from './order-books.ts';
import { createTelegramBooks, type TelegramBooks } from './telegram-books.ts';

let database: TestDatabase;
let ledger: Ledger;
let payments: Payments;
let refunds: StarRefunds;
let reconciler: Reconciler;

before(async () => {
  database = await openTestDatabase();
  const { db } = database;
  ledger = createLedger({ db });
  payments = createPayments({ db, referralBonus: NO_STARS });
  refunds = createStarRefunds({ db });
  reconciler = createReconciler({ db, payments, refunds });
});
after(() => database.close());

/**
 * Something that happens to one of two people; `which` picks among the payments or orders there are by then.
 * What `dies` is killed before it is committed.
 */
type Event =
  | { readonly kind: 'pay'; readonly amountXtr: number; readonly told: boolean }
  | { readonly kind: 'told_again'; readonly which: number }
  | { readonly kind: 'confirm'; readonly prices: readonly number[]; readonly dies: boolean }
  | {
      readonly kind: 'end_step';
      readonly which: number;
      readonly end: StepEnd;
      readonly dies: boolean;
    }
  | { readonly kind: 'cancel' | 'finish'; readonly which: number; readonly dies: boolean }
  | { readonly kind: 'ordered_again'; readonly which: number }
  | { readonly kind: 'gift'; readonly amount: number }
  | { readonly kind: 'ask_back'; readonly which: number; readonly admin: boolean }
  | {
      readonly kind: 'send';
      readonly how: 'answered' | 'crash_before' | 'crash_after' | 'misheard';
    }
  | { readonly kind: 'chargeback'; readonly which: number; readonly told: boolean }
  | { readonly kind: 'lock'; readonly which: number }
  | { readonly kind: 'reconcile' };

const which = fc.nat({ max: 7 });
const dies = fc.boolean();
const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('pay' as const),
      amountXtr: fc.constantFrom(1, 50, 100),
      told: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('told_again' as const), which }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('confirm' as const),
      prices: fc.array(fc.constantFrom(1, 750, 4453), { minLength: 1, maxLength: 3 }),
      dies,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('end_step' as const),
      end: fc.constantFrom(...(['done', 'replaced', 'failed'] as const)),
      ...{ which, dies },
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom(...(['cancel', 'finish'] as const)),
      ...{ which, dies },
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('ordered_again' as const), which }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('gift' as const),
      amount: fc.constantFrom(1, 2500, 5000),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('ask_back' as const), which, admin: fc.boolean() }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      how: fc.constantFrom(...(['answered', 'crash_before', 'crash_after', 'misheard'] as const)),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('chargeback' as const), which, told: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('lock' as const), which }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reconcile' as const) }) },
);

test('one after another, whatever is lost, repeated or cut off, the books become those of Telegram', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 30 }), async (events) => {
      const world = await createWorld();
      for (const each of events) {
        await world.live(each);
        await world.checkInvariants();
      }
      await world.checkAgreement();
    }),
    { numRuns: 15 },
  );
});

test('at once, in any interleaving, the books become those of Telegram', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(event, { minLength: 2, maxLength: 12 }), { minLength: 1, maxLength: 4 }),
      async (batches) => {
        const world = await createWorld();
        for (const batch of batches) {
          await Promise.all(batch.map((each) => world.live(each)));
          await world.checkInvariants();
        }
        await world.checkAgreement();
      },
    ),
    { numRuns: 15 },
  );
});

/** Two people, what Telegram keeps of them, and a bot that may lose whatever it is told. */
async function createWorld() {
  const people = [await addPerson(database.db), await addPerson(database.db)] as const;
  const telegram = createTelegramBooks(randomUUID());
  const orders = createOrderBooks(database.db, ledger);
  let turn = 0;
  const nextPerson = () => people[turn++ % 2] ?? people[0];

  async function live(each: Event): Promise<void> {
    const personId = nextPerson();
    const paid = telegram.transactions().filter((line) => line.direction === 'in');
    const chosen = 'which' in each ? paid[each.which % Math.max(1, paid.length)] : undefined;
    switch (each.kind) {
      case 'pay': {
        const line = telegram.pay(personId, each.amountXtr, null);
        if (each.told) await tellPayment(line);
        return;
      }
      case 'told_again':
        if (chosen) await tellPayment(chosen);
        return;
      case 'confirm':
        return orders.confirm(personId, each.prices, each.dies);
      case 'end_step':
        return orders.endStep(each.which, each.end, each.dies);
      case 'cancel':
      case 'finish':
        return orders[each.kind](each.which, each.dies);
      case 'ordered_again':
        return orders.repeat(each.which);
      case 'gift':
        return give(personId, each.amount);
      case 'ask_back':
        if (chosen) await askBack(chosen, each.admin);
        return;
      case 'send':
        return sendRefunds(telegram, each.how);
      case 'chargeback':
        if (!chosen || chosen.personId === null) return;
        if (telegram.refund(chosen.personId, chosen.id) === 'ok' && each.told) {
          await tellRefund(chosen);
        }
        return;
      case 'lock':
        if (chosen) telegram.lock(chosen.id);
        return;
      case 'reconcile':
        await reconciler.reconcile([...telegram.transactions()]);
        return;
    }
  }

  return {
    live,

    async checkInvariants() {
      for (const personId of people) await checkPerson(personId);
      await orders.check();
    },

    async checkAgreement() {
      await orders.finishAll();
      await orders.check();
      for (let round = 0; round < 3; round++) {
        await sendRefunds(telegram, 'answered');
        const { differences } = await reconciler.reconcile(telegram.transactions(), new Date());
        assert.deepEqual(differences, []);
      }
      await checkBooks(telegram, people);
      const again = await reconciler.reconcile(telegram.transactions(), new Date());
      assert.deepEqual(
        [again.credited.length, again.reversed.length, again.confirmed],
        [0, 0, 0],
        'a second look finds nothing',
      );
      for (const personId of people) await checkPerson(personId);
      const { differences } = await auditLedger(database.db);
      assert.deepEqual(differences, []);
    },
  };
}

async function tellPayment(line: StarTransaction): Promise<void> {
  if (line.personId === null) return;
  const { id: chargeId, personId, amountXtr, payload, at: paidAt } = line;
  await payments.book({ chargeId, personId, amountXtr, payload, paidAt });
}

async function tellRefund(line: StarTransaction): Promise<void> {
  if (line.personId === null) return;
  const { id: chargeId, personId, amountXtr } = line;
  await refunds.bookTold({ chargeId, personId, amountXtr, at: new Date() });
}

async function askBack(line: StarTransaction, admin: boolean): Promise<void> {
  if (line.personId === null) return;
  const before = await ledger.balance(line.personId);
  const by = admin
    ? ({ kind: 'admin', adminId: 1 } as const)
    : ({ kind: 'person', personId: line.personId } as const);
  const outcome = await refunds.request({ chargeId: line.id, by, refundDays: 14 });
  if (outcome.kind === 'requested') assert.ok(outcome.balance >= 0, 'only what is left goes back');
  if (outcome.kind === 'spent') assert.ok(outcome.left < line.amountXtr * 100);
  if (outcome.kind === 'late') assert.fail(`nothing here is late, the balance was ${before}`);
}

async function give(personId: number, amount: number): Promise<void> {
  const key = `promo:${randomUUID()}`;
  await ledger.topUp({ personId, amount: stars(amount), paymentMethod: 'Bonus', key });
}

async function charge(personId: number, amount: number): Promise<void> {
  const orderId = randomUUID();
  await database.db.transaction(async (tx) => {
    const outcome = await ledger.charge(tx, {
      ...{ personId, amount: stars(amount), cost: NO_STARS, serviceType: 'test', orderId },
      key: `charge:${orderId}`,
    });
    if (outcome.kind === 'charged') assert.ok(outcome.balance >= 0, 'nobody orders on credit');
  });
}

/** One pass over the outbox, by a process that may die before or after it asked Telegram. */
async function sendRefunds(
  telegram: TelegramBooks,
  how: 'answered' | 'crash_before' | 'crash_after' | 'misheard',
): Promise<void> {
  await database.db.update(starRefunds).set({ nextTryAt: new Date(0) });
  for (const due of await refunds.take(100)) {
    if (how === 'crash_before') continue;
    const answer = telegram.refund(due.personId, due.chargeId);
    if (how === 'crash_after') continue;
    const said = how === 'misheard' ? 'CHARGE_NOT_FOUND' : answer;
    if (said === 'CHARGE_NOT_FOUND') await refunds.markFailed(due.id, said);
    else await refunds.markSent(due.id);
  }
}

async function checkPerson(personId: number): Promise<void> {
  const written = await database.db
    .select()
    .from(entries)
    .where(eq(entries.personId, personId))
    .orderBy(asc(entries.id));
  const [account] = await database.db
    .select()
    .from(accounts)
    .where(eq(accounts.personId, personId));
  const total = (of: typeof written) => of.reduce((sum, entry) => sum + entry.amount, 0);
  assert.equal(account?.balance ?? 0, total(written), 'the balance is the sum of the entries');
  const asked = await database.db
    .select({ entryId: starRefunds.entryId })
    .from(starRefunds)
    .innerJoin(paymentRows, eq(paymentRows.chargeId, starRefunds.chargeId))
    .where(and(eq(paymentRows.personId, personId), ne(starRefunds.requestedBy, 'telegram')));
  for (const { entryId } of asked) {
    const until = written.filter(({ id }) => id <= entryId);
    assert.ok(countPaidLeft(until).total >= 0, 'what was given never goes to Telegram');
    const isPaid = ({ paymentMethod }: (typeof until)[number]) => paymentMethod === 'TelegramStars';
    const given = total(until.filter(({ paymentMethod }) => paymentMethod === 'Bonus'));
    const used = -total(until.filter(({ paymentMethod }) => paymentMethod === 'Internal'));
    assert.ok(total(until.filter(isPaid)) >= used - given, 'what was used is paid or was given');
  }
  for (const entry of written) {
    if (entry.kind === 'charge') {
      const returned = total(written.filter((other) => other.chargeId === entry.id));
      assert.ok(returned <= -entry.amount, 'refunds never exceed their charge');
    }
    if (entry.kind === 'top_up') {
      const reversals = written.filter((other) => other.reversesId === entry.id);
      const undone = written.filter((other) =>
        reversals.some((reversal) => other.reversesId === reversal.id),
      );
      const gone = -(total(reversals) + total(undone));
      assert.ok(gone === 0 || gone === entry.amount, 'a payment goes back whole, once, or not');
    }
  }
}

/** Every payment and every refund of Telegram's is in the books, and nothing else is. */
async function checkBooks(telegram: TelegramBooks, people: readonly number[]): Promise<void> {
  const booked = await database.db
    .select()
    .from(paymentRows)
    .where(inArray(paymentRows.personId, [...people]));
  const paid = telegram.transactions().filter((line) => line.direction === 'in');
  const describe = (id: string, personId: number | null, amountXtr: number) =>
    `${id} ${personId} ${amountXtr}`;
  assert.deepEqual(
    booked.map((row) => describe(row.chargeId, row.personId, row.amountXtr)).sort(),
    paid.map((line) => describe(line.id, line.personId, line.amountXtr)).sort(),
  );
  for (const { id } of paid) {
    const payment = await payments.find(id);
    assert.equal(payment?.refund === 'confirmed', telegram.isRefunded(id), `refund of ${id}`);
    assert.ok(payment?.refund === null || payment?.refund === 'confirmed', `${id} is waiting`);
  }
}

test('of 100 bookings of one payment at once, one puts it on the balance', async () => {
  const personId = await addPerson(database.db);
  const told = { chargeId: randomUUID(), personId, amountXtr: 50, payload: null };
  const bookings = await Promise.all(
    Array.from({ length: 100 }, (_, index) =>
      payments.book({ ...told, paidAt: new Date() }, index % 2 === 0 ? 'update' : 'reconciled'),
    ),
  );
  const count = (kind: string) => bookings.filter((booking) => booking.kind === kind).length;
  assert.deepEqual([count('booked'), count('already')], [1, 99]);
  assert.equal(await ledger.balance(personId), 5000);
});

test('asking for all of it back and ordering, all at once, never exceeds what was there', async () => {
  const personId = await addPerson(database.db);
  const chargeIds = Array.from({ length: 5 }, () => randomUUID());
  for (const chargeId of chargeIds) {
    await payments.book({
      ...{ chargeId, personId, amountXtr: 50, payload: null, paidAt: new Date() },
    });
  }
  const asks = [...chargeIds, ...chargeIds, ...chargeIds].map((chargeId) =>
    refunds.request({ chargeId, by: { kind: 'person', personId }, refundDays: 14 }),
  );
  const charges = Array.from({ length: 15 }, () => charge(personId, 4999));
  const outcomes = await Promise.all([...asks, ...charges]);
  const requested = outcomes.filter((outcome) => outcome && outcome.kind === 'requested');
  const balance = await ledger.balance(personId);
  const [charged] = await database.db
    .select({ total: sql<number>`coalesce(sum(-amount) * 100, 0)::int` })
    .from(entries)
    .where(sql`person_id = ${personId} and kind = 'charge'`);
  assert.ok(balance >= 0 && balance < 4999);
  assert.equal(requested.length * 5000 + (charged?.total ?? 0) + balance, 25_000);
  await checkPerson(personId);
});
