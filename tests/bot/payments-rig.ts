import { after, before, type TestContext } from 'node:test';
import { desc, eq } from 'drizzle-orm';
import type { StarBooks } from '../../src/bot/payments/books.ts';
import { TERMS_VERSION } from '../../src/bot/payments/terms-version.ts';
import {
  entries,
  orders as orderRows,
  people as peopleRows,
  photos,
  type StoredQuote,
} from '../../src/db/schema.ts';
import { starRefunds } from '../../src/db/stars-schema.ts';
import type { MorphMode } from '../../src/domain/morph-plan.ts';
import { type Stars, stars } from '../../src/domain/stars.ts';
import { auditLedger } from '../../src/ledger/audit.ts';
import { createInvoices } from '../../src/ledger/invoices.ts';
import { createLedger, type Ledger } from '../../src/ledger/ledger.ts';
import { createPayments } from '../../src/ledger/payments.ts';
import { createReconciler } from '../../src/ledger/reconcile.ts';
import { createStarRefunds } from '../../src/ledger/star-refunds.ts';
import { createImages } from '../../src/media/images.ts';
import { createSounds } from '../../src/media/sounds.ts';
import { createFileStorage } from '../../src/media/storage.ts';
import { createVideo } from '../../src/media/video.ts';
import type { ChatPort } from '../../src/orders/chat-port.ts';
import { createOrders } from '../../src/orders/create-orders.ts';
import { createQueue, type Queue } from '../../src/orders/queue.ts';
import { createPeople, type People } from '../../src/people/people.ts';
import { createSales, type Sales } from '../../src/people/sales.ts';
import { createTerms } from '../../src/people/terms.ts';
import { createCatalogue } from '../../src/services/catalogue.ts';
import { imageMorphing } from '../../src/services/image-morphing.ts';
import type { Person } from '../support/chat.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { createQuickMorpher } from '../support/quick-morpher.ts';
import { createQuickPhotos } from '../support/quick-photos.ts';
import { quickTools } from '../support/quick-tools.ts';
import { type Rig, type RigOptions, startRig } from './rig.ts';

/** A bot whose people, orders and books are in a real database; nothing is rendered. */
export interface PaymentsRig extends Rig {
  readonly books: StarBooks;
  readonly ledger: Ledger;
  readonly known: People;
  readonly sales: Sales;
  /** Somebody the bot has met, with stars at Telegram and the terms accepted (unless told otherwise). */
  somebody(options?: {
    readonly language?: 'en' | 'ru';
    readonly purse?: number;
    readonly accepted?: boolean;
  }): Promise<Person>;
  /** An order of two photos with a chosen mode that waits for its Confirm; gives its id. */
  quotedOrder(personId: number, price: Stars, mode?: MorphMode): Promise<string>;
  orderState(orderId: string): Promise<string | undefined>;
  balance(personId: number): Promise<number>;
  /** Writes down who invited somebody the bot has met. */
  invite(personId: number, by: number): Promise<void>;
  /** The number of the refund that was asked for last. */
  newestRefund(): Promise<number>;
  /** The signed amounts of a person's entries, oldest first. */
  moved(personId: number): Promise<readonly string[]>;
}

const REFERRAL_BONUS = stars(500);

/** Nothing is rendered, so there is no progress; and looking for it is most of what a database would do here. */
const SELDOM = { tickMs: 2_000, editEveryMs: 60 };

