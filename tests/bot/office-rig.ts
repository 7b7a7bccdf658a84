import { after, before, type TestContext } from 'node:test';
import type { Office } from '../../src/bot/office.ts';
import type { StarBooks } from '../../src/bot/payments/books.ts';
import type { Db } from '../../src/db/database.ts';
import { type Stars, stars } from '../../src/domain/stars.ts';
import { auditLedger } from '../../src/ledger/audit.ts';
import { exportTable } from '../../src/ledger/exports.ts';
import { createInvoices } from '../../src/ledger/invoices.ts';
import { createLedger, type Ledger } from '../../src/ledger/ledger.ts';
import { createPayments } from '../../src/ledger/payments.ts';
import { createReconciler } from '../../src/ledger/reconcile.ts';
import { createStarRefunds } from '../../src/ledger/star-refunds.ts';
import { readStatistics } from '../../src/ledger/statistics.ts';
import { createAdminLog } from '../../src/people/admin-log.ts';
import { createBans } from '../../src/people/bans.ts';
import { createDirectory } from '../../src/people/directory.ts';
import { createForgetting } from '../../src/people/forgetting.ts';
import { createPeople, type People } from '../../src/people/people.ts';
import { createPromo } from '../../src/people/promo.ts';
import { createReferral } from '../../src/people/referral.ts';
import { createSales } from '../../src/people/sales.ts';
import { createTerms } from '../../src/people/terms.ts';
import { createTickets } from '../../src/people/tickets.ts';
import type { Person } from '../support/chat.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { type Rig, type RigOptions, startRig } from './rig.ts';

/** A bot whose people, books and operators' desk are in a real database; its orders are in memory. */
export interface OfficeRig extends Rig {
  readonly db: Db;
  readonly office: Office;
  readonly books: StarBooks;
  readonly ledger: Ledger;
  readonly known: People;
  /** Somebody the bot has met. */
  somebody(options?: {
    readonly name?: string;
    readonly language?: 'en' | 'ru';
    readonly welcome?: Stars;
  }): Promise<Person>;
  /** Books a payment as Telegram tells it; gives its charge id. */
  paid(personId: number, amountXtr: number): Promise<string>;
  /** The operator of this rig alone: message ids begin anew with each, and books remember them. */
  readonly adminId: number;
  /** The operator, who has pressed Start. */
  operator(): Promise<Person>;
}

export const REFERRAL_BONUS = stars(500);

/** Opens one database for the tests of a file; gives the rig of each of them. */
export function prepareOffice(): (t: TestContext, options?: RigOptions) => Promise<OfficeRig> {
  let database: TestDatabase;
  let people = 7_000;
  let charges = 0;
  let admins = 900;

  before(async () => {
    database = await openTestDatabase();
  });
  after(() => database.close());

  return async (t, options = {}) => {
    const { db } = database;
    admins += 1;
    const adminId = admins;
    const ledger = createLedger({ db });
    const known = createPeople({ db, ledger, welcomeStars: stars(0) });
    const payments = createPayments({ db, referralBonus: REFERRAL_BONUS });
    const refunds = createStarRefunds({ db });
    const sales = createSales({ db });
    await sales.resume();
    const books: StarBooks = {
      ...{ payments, refunds, sales },
      invoices: createInvoices({ db }),
      reconciler: createReconciler({ db, payments, refunds }),
      terms: createTerms({ db }),
    };
    const office: Office = {
      adminLog: createAdminLog({ db }),
      bans: createBans({ db }),
      directory: createDirectory({ db }),
      forgetting: createForgetting({ db }),
      promo: createPromo({ db, ledger }),
      referral: createReferral({ db }),
      referralBonus: REFERRAL_BONUS,
      sales,
      tickets: createTickets({ db }),
      audit: () => auditLedger(db),
      statistics: (period, now) => readStatistics(db, period, now),
      exportTable: (kind, period, now) => exportTable(db, kind, period, now),
    };
    const rig = await startRig(t, {
      adminIds: [adminId],
      ...options,
      rooms: () => ({ people: known, ledger, books, office }),
    });
    return Object.assign(rig, {
      ...{ db, office, books, ledger, known, adminId },
      async somebody({ name = 'Ann', language = 'en', welcome = stars(0) } = {}) {
        people += 1;
        const personId = people;
        const person = rig.person(personId, name, language);
        await known.meet({ id: personId, firstName: name, languageCode: language });
        await known.setGender(personId, 'unset');
        if (welcome > 0) {
          const given = { personId, amount: welcome, paymentMethod: 'Admin' } as const;
          await ledger.topUp({ ...given, key: `grant:test:${personId}` });
        }
        return person;
      },
      async paid(personId, amountXtr) {
        charges += 1;
        const chargeId = `charge_${personId}_${charges}`;
        await payments.book({ chargeId, personId, amountXtr, payload: null, paidAt: new Date() });
        return chargeId;
      },
      async operator() {
        const root = rig.person(adminId, 'Root');
        await known.meet({ id: adminId, firstName: 'Root', languageCode: 'en' });
        return root;
      },
    } satisfies Omit<OfficeRig, keyof Rig>);
  };
}
