import { setTimeout as sleep } from 'node:timers/promises';
import { and, desc, eq, inArray } from 'drizzle-orm';
import type { Db } from '../db/database.ts';
import { orders, photos, recordings, type StoredQuote } from '../db/schema.ts';
import { type Canvas, chooseCanvas } from '../domain/canvas.ts';
import type { OrderMode } from '../domain/order-mode.ts';
import { isOpen } from '../domain/order-state.ts';
import { type PhotoLook, type PhotoWarning, warnAbout } from '../domain/photo-look.ts';
import { stars, sumStars } from '../domain/stars.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { BrokenPictureError, type Photos } from '../media/photos.ts';
import { type Storage, StorageFullError } from '../media/storage.ts';
import type { Catalogue } from '../services/catalogue.ts';
import type { Service } from '../services/service.ts';
import { gatherFacts } from './answers.ts';
import type { ChatPort } from './chat-port.ts';
import { isDiskFull } from './disk.ts';
import { photosQuestion, readIntake } from './draft.ts';
import { canvasKey, sheetKey, uprightKey } from './keys.ts';
import type { ChooseOutcome, QuoteOption, QuoteOutcome, ReceivedOutcome } from './orders.ts';
import { countPreviewTransitions } from './preview.ts';
import { recordingLimit } from './receive-recording.ts';
import { expectedWaitSeconds } from './render-times.ts';
import { lockOrder, type OrderRow, type PhotoRow, readOrder, readyPhotos } from './rows.ts';

/** How long Done waits for files that are still arriving. */
const PENDING_PATIENCE_MS = 60_000;

/** An order of one way has one mode. */
const ONE_WAY = ['standard'] as const satisfies readonly OrderMode[];

export interface QuoteDeps {
  readonly db: Db;
  readonly ledger: Ledger;
  readonly storage: Storage;
  readonly photos: Pick<Photos, 'toCanvas' | 'toUpright' | 'contactSheet'>;
  readonly chat: Pick<ChatPort, 'intakeChanged' | 'alarm'>;
  readonly catalogue: Catalogue;
  readonly maxPhotos: number;
  readonly renderConcurrency: number;
  readonly previewsPerDay: number;
}

const ABOUT_FACES: ReadonlySet<PhotoWarning['kind']> = new Set([
  'no_face_at_all',
  'no_face',
  'several_faces',
]);

const ANY_SHAPE = ['landscape', 'portrait', 'square'] as const;

type NotQuoted = Exclude<QuoteOutcome, { kind: 'quoted' }>;

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
  const service = deps.catalogue.require(order.serviceType);
  try {
    for (;;) {
      const counted = await countPhotos(deps, order);
      if (counted.kind !== 'counted') return counted;
      const prepared = await preparePhotos(deps, service, counted.rows);
      // A photo that turned out to be broken was skipped, and the vote is taken again without it.
      if (!prepared) continue;
      const quote = await makeQuote(deps, order, service);
      if (typeof quote === 'string') return { kind: quote };
      const sheets = await drawSheets(deps, order, prepared);
      const stored = await storeQuote(deps.db, orderId, prepared, quote);
      if (stored === 'closed') return { kind: 'closed' };
      // Photos came or went meanwhile: what was drawn no longer shows the order.
      if (stored === 'outdated') continue;
      return {
        kind: 'quoted',
        options: await Promise.all(modesOf(service).map((mode) => optionOf(deps, quote, mode))),
        balance: await deps.ledger.balance(personId),
        photos: counted.rows.length,
        sheets,
        warnings: warningsOf(service, prepared),
        previewTransitions:
          service.finish === 'stitched_video'
            ? countPreviewTransitions(deps, counted.rows.length)
            : 0,
      };
    }
  } catch (error) {
    if (error instanceof StorageFullError) return tellDiskFull(deps);
    throw error;
  }
}

/** The photos are all there, says their person: counts them, so that they are not asked for any more. */
export async function countDone(
  deps: QuoteDeps,
  orderId: string,
  personId: number,
): Promise<'done' | NotQuoted> {
  const order = await readOrder(deps.db, orderId, personId);
  if (!order || !isOpen(order.state)) return { kind: 'closed' };
  const counted = await countPhotos(deps, order);
  if (counted.kind !== 'counted') return counted;
  return deps.db.transaction(async (tx) => {
    const current = await lockOrder(tx, orderId);
    if (!current || !isOpen(current.state)) return { kind: 'closed' };
    const answers = { ...current.answers, photoCount: counted.rows.length };
    await tx.update(orders).set({ answers }).where(eq(orders.id, orderId));
    return 'done';
  });
}

