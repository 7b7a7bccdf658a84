import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { eq, inArray } from 'drizzle-orm';
import type { Db } from '../db/database.ts';
import { orders, photos, type StoredQuote } from '../db/schema.ts';
import type { OrderMode } from '../domain/order-mode.ts';
import { isOpen } from '../domain/order-state.ts';
import { stars, sumStars } from '../domain/stars.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { StorageFullError } from '../media/storage.ts';
import type { Service } from '../services/service.ts';
import { gatherFacts } from './answers.ts';
import { type CountDeps, countPhotos, tellDiskFull } from './counted-photos.ts';
import { orderPrefix } from './keys.ts';
import type { ChooseOutcome, QuoteOption, QuoteOutcome } from './orders.ts';
import {
  drawSheets,
  type PrepareDeps,
  type PreparedPhotos,
  preparePhotos,
  warningsOf,
} from './prepared-photos.ts';
import { countPreviewTransitions } from './preview.ts';
import { readQuotedInput } from './quoted-input.ts';
import { expectedWaitSeconds } from './render-times.ts';
import { lockOrder, type OrderRow, readOrder, readyPhotos } from './rows.ts';

/** An order of one way has one mode. */
const ONE_WAY = ['standard'] as const satisfies readonly OrderMode[];

export interface QuoteDeps extends CountDeps, PrepareDeps {
  readonly ledger: Ledger;
  readonly chat: CountDeps['chat'] & PrepareDeps['chat'];
  readonly renderConcurrency: number;
  readonly previewsPerDay: number;
}

/**
 * Makes the photos ready to be rendered, draws the contact sheets and prices every mode. The quote is
 * stored: later changes of tariff or model do not touch it. Repeating it redraws only what is missing.
 */
export async function quoteOrder(
  deps: QuoteDeps,
  orderId: string,
  personId: number,
): Promise<QuoteOutcome> {
  const order = await readOrder(deps.db, orderId, personId);
  if (!order || !isOpen(order.state)) return { kind: 'closed' };
  try {
    const outcome = await makeReady(deps, order);
    return outcome.kind !== 'quoted' && (await isClosed(deps, order))
      ? { kind: 'closed' }
      : outcome;
  } catch (error) {
    // Its files were deleted while they were read.
    if (await isClosed(deps, order)) return { kind: 'closed' };
    if (error instanceof StorageFullError) return tellDiskFull(deps);
    throw error;
  }
}

async function makeReady(deps: QuoteDeps, order: OrderRow): Promise<QuoteOutcome> {
  const service = deps.catalogue.require(order.serviceType);
  for (;;) {
    const counted = await countPhotos(deps, order);
    if (counted.kind !== 'counted') return counted;
    const prepared = await preparePhotos(deps, service, counted.rows);
    // A photo that turned out to be broken was skipped, and the vote is taken again without it.
    if (!prepared) continue;
    const made = await makeQuote(deps, order, service);
    if (typeof made === 'string') return { kind: made };
    const sheets = await drawSheets(deps, order, prepared);
    const stored = await storeQuote(deps.db, order.id, prepared, made);
    if (stored === 'closed') return { kind: 'closed' };
    // Photos or answers changed meanwhile: what was drawn and priced no longer is the order.
    if (stored === 'outdated') continue;
    return {
      kind: 'quoted',
      options: await Promise.all(modesOf(service).map((mode) => optionOf(deps, stored, mode))),
      balance: await deps.ledger.balance(order.personId),
      photos: counted.rows.length,
      sheets,
      warnings: warningsOf(service, prepared),
      previewTransitions:
        service.finish === 'stitched_video'
          ? countPreviewTransitions(deps, counted.rows.length)
          : 0,
    };
  }
}

/** Whether it was given up meanwhile. Then its files are deleted, and what was written since is deleted here. */
async function isClosed(deps: QuoteDeps, { id }: OrderRow): Promise<boolean> {
  const now = await readOrder(deps.db, id);
  if (now && isOpen(now.state)) return false;
  if (now?.state === 'cancelled' && !now.confirmedAt) await deps.storage.remove(orderPrefix(id));
  return true;
}

/** Keeps the chosen mode with the quoted order and compares its price with the balance. */
export async function chooseMode(
  deps: QuoteDeps,
  orderId: string,
  personId: number,
  { mode }: { readonly mode: OrderMode },
): Promise<ChooseOutcome> {
  const quote = await deps.db.transaction(async (tx) => {
    const order = await lockOrder(tx, orderId, personId);
    if (order?.state !== 'quoted' || !order.quote?.plans[mode]) return undefined;
    const input = await readQuotedInput(deps.catalogue, tx, order, mode);
    if (!input) return undefined;
    await tx.update(orders).set({ mode, input }).where(eq(orders.id, orderId));
    return order.quote;
  });
  if (!quote) return { kind: 'closed' };
  const option = await optionOf(deps, quote, mode);
  const balance = await deps.ledger.balance(personId);
  return balance >= option.price
    ? { kind: 'chosen', option, balance }
    : { kind: 'short', option, balance, missing: stars(option.price - balance) };
}

