import { desc, eq, inArray } from 'drizzle-orm';
import type { Db } from '../db/database.ts';
import { photos, recordings } from '../db/schema.ts';
import { packArchive } from '../media/pack.ts';
import type { Storage } from '../media/storage.ts';
import type { Service, StepMaterial } from '../services/service.ts';
import { archiveKey } from './keys.ts';
import type { OrderRow, StepRow } from './rows.ts';

export interface MaterialDeps {
  readonly db: Db;
  readonly storage: Storage;
}

/** Absolute paths of a step's photos, made ready by the quote; undefined when one is not there any more. */
export async function stepPhotos(
  deps: MaterialDeps,
  step: StepRow,
): Promise<readonly string[] | undefined> {
  const rows = await deps.db
    .select({ id: photos.id, key: photos.canvasKey })
    .from(photos)
    .where(inArray(photos.id, [...step.photoIds]));
  const paths: string[] = [];
  for (const photoId of step.photoIds) {
    const key = rows.find(({ id }) => id === photoId)?.key;
    if (!key || !(await deps.storage.exists(key))) return undefined;
    paths.push(deps.storage.pathOf(key));
  }
  return paths;
}

/** Everything that a step's request is made of; undefined when a file is not there any more. */
export async function stepMaterial(
  deps: MaterialDeps,
  order: OrderRow,
  step: StepRow,
  service: Service,
  signal: AbortSignal,
): Promise<StepMaterial | undefined> {
  const paths = await stepPhotos(deps, step);
  if (!paths) return undefined;
  const asked = (kind: string) => service.questions.find((question) => question.kind === kind);
  const recording = asked('recording') ? await recordingOf(deps, order.id) : undefined;
  if (asked('recording') && !recording) return undefined;
  const photosAsked = asked('photos');
  const packed = photosAsked?.kind === 'photos' && photosAsked.form === 'archive';
  return {
    position: step.position,
    model: order.quote?.model ?? '',
    seed: step.id % 2 ** 31,
    photos: paths,
    ...(order.canvas ? { canvas: order.canvas } : {}),
    ...(recording ? { recording } : {}),
    ...(packed ? { archive: await archiveOf(deps, order.id, paths, signal) } : {}),
  };
}

async function recordingOf(deps: MaterialDeps, orderId: string): Promise<string | undefined> {
  const [row] = await deps.db
    .select({ key: recordings.inputKey })
    .from(recordings)
    .where(eq(recordings.orderId, orderId))
    .orderBy(desc(recordings.id))
    .limit(1);
  return row?.key && (await deps.storage.exists(row.key))
    ? deps.storage.pathOf(row.key)
    : undefined;
}

/** Packed once; whole or not there, so what is there is not packed again. */
async function archiveOf(
  deps: MaterialDeps,
  orderId: string,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const output = deps.storage.pathOf(archiveKey(orderId));
  if (await deps.storage.exists(archiveKey(orderId))) return output;
  const files = paths.map((path, index) => ({
    path,
    name: `photo_${String(index + 1).padStart(3, '0')}.jpg`,
  }));
  await packArchive({ files, output, signal });
  return output;
}
