import { setTimeout as sleep } from 'node:timers/promises';
import { and, eq } from 'drizzle-orm';
import type { Db } from '../db/database.ts';
import { orders, photos, type StoredQuote } from '../db/schema.ts';
import { type Canvas, chooseCanvas } from '../domain/canvas.ts';
import type { Gender } from '../domain/gender.ts';
import { MORPH_MODES, type MorphMode } from '../domain/morph-plan.ts';
import { isOpen } from '../domain/order-state.ts';
import { type PhotoLook, warnAbout } from '../domain/photo-look.ts';
import { stars, sumStars } from '../domain/stars.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { BrokenPictureError, type Photos } from '../media/photos.ts';
import { type Storage, StorageFullError } from '../media/storage.ts';
import { imageMorphing, type MorphInput } from '../services/image-morphing.ts';
import type { Terms } from '../services/service.ts';
import type { ChatPort } from './chat-port.ts';
import { isDiskFull } from './disk.ts';
import { readIntake } from './draft.ts';
import { canvasKey, sheetKey } from './keys.ts';
import type { ChooseOutcome, QuoteOption, QuoteOutcome } from './orders.ts';
import { countPreviewTransitions } from './preview.ts';
import { expectedWaitSeconds } from './render-times.ts';
import { lockOrder, type PhotoRow, readOrder, readyPhotos } from './rows.ts';

/** How long Done waits for files that are still arriving. */
const PENDING_PATIENCE_MS = 60_000;

export interface QuoteDeps {
  readonly db: Db;
  readonly ledger: Ledger;
  readonly storage: Storage;
  readonly photos: Pick<Photos, 'toCanvas' | 'contactSheet'>;
  readonly chat: Pick<ChatPort, 'intakeChanged' | 'alarm'>;
  readonly terms: Terms;
  readonly maxPhotos: number;
  readonly renderConcurrency: number;
  readonly previewsPerDay: number;
}

/**
 * Brings the photos to their canvas, draws the contact sheets and prices both modes. The quote is
 * stored: later changes of tariff or model do not touch it. Repeating it redraws only what is missing.
 */
export async function quoteOrder(
  deps: QuoteDeps,
  orderId: string,
  personId: number,
): Promise<QuoteOutcome> {
  const order = await readOrder(deps.db, orderId, personId);
  if (!order || !isOpen(order.state)) return { kind: 'closed' };
  const pending = await waitForPending(deps, orderId);
  if (pending === 'disk_full') return tellDiskFull(deps);
  if (pending > 0) return { kind: 'pending', pending };

  try {
    for (;;) {
      const rows = await readyPhotos(deps.db, orderId);
      if (rows.length < 2) return { kind: 'too_few', photos: rows.length };
      if (rows.length > deps.maxPhotos) {
        return { kind: 'too_many', photos: rows.length, max: deps.maxPhotos };
      }
      const prepared = await prepareCanvas(deps, rows);
      // A photo that turned out to be broken was skipped, and the vote is taken again without it.
      if (!prepared) continue;
      const sheets = await deps.photos.contactSheet({
        photos: prepared.photos.map(({ path }, index) => ({ path, label: String(index + 1) })),
        output: deps.storage.pathOf(sheetKey(orderId, rows)),
      });
      const quote = makeQuote(deps.terms, rows.length);
      const stored = await storeQuote(deps.db, orderId, prepared, quote);
      if (stored === 'closed') return { kind: 'closed' };
      // Photos came or went meanwhile: what was drawn no longer shows the order.
      if (stored === 'outdated') continue;
      return {
        kind: 'quoted',
        options: await Promise.all(MORPH_MODES.map((mode) => optionOf(deps, quote, mode))),
        balance: await deps.ledger.balance(personId),
        photos: rows.length,
        sheets,
        warnings: warnAbout(prepared.photos.map(({ look }) => look)),
        previewTransitions: countPreviewTransitions(deps, rows.length),
      };
    }
  } catch (error) {
    if (error instanceof StorageFullError) return tellDiskFull(deps);
    throw error;
  }
}

async function tellDiskFull(deps: QuoteDeps): Promise<QuoteOutcome> {
  await deps.chat.alarm({ kind: 'disk_full' });
  return { kind: 'disk_full' };
}

