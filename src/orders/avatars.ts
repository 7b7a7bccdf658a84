import { and, eq, isNull } from 'drizzle-orm';
import type { Db, Tx } from '../db/database.ts';
import { avatars } from '../db/schema.ts';
import { cleanLine } from '../domain/person-text.ts';
import { listAvatars } from './answers.ts';
import type { AvatarView } from './orders.ts';
import type { Providers } from './providers.ts';
import type { Queue } from './queue.ts';

/** How long a provider that could not be reached is left alone at first: a minute, of pauses of 5 s. */
const PAUSES = 12;
/** It may be away for days: asked, and told of, four times a day at the most. */
const LONGEST_PAUSE_MS = 6 * 3_600_000;

export interface AvatarDeps {
  readonly db: Db;
  readonly queue: Pick<Queue, 'send'>;
  readonly providers: Pick<Providers, 'find'>;
  readonly retryMs: number;
  readonly log: { warn(fields: object, message: string): void };
}

/** The person's avatars, newest first. */
export async function viewAvatars(db: Db, personId: number): Promise<readonly AvatarView[]> {
  const mine = await listAvatars(db, personId);
  return mine.map(({ id, name, gender, createdAt }) => ({ id, name, gender, createdAt }));
}

/** Gives an avatar another name, on one line; false when it is not theirs, or nothing of the name is left. */
export async function renameAvatar(
  db: Db,
  avatarId: number,
  personId: number,
  name: string,
): Promise<boolean> {
  const line = cleanLine(name);
  if (line === '') return false;
  const renamed = await db
    .update(avatars)
    .set({ name: line })
    .where(isTheirs(avatarId, personId))
    .returning();
  return renamed.length > 0;
}

/** From here on it cannot be used; the provider is asked to delete it until it has. */
export async function deleteAvatar(
  { queue }: Pick<AvatarDeps, 'queue'>,
  tx: Tx,
  avatarId: number,
  personId: number,
): Promise<boolean> {
  const deleted = await tx
    .update(avatars)
    .set({ deletedAt: new Date(), name: '' })
    .where(isTheirs(avatarId, personId))
    .returning();
  await queue.send(tx, 'forget', deleted.length > 0 ? [{ data: { avatarId } }] : []);
  return deleted.length > 0;
}

/** Has the provider delete the weights of a deleted avatar, and asks again until they are gone. */
export async function forgetWeights(
  deps: AvatarDeps,
  avatarId: number,
  signal: AbortSignal,
): Promise<void> {
  const [avatar] = await deps.db.select().from(avatars).where(eq(avatars.id, avatarId));
  if (!avatar?.deletedAt || avatar.forgottenAt) return;
  const provider = deps.providers.find(avatar.provider);
  const outcome = await provider?.deleteVersion?.(avatar.model, signal);
  if (outcome?.kind === 'deleted') {
    await deps.db.update(avatars).set({ forgottenAt: new Date() }).where(eq(avatars.id, avatarId));
    return;
  }
  deps.log.warn(
    { avatarId, outcome: outcome?.kind },
    'an avatar is not deleted at its provider yet',
  );
  // As long as it has been waited for: each pause is about twice the one before.
  const waitedMs = Date.now() - avatar.deletedAt.getTime();
  const pauseMs = Math.min(Math.max(waitedMs, PAUSES * deps.retryMs), LONGEST_PAUSE_MS);
  const startAfter = new Date(Date.now() + pauseMs);
  await deps.db.transaction((tx) =>
    deps.queue.send(tx, 'forget', [{ data: { avatarId }, startAfter }]),
  );
}

function isTheirs(avatarId: number, personId: number) {
  return and(eq(avatars.id, avatarId), eq(avatars.personId, personId), isNull(avatars.deletedAt));
}