function modesOf(service: Service): readonly OrderMode[] {
  return service.modes ?? ONE_WAY;
}

async function optionOf(
  deps: QuoteDeps,
  quote: StoredQuote,
  mode: OrderMode,
): Promise<QuoteOption> {
  const steps = quote.plans[mode] ?? [];
  return {
    quote: quote.id ?? '',
    mode,
    transitions: steps.length,
    seconds: steps.reduce((total, step) => total + step.seconds, 0),
    price: sumStars(steps.map((step) => step.price)),
    waitSeconds: await expectedWaitSeconds(deps, quote.model, steps.length),
  };
}

/** A quote, and what it was made from. */
interface MadeQuote {
  readonly quote: StoredQuote;
  readonly answers: OrderRow['answers'];
  readonly values: Readonly<Record<string, unknown>>;
}

/** The prices of every mode; why there are none where something is not known, or nobody can make it. */
async function makeQuote(
  deps: QuoteDeps,
  order: OrderRow,
  service: Service,
): Promise<MadeQuote | 'incomplete' | 'not_offered'> {
  const { terms } = deps.catalogue;
  const current = (await readOrder(deps.db, order.id)) ?? order;
  const { values, open } = await gatherFacts(deps.db, current, service);
  // Whoever quotes has said that the photos are all there.
  if (open.some(({ kind }) => kind !== 'photos')) return 'incomplete';
  const plans: Partial<Record<OrderMode, ReturnType<Service['plan']>>> = {};
  let model: string | undefined;
  for (const mode of modesOf(service)) {
    const input = service.input.safeParse({ ...values, mode });
    if (!input.success) {
      const fields = input.error.issues.flatMap(({ path: [field] }) => String(field ?? ''));
      return (await forgetAnswers(deps.db, order.id, fields)) ? 'incomplete' : 'not_offered';
    }
    model = service.model(input.data, terms);
    if (model === undefined) return 'not_offered';
    plans[mode] = service.plan(input.data, terms, model);
  }
  if (model === undefined) return 'not_offered';
  return { quote: { model, plans }, answers: current.answers, values };
}

/** Answers that do not go together are asked for again; false when none of them was an answer. */
async function forgetAnswers(db: Db, orderId: string, fields: readonly string[]): Promise<boolean> {
  return db.transaction(async (tx) => {
    const order = await lockOrder(tx, orderId);
    if (!order || !isOpen(order.state)) return false;
    const kept = Object.entries(order.answers).filter(([field]) => !fields.includes(field));
    if (kept.length === Object.keys(order.answers).length) return false;
    const answers = Object.fromEntries(kept);
    await tx.update(orders).set({ answers }).where(eq(orders.id, orderId));
    return true;
  });
}

async function storeQuote(
  db: Db,
  orderId: string,
  prepared: PreparedPhotos,
  made: MadeQuote,
): Promise<StoredQuote | 'outdated' | 'closed'> {
  return db.transaction(async (tx) => {
    const order = await lockOrder(tx, orderId);
    if (!order || !isOpen(order.state)) return 'closed';
    const ids = prepared.photos.map(({ row }) => row.id);
    const now = await readyPhotos(tx, orderId);
    const counting = prepared.isCounted ? now : now.slice(-1);
    const same =
      counting.length === ids.length && counting.every((row, index) => row.id === ids[index]);
    if (!same || !isDeepStrictEqual(order.answers, made.answers)) return 'outdated';
    if (!prepared.isCounted) {
      const others = now.filter(({ id }) => !ids.includes(id)).map(({ id }) => id);
      await tx.update(photos).set({ state: 'removed' }).where(inArray(photos.id, others));
    }
    for (const { row, key } of prepared.photos) {
      await tx.update(photos).set({ canvasKey: key }).where(eq(photos.id, row.id));
    }
    const quote = { ...made.quote, id: digestOf(made, ids) };
    await tx
      .update(orders)
      .set({ state: 'quoted', quote, canvas: prepared.canvas, mode: null, input: {} })
      .where(eq(orders.id, orderId));
    return quote;
  });
}

/** Another input, other photos or other prices are another quote; the same quoted again is the same one. */
function digestOf({ quote, values }: MadeQuote, photoIds: readonly number[]): string {
  const told = JSON.stringify([quote, values, photoIds]);
  return createHash('sha256').update(told).digest('hex').slice(0, 8);
}
