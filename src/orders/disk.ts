import { type Storage, StorageFullError } from '../media/storage.ts';

/** With less room than this the disk counts as full: what fails to be written says nothing about itself. */
const FULL_BELOW_BYTES = 10_000_000;

/** How soon a full disk is looked at again, in milliseconds: each time the same, it is the operator's turn. */
export function diskFullPause({ retryMs }: { readonly retryMs: number }): number {
  return 3 * retryMs;
}

/** Whether there is no room, or this error came of it. */
export async function isDiskFull(storage: Storage, error?: unknown): Promise<boolean> {
  if (error instanceof StorageFullError) return true;
  if (error instanceof Error && 'kind' in error && error.kind === 'disk_full') return true;
  return (await storage.freeBytes()) < FULL_BELOW_BYTES;
}
