import { randomUUID } from 'node:crypto';
import type { PGlite } from '@electric-sql/pglite';
import { z } from 'zod';
import type { Db } from '../../src/db/database.ts';
import { stars } from '../../src/domain/stars.ts';
import { createLedger, type Ledger } from '../../src/ledger/ledger.ts';
import { addPerson, openTestDatabase } from '../support/database.ts';
import { type Bench, inverse, measurePairs, timed } from './measure.ts';

const REPETITIONS = 15;
/** Charges by one way before it is the other's turn, and turns in one repetition: load comes in bursts. */
const TURN = 10;
const TURNS = 15;
/** Before that Node still interprets much of both. */
const WARM_UP = 3000;
const GOAL = 0.6;

/** Each charge is a transaction of its own, as a confirmed order is. */
export const charges: Bench = {
  name: 'charges',
  about: 'Charges per second of the ledger, against the same statements through the bare driver',
  async run() {
    const database = await openTestDatabase();
    try {
      const { db, embedded } = database;
      if (!embedded) throw new Error('This bench runs on the embedded database');
      const personId = await addPerson(db);
      const ledger = createLedger({ db });
      const amount = stars(1_000_000_000);
      await ledger.topUp({ personId, amount, paymentMethod: 'Admin', key: 'bench' });
      for (let time = 0; time < WARM_UP; time += 1) {
        await chargeByLedger(ledger, db, personId);
        await chargeBare(embedded, personId);
      }
      const pairs = await measurePairs(
        REPETITIONS,
        {
          ours: () => charge(() => chargeByLedger(ledger, db, personId)),
          bare: () => charge(() => chargeBare(embedded, personId)),
        },
        TURNS,
      );
      return [
        {
          what: 'charges per second',
          ours: `${((TURN * TURNS) / pairs.ours.median).toFixed(0)}/s`,
          baseline: `${((TURN * TURNS) / pairs.bare.median).toFixed(0)}/s`,
          ratio: inverse(pairs.ratio),
          goal: { atLeast: GOAL },
        },
      ];
    } finally {
      await database.close();
    }
  },
};

function charge(once: () => Promise<unknown>): Promise<number> {
  return timed(async () => {
    for (let time = 0; time < TURN; time += 1) await once();
  });
}

function chargeByLedger(ledger: Ledger, db: Db, personId: number) {
  return db.transaction((tx) =>
    ledger.charge(tx, {
      personId,
      amount: stars(4453),
      cost: stars(2968),
      serviceType: 'image_morphing',
      orderId: randomUUID(),
      key: randomUUID(),
    }),
  );
}

const balanceRow = z.object({ balance: z.string() });

/** The statements of `Ledger.charge`, by hand. */
function chargeBare(engine: PGlite, personId: number) {
  const key = randomUUID();
  return engine.transaction(async (tx) => {
    const account = await tx.query(
      `select "balance" from "accounts" where "accounts"."person_id" = $1 for update`,
      [personId],
    );
    balanceRow.parse(account.rows[0]);
    const earlier = await tx.query(
      `select "id", "person_id", "kind", "idempotency_key" from "ledger_entries" where "ledger_entries"."idempotency_key" = $1`,
      [key],
    );
    if (earlier.rows.length > 0) throw new Error('A fresh key is not known');
    const debited = await tx.query(
      `update "accounts" set "balance" = "accounts"."balance" - $1::numeric
        where ("accounts"."person_id" = $2 and "accounts"."balance" >= $3::numeric)
       returning "balance"`,
      ['44.53', personId, '44.53'],
    );
    balanceRow.parse(debited.rows[0]);
    await tx.query(
      `insert into "ledger_entries" ("person_id", "kind", "amount", "cost", "idempotency_key",
                                     "service_type", "payment_method", "order_id")
       values ($1, $2, $3, $4, $5, $6, $7, $8) returning "id"`,
      [personId, 'charge', '-44.53', '-29.68', key, 'image_morphing', 'Internal', randomUUID()],
    );
  });
}