/** What became of the one photo or recording of an order, once it was looked at. */
export async function awaitReceived(
  deps: QuoteDeps,
  orderId: string,
  personId: number,
): Promise<ReceivedOutcome> {
  const order = await readOrder(deps.db, orderId, personId);
  if (!order || !isOpen(order.state)) return { kind: 'closed' };
  const pending = await waitForPending(deps, orderId);
  if (pending === 'disk_full') {
    await deps.chat.alarm({ kind: 'disk_full' });
    return { kind: 'disk_full' };
  }
  if (pending > 0) return { kind: 'pending' };
  const maxSeconds = recordingLimit(deps.catalogue, order);
  if (maxSeconds !== undefined) {
    const [newest] = await deps.db
      .select()
      .from(recordings)
      .where(eq(recordings.orderId, orderId))
      .orderBy(desc(recordings.id))
      .limit(1);
    if (newest?.refusal) return { kind: 'refused', reason: newest.refusal, maxSeconds };
    return { kind: 'ready' };
  }
  if ((await readyPhotos(deps.db, orderId)).length > 0) return { kind: 'ready' };
  const intake = await readIntake(deps.db, orderId);
  const skipped = intake?.skipped.at(-1);
  return skipped ? { kind: 'skipped', ...skipped } : { kind: 'ready' };
}

async function tellDiskFull(deps: QuoteDeps): Promise<NotQuoted> {
  await deps.chat.alarm({ kind: 'disk_full' });
  return { kind: 'disk_full' };
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
    const service = deps.catalogue.require(order.serviceType);
    const { values } = await gatherFacts(tx, order, service);
    const input = service.input.safeParse({ ...values, mode });
    if (!input.success) return undefined;
    await tx
      .update(orders)
      .set({ mode, input: asRecord(input.data) })
      .where(eq(orders.id, orderId));
    return order.quote;
  });
  if (!quote) return { kind: 'closed' };
  const option = await optionOf(deps, quote, mode);
  const balance = await deps.ledger.balance(personId);
  return balance >= option.price
    ? { kind: 'chosen', option, balance }
    : { kind: 'short', option, balance, missing: stars(option.price - balance) };
}

function asRecord(input: unknown): Record<string, unknown> {
  return typeof input === 'object' && input !== null ? { ...input } : {};
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
    mode,
    transitions: steps.length,
    seconds: steps.reduce((total, step) => total + step.seconds, 0),
    price: sumStars(steps.map((step) => step.price)),
    waitSeconds: await expectedWaitSeconds(deps, quote.model, steps.length),
  };
}

