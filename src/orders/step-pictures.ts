import { inArray } from 'drizzle-orm';
import type { Db } from '../db/database.ts';
import { photos } from '../db/schema.ts';
import type { Storage } from '../media/storage.ts';
import type { StepRow } from './rows.ts';

/** Absolute paths of the two pictures of a step, on their canvas; undefined when one is not there any more. */
export async function stepPictures(
  deps: { readonly db: Db; readonly storage: Storage },
  step: StepRow,
): Promise<{ readonly from: string; readonly to: string } | undefined> {
  const rows = await deps.db
    .select({ id: photos.id, key: photos.canvasKey })
    .from(photos)
    .where(inArray(photos.id, [step.fromPhotoId, step.toPhotoId]));
  const pathOf = async (photoId: number) => {
    const key = rows.find(({ id }) => id === photoId)?.key;
    return key && (await deps.storage.exists(key)) ? deps.storage.pathOf(key) : undefined;
  };
  const from = await pathOf(step.fromPhotoId);
  const to = await pathOf(step.toPhotoId);
  return from && to ? { from, to } : undefined;
}