/** Opens one database for the tests of a file; gives the rig of each of them. */
export function preparePayments(): (t: TestContext, options?: RigOptions) => Promise<PaymentsRig> {
  let database: TestDatabase;
  let queue: Queue;
  let people = 5_000;

  before(async () => {
    database = await openTestDatabase();
    queue = createQueue({
      database,
      serverUrl: database.place.options.url,
      onError: (error) => {
        throw error;
      },
    });
    await queue.start();
  });

  after(async () => {
    await queue.stop();
    const { differences } = await auditLedger(database.db);
    await database.close();
    if (differences.length > 0) throw new Error(`Left behind: ${JSON.stringify(differences)}`);
  });

  return async (t, options = {}) => {
    const { db } = database;
    const ledger = createLedger({ db });
    const known = createPeople({ db, ledger, welcomeStars: stars(0) });
    const sales = createSales({ db });
    const payments = createPayments({ db, referralBonus: REFERRAL_BONUS });
    const refunds = createStarRefunds({ db });
    const reconciler = createReconciler({ db, payments, refunds });
    const invoices = createInvoices({ db });
    const terms = createTerms({ db });
    const books: StarBooks = { payments, refunds, reconciler, invoices, terms, sales };
    const tools = await quickTools();
    const model = 'kwaivgi/kling-v1.6-pro';
    const catalogue = createCatalogue([imageMorphing], {
      tariff: { starUsd: 0.016, markup: 1.5 },
      morphModel: model,
      isOffered: () => true,
    });
    const makeOrders = (chat: () => ChatPort) =>
      createOrders({
        ...{ db, queue, ledger, catalogue },
        storage: createFileStorage(database.place.options.dataDir),
        photos: createQuickPhotos(),
        video: createVideo(tools),
        morpher: createQuickMorpher({ tools }),
        images: createImages(),
        sounds: createSounds(tools),
        providers: [],
        chat: new Proxy({} as ChatPort, { get: (_, key) => Reflect.get(chat(), key) }),
        log: { warn: () => undefined },
        withdraw: () => undefined,
        ...{ maxPhotos: 20, renderConcurrency: 1, retentionHours: 72, previewsPerDay: 0 },
        uploadLimitBytes: 49_000_000,
      });

    const rig = await startRig(t, {
      ...options,
      timings: { progress: SELDOM, ...options.timings },
      rooms: (chat) => {
        const desk = makeOrders(chat);
        return { people: known, ledger, books, orders: () => desk, ...options.rooms?.(chat) };
      },
    });

    return Object.assign(rig, {
      ...{ books, ledger, known, sales },
      async somebody({ language = 'en', purse = 10_000, accepted = true } = {}) {
        people += 1;
        const firstName = language === 'ru' ? 'Олег' : 'Ann';
        const person = rig.person(people, firstName, language);
        await known.meet({ id: people, firstName, languageCode: language });
        await known.setGender(people, 'unset');
        if (accepted) await terms.accept(people, TERMS_VERSION);
        if (purse > 0) person.addStars(purse);
        return person;
      },
      async quotedOrder(personId, price, mode = 'seamless') {
        const id = `order${personId}x${Date.now()}`;
        const step = { photos: [0, 1], seconds: 5, price, cost: stars(0) };
        const back = { ...step, photos: [1, 0] };
        const quote: StoredQuote = {
          model,
          plans: { seamless: [step], loop: [step, back] },
        };
        const input = { photoCount: 2, mode, gender: 'unset' };
        const order = { id, personId, serviceType: 'image_morphing', state: 'quoted' as const };
        await db.insert(orderRows).values({ ...order, quote, mode, input });
        const photo = { orderId: id, state: 'ready' as const, width: 480, height: 320 };
        await db.insert(photos).values(
          [1, 2].map((messageId) => {
            const fileId = `${id}-${messageId}`;
            return { ...photo, messageId, fileId, fileUniqueId: fileId };
          }),
        );
        return id;
      },
      async orderState(orderId) {
        const [row] = await db.select().from(orderRows).where(eq(orderRows.id, orderId));
        return row?.state;
      },
      balance: (personId) => ledger.balance(personId),
      async invite(personId, by) {
        await db.update(peopleRows).set({ invitedBy: by }).where(eq(peopleRows.id, personId));
      },
      async newestRefund() {
        const [row] = await db.select().from(starRefunds).orderBy(desc(starRefunds.id)).limit(1);
        if (!row) throw new Error('No refund was asked for');
        return row.id;
      },
      async moved(personId) {
        const rows = await db
          .select()
          .from(entries)
          .where(eq(entries.personId, personId))
          .orderBy(entries.id);
        return rows.map(({ kind, amount }) => `${kind} ${amount / 100}`);
      },
    } satisfies Omit<PaymentsRig, keyof Rig>);
  };
}

/** The payload of the invoice on this message. */
export function payloadAt({ server }: Pick<Rig, 'server'>, { id }: Person, messageId: number) {
  const invoice = server.world.stars.invoiceAt({ chatId: id, messageId });
  if (!invoice) throw new Error(`Message ${messageId} is no invoice`);
  return invoice.payload;
}

/** What Telegram tells of a payment; forged where no invoice was paid. */
export function paymentOf(person: Person, payload: string, amountXtr: number, chargeId: string) {
  return {
    message: {
      ...messageFrom(person),
      successful_payment: {
        currency: 'XTR' as const,
        total_amount: amountXtr,
        invoice_payload: payload,
        telegram_payment_charge_id: `${chargeId}-${person.id}`,
        provider_payment_charge_id: 'x',
      },
    },
  };
}

/** What Telegram tells of a payment that went back. */
export function refundOf(person: Person, chargeId: string, amountXtr: number) {
  return {
    message: {
      ...messageFrom(person),
      refunded_payment: {
        currency: 'XTR' as const,
        total_amount: amountXtr,
        invoice_payload: 'x',
        telegram_payment_charge_id: chargeId,
      },
    },
  };
}

function messageFrom({ id }: Person) {
  return {
    message_id: 9_000_000,
    date: Math.floor(Date.now() / 1000),
    chat: { id, type: 'private' as const, first_name: 'Ann' },
    from: { id, is_bot: false, first_name: 'Ann' },
  };
}