/** The prices of every mode; why there are none where something is not known, or nobody can make it. */
async function makeQuote(
  deps: QuoteDeps,
  order: OrderRow,
  service: Service,
): Promise<StoredQuote | 'incomplete' | 'not_offered'> {
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
  return model === undefined ? 'not_offered' : { model, plans };
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

type Counted = { readonly kind: 'counted'; readonly rows: readonly PhotoRow[] } | NotQuoted;

/** Waits for what is on its way, and tells whether there are as many photos as are wanted. */
async function countPhotos(deps: QuoteDeps, order: OrderRow): Promise<Counted> {
  const pending = await waitForPending(deps, order.id);
  if (pending === 'disk_full') return tellDiskFull(deps);
  if (pending > 0) return { kind: 'pending', pending };
  const limits = photosQuestion(deps, order.serviceType);
  if (!limits) return { kind: 'counted', rows: [] };
  const { min, max } = limits;
  const all = await readyPhotos(deps.db, order.id);
  // Of a single photo, the last one counts.
  const rows = max === 1 ? all.slice(-1) : all;
  if (rows.length < min) return { kind: 'too_few', photos: rows.length, min };
  return rows.length > max
    ? { kind: 'too_many', photos: rows.length, max }
    : { kind: 'counted', rows };
}

/** Returns how many are still pending when patience ends; nothing arrives while the disk is full. */
async function waitForPending(deps: QuoteDeps, orderId: string): Promise<number | 'disk_full'> {
  const deadline = Date.now() + PENDING_PATIENCE_MS;
  const isPhoto = and(eq(photos.orderId, orderId), eq(photos.state, 'pending'));
  const isRecording = and(eq(recordings.orderId, orderId), eq(recordings.state, 'pending'));
  for (;;) {
    const arriving = await deps.db.$count(photos, isPhoto);
    const pending = arriving + (await deps.db.$count(recordings, isRecording));
    if (pending === 0 || Date.now() > deadline) return pending;
    if (await isDiskFull(deps.storage)) return 'disk_full';
    await sleep(200);
  }
}

interface Prepared {
  /** Null where photos keep their own shape. */
  readonly canvas: Canvas | null;
  readonly isCounted: boolean;
  readonly photos: readonly {
    readonly row: PhotoRow;
    readonly path: string;
    readonly key: string;
    readonly look: PhotoLook;
  }[];
}

/** What is worth a second look; faces only where they matter. */
function warningsOf(service: Service, { photos: all }: Prepared): readonly PhotoWarning[] {
  const question = service.questions.find(({ kind }) => kind === 'photos');
  const warnings = warnAbout(all.map(({ look }) => look));
  if (question?.kind === 'photos' && question.faces === 'one') return warnings;
  return warnings.filter(({ kind }) => !ABOUT_FACES.has(kind));
}

/** Every photo as its model will see it; undefined when one of them was broken. */
async function preparePhotos(
  deps: QuoteDeps,
  service: Service,
  rows: readonly PhotoRow[],
): Promise<Prepared | undefined> {
  const question = service.questions.find(({ kind }) => kind === 'photos');
  if (question?.kind !== 'photos') return { canvas: null, isCounted: false, photos: [] };
  const canvas =
    question.form === 'canvas'
      ? chooseCanvas(
          rows.map((row) => ({ width: row.width ?? 1, height: row.height ?? 1 })),
          question.shapes?.(deps.catalogue.terms) ?? ANY_SHAPE,
        )
      : null;
  const prepared = await Promise.all(rows.map((row) => prepare(deps, row, canvas)));
  const whole = prepared.filter((photo) => photo !== undefined);
  if (whole.length < rows.length) return undefined;
  return { canvas, isCounted: question.max !== 1, photos: whole };
}

async function prepare(deps: QuoteDeps, row: PhotoRow, canvas: Canvas | null) {
  const key = canvas
    ? canvasKey(row.orderId, row.id, canvas.width, canvas.height)
    : uprightKey(row.orderId, row.id);
  const path = deps.storage.pathOf(key);
  const { look: known } = row;
  if (known && (await deps.storage.exists(key))) return { row, path, key, look: known };
  try {
    const input = deps.storage.pathOf(row.originalKey ?? '');
    const look = canvas
      ? await deps.photos.toCanvas({ input, output: path, canvas })
      : await deps.photos.toUpright({ input, output: path });
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

/** The photos with their numbers, where there are several: their order can be checked before paying. */
async function drawSheets(
  deps: QuoteDeps,
  order: OrderRow,
  prepared: Prepared,
): Promise<readonly string[]> {
  if (!prepared.isCounted) return [];
  const rows = prepared.photos.map(({ row }) => row);
  return deps.photos.contactSheet({
    photos: prepared.photos.map(({ path }, index) => ({ path, label: String(index + 1) })),
    output: deps.storage.pathOf(sheetKey(order.id, rows)),
  });
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
    const ids = prepared.photos.map(({ row }) => row.id);
    const now = await readyPhotos(tx, orderId);
    const counting = prepared.isCounted ? now : now.slice(-1);
    const same =
      counting.length === ids.length && counting.every((row, index) => row.id === ids[index]);
    if (!same) return 'outdated';
    if (!prepared.isCounted) {
      const others = now.filter(({ id }) => !ids.includes(id)).map(({ id }) => id);
      await tx.update(photos).set({ state: 'removed' }).where(inArray(photos.id, others));
    }
    for (const { row, key } of prepared.photos) {
      await tx.update(photos).set({ canvasKey: key }).where(eq(photos.id, row.id));
    }
    await tx
      .update(orders)
      .set({ state: 'quoted', quote, canvas: prepared.canvas, mode: null, input: {} })
      .where(eq(orders.id, orderId));
    return 'stored';
  });
}
