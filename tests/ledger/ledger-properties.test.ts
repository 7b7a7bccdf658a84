import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eq } from 'drizzle-orm';
import fc from 'fast-check';
import { accounts, entries } from '../../src/db/schema.ts';
import { NO_STARS, stars } from '../../src/domain/stars.ts';
import { createLedger, type Ledger } from '../../src/ledger/ledger.ts';
import { addPerson, openTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
let ledger: Ledger;

before(async () => {
  database = await openTestDatabase();
  ledger = createLedger({ db: database.db });
});
after(() => database.close());

/** A deed on the books of one person; few keys, so that many are repetitions. */
type Deed =
  | { readonly kind: 'top_up'; readonly amount: number; readonly key: number }
  | { readonly kind: 'charge'; readonly amount: number; readonly key: number }
  | {
      readonly kind: 'refund';
      readonly amount: number;
      readonly key: number;
      readonly of: number;
    };

const amount = fc.oneof(fc.integer({ min: 1, max: 500 }), fc.constantFrom(1, 100, 750));
const key = fc.nat({ max: 5 });
const deed: fc.Arbitrary<Deed> = fc.oneof(
  fc.record({ kind: fc.constant('top_up' as const), amount, key }),
  fc.record({ kind: fc.constant('charge' as const), amount, key }),
  fc.record({ kind: fc.constant('refund' as const), amount, key, of: key }),
);

test('one after another, every outcome and balance is what simple books would say', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(deed, { maxLength: 25 }), async (deeds) => {
      const personId = await addPerson(database.db);
      const books = simpleBooks();
      for (const each of deeds) {
        assert.equal(await act(personId, each), books.act(each));
        assert.equal(await ledger.balance(personId), books.balance());
      }
      await checkInvariants(personId);
    }),
    { numRuns: 40 },
  );
});

test('at once, in any interleaving, the books stay sound and each key counts once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(deed, { minLength: 1, maxLength: 12 }), { maxLength: 4 }),
      async (batches) => {
        const people = [await addPerson(database.db), await addPerson(database.db)];
        for (const batch of batches) {
          await Promise.all(people.flatMap((personId) => batch.map((each) => act(personId, each))));
          for (const personId of people) await checkInvariants(personId);
        }
      },
    ),
    { numRuns: 25 },
  );
});

async function act(personId: number, each: Deed): Promise<string> {
  const value = stars(each.amount);
  const name = `${each.kind}:${personId}:${each.key}`;
  if (each.kind === 'top_up') {
    const topUp = { personId, amount: value, paymentMethod: 'Admin', key: name } as const;
    return (await ledger.topUp(topUp)).kind;
  }
  return database.db.transaction(async (tx) => {
    const outcome =
      each.kind === 'charge'
        ? await ledger.charge(tx, {
            personId,
            amount: value,
            cost: NO_STARS,
            serviceType: 'image_morphing',
            orderId: name,
            key: name,
          })
        : await ledger.refund(tx, {
            chargeKey: `charge:${personId}:${each.of}`,
            amount: value,
            cost: NO_STARS,
            reason: 'test',
            key: name,
          });
    return outcome.kind;
  });
}

/** What the ledger promises, in a few lines without a database. */
function simpleBooks() {
  const charges = new Map<number, { left: number }>();
  const done = new Set<string>();
  let balance = 0;
  return {
    balance: () => balance,
    act(each: Deed): string {
      const name = `${each.kind}:${each.key}`;
      const charge = each.kind === 'refund' ? charges.get(each.of) : undefined;
      if (each.kind === 'refund' && !charge) return 'no_charge';
      if (done.has(name)) return 'already';
      if (each.kind === 'charge' && balance < each.amount) return 'short';
      if (charge && charge.left < each.amount) return 'exceeds';
      done.add(name);
      balance += each.kind === 'charge' ? -each.amount : each.amount;
      if (each.kind === 'charge') charges.set(each.key, { left: each.amount });
      if (charge) charge.left -= each.amount;
      return { top_up: 'topped_up', charge: 'charged', refund: 'refunded' }[each.kind];
    },
  };
}

async function checkInvariants(personId: number): Promise<void> {
  const written = await database.db.select().from(entries).where(eq(entries.personId, personId));
  const [account] = await database.db
    .select()
    .from(accounts)
    .where(eq(accounts.personId, personId));
  const balance = account?.balance ?? 0;
  assert.equal(
    balance,
    written.reduce((sum, entry) => sum + entry.amount, 0),
    'the balance is the sum of the entries',
  );
  assert.ok(balance >= 0, 'the balance is never negative');
  for (const charge of written.filter((entry) => entry.kind === 'charge')) {
    const refunded = written
      .filter((entry) => entry.chargeId === charge.id)
      .reduce((sum, entry) => sum + entry.amount, 0);
    assert.ok(refunded <= -charge.amount, 'refunds never exceed their charge');
  }
  const keys = written.map((entry) => entry.idempotencyKey);
  assert.equal(new Set(keys).size, keys.length, 'each key counts once');
}