/** Keeps the chosen mode with the quoted order and compares its price with the balance. */
export async function chooseMode(
  deps: QuoteDeps,
  orderId: string,
  personId: number,
  choice: { readonly mode: MorphMode; readonly gender: Gender },
): Promise<ChooseOutcome> {
  const quote = await deps.db.transaction(async (tx) => {
    const order = await lockOrder(tx, orderId, personId);
    if (order?.state !== 'quoted' || !order.quote) return undefined;
    const { length: photoCount } = await readyPhotos(tx, orderId);
    const input: MorphInput = { photoCount, ...choice };
    await tx.update(orders).set({ input }).where(eq(orders.id, orderId));
    return order.quote;
  });
  if (!quote) return { kind: 'closed' };
  const option = await optionOf(deps, quote, choice.mode);
  const balance = await deps.ledger.balance(personId);
  return balance >= option.price
    ? { kind: 'chosen', option, balance }
    : { kind: 'short', option, balance, missing: stars(option.price - balance) };
}

async function optionOf(
  deps: QuoteDeps,
  quote: StoredQuote,
  mode: MorphMode,
): Promise<QuoteOption> {
  const steps = quote.plans[mode];
  return {
    mode,
    transitions: steps.length,
    seconds: steps.reduce((total, step) => total + step.seconds, 0),
    price: sumStars(steps.map((step) => step.price)),
    waitSeconds: await expectedWaitSeconds(deps, steps.length),
  };
}

function makeQuote(terms: Terms, photoCount: number): StoredQuote {
  const plan = (mode: MorphMode) =>
    imageMorphing.plan({ photoCount, mode, gender: 'unset' }, terms);
  return { model: terms.model.id, plans: { seamless: plan('seamless'), loop: plan('loop') } };
}

/** Returns how many are still pending when patience ends; nothing arrives while the disk is full. */
async function waitForPending(deps: QuoteDeps, orderId: string): Promise<number | 'disk_full'> {
  const deadline = Date.now() + PENDING_PATIENCE_MS;
  for (;;) {
    const intake = await readIntake(deps.db, orderId);
    const pending = intake?.pending ?? 0;
    if (pending === 0 || Date.now() > deadline) return pending;
    if (await isDiskFull(deps.storage)) return 'disk_full';
    await sleep(200);
  }
}

interface Prepared {
  readonly canvas: Canvas;
  readonly photos: readonly {
    readonly row: PhotoRow;
    readonly path: string;
    readonly key: string;
    readonly look: PhotoLook;
  }[];
}

/** Every photo on the canvas that the majority chose; undefined when one of them was broken. */
async function prepareCanvas(
  deps: QuoteDeps,
  rows: readonly PhotoRow[],
): Promise<Prepared | undefined> {
  const sizes = rows.map((row) => ({ width: row.width ?? 1, height: row.height ?? 1 }));
  const canvas = chooseCanvas(sizes, deps.terms.model.shapes);
  const prepared = await Promise.all(rows.map((row) => prepare(deps, row, canvas)));
  const whole = prepared.filter((photo) => photo !== undefined);
  return whole.length === rows.length ? { canvas, photos: whole } : undefined;
}

async function prepare(deps: QuoteDeps, row: PhotoRow, canvas: Canvas) {
  const key = canvasKey(row.orderId, row.id, canvas.width, canvas.height);
  const path = deps.storage.pathOf(key);
  const { look: known } = row;
  if (known && (await deps.storage.exists(key))) return { row, path, key, look: known };
  try {
    const input = deps.storage.pathOf(row.originalKey ?? '');
    const look = await deps.photos.toCanvas({ input, output: path, canvas });
    await deps.db.update(photos).set({ look }).where(eq(photos.id, row.id));
    return { row, path, key, look };
  } catch (error) {
    if (await isDiskFull(deps.storage, error)) throw new StorageFullError({ cause: error });
    // Trouble of ours, such as a stop in the middle, is no reason to drop somebody's photo.
    if (!(error instanceof BrokenPictureError)) throw error;
    await deps.db
      .update(photos)
      .set({ state: 'skipped', skipReason: 'broken_picture' })
      .where(and(eq(photos.id, row.id), eq(photos.state, 'ready')));
    deps.chat.intakeChanged(row.orderId);
    return undefined;
  }
}

async function storeQuote(
  db: Db,
  orderId: string,
  prepared: Prepared,
  quote: StoredQuote,
): Promise<'stored' | 'outdated' | 'closed'> {
  return db.transaction(async (tx) => {
    const order = await lockOrder(tx, orderId);
    if (!order || !isOpen(order.state)) return 'closed';
    const now = await readyPhotos(tx, orderId);
    const same =
      now.length === prepared.photos.length &&
      now.every((row, index) => row.id === prepared.photos[index]?.row.id);
    if (!same) return 'outdated';
    for (const { row, key } of prepared.photos) {
      await tx.update(photos).set({ canvasKey: key }).where(eq(photos.id, row.id));
    }
    await tx
      .update(orders)
      .set({ state: 'quoted', quote, canvas: prepared.canvas, input: {} })
      .where(eq(orders.id, orderId));
    return 'stored';
  });
}
