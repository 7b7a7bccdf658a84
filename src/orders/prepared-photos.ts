import { and, eq } from 'drizzle-orm';
import type { Db } from '../db/database.ts';
import { photos } from '../db/schema.ts';
import { type Canvas, chooseCanvas } from '../domain/canvas.ts';
import { type PhotoLook, type PhotoWarning, warnAbout } from '../domain/photo-look.ts';
import { BrokenPictureError, type Photos } from '../media/photos.ts';
import { type Storage, StorageFullError } from '../media/storage.ts';
import type { Catalogue } from '../services/catalogue.ts';
import type { Service } from '../services/service.ts';
import type { ChatPort } from './chat-port.ts';
import { isDiskFull } from './disk.ts';
import { canvasKey, sheetKey, uprightKey } from './keys.ts';
import type { OrderRow, PhotoRow } from './rows.ts';

export interface PrepareDeps {
  readonly db: Db;
  readonly storage: Storage;
  readonly photos: Pick<Photos, 'toCanvas' | 'toUpright' | 'contactSheet'>;
  readonly chat: Pick<ChatPort, 'intakeChanged'>;
  readonly catalogue: Catalogue;
}

const ABOUT_FACES: ReadonlySet<PhotoWarning['kind']> = new Set([
  'no_face_at_all',
  'no_face',
  'several_faces',
]);

const ANY_SHAPE = ['landscape', 'portrait', 'square'] as const;

/** Photos as their model will see them. */
export interface PreparedPhotos {
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
export function warningsOf(
  service: Service,
  { photos: all }: PreparedPhotos,
): readonly PhotoWarning[] {
  const question = service.questions.find(({ kind }) => kind === 'photos');
  const warnings = warnAbout(all.map(({ look }) => look));
  if (question?.kind === 'photos' && question.faces === 'one') return warnings;
  return warnings.filter(({ kind }) => !ABOUT_FACES.has(kind));
}

/** Every photo as its model will see it; undefined when one of them was broken. */
export async function preparePhotos(
  deps: PrepareDeps,
  service: Service,
  rows: readonly PhotoRow[],
): Promise<PreparedPhotos | undefined> {
  const question = service.questions.find(({ kind }) => kind === 'photos');
  if (question?.kind !== 'photos') return { canvas: null, isCounted: false, photos: [] };
  const canvas =
    question.form === 'canvas'
      ? chooseCanvas(
          rows.map((row) => ({ width: row.width ?? 1, height: row.height ?? 1 })),
          question.shapes?.(deps.catalogue.terms) ?? ANY_SHAPE,
        )
      : null;
  // Whatever one of them fails with, nothing is written any more once this is over.
  const ended = await Promise.allSettled(rows.map((row) => prepare(deps, row, canvas)));
  const prepared = ended.map((one) => {
    if (one.status === 'rejected') throw one.reason;
    return one.value;
  });
  const whole = prepared.filter((photo) => photo !== undefined);
  if (whole.length < rows.length) return undefined;
  return { canvas, isCounted: question.max !== 1, photos: whole };
}

async function prepare(deps: PrepareDeps, row: PhotoRow, canvas: Canvas | null) {
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
export async function drawSheets(
  deps: PrepareDeps,
  order: OrderRow,
  prepared: PreparedPhotos,
): Promise<readonly string[]> {
  if (!prepared.isCounted) return [];
  const rows = prepared.photos.map(({ row }) => row);
  return deps.photos.contactSheet({
    photos: prepared.photos.map(({ path }, index) => ({ path, label: String(index + 1) })),
    output: deps.storage.pathOf(sheetKey(order.id, rows)),
  });
}
