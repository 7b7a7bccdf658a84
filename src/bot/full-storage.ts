import type { Update } from 'grammy/types';
import type { ChatPort } from '../orders/chat-port.ts';
import { languageOf, type People } from '../people/people.ts';
import type { Translator } from './i18n.ts';
import { describeError, type Log } from './log.ts';
import type { Messenger } from './messenger.ts';
import { createRecent } from './recent.ts';

/** Whoever goes on writing is told again after this. */
const AGAIN_AFTER_MS = 10 * 60_000;

/** Tells the senders of updates that cannot be written down for lack of room that they will be, and the admins. */
export type FullStorageNotice = (error: unknown, waiting: readonly Update[]) => Promise<void>;

/** @see FullStorageNotice */
export function createFullStorageNotice(deps: {
  readonly people: Pick<People, 'find'>;
  readonly messenger: Pick<Messenger, 'send'>;
  readonly translator: Translator;
  readonly alarm: ChatPort['alarm'];
  readonly isDatabaseFull: (error: unknown) => boolean;
  readonly log: Log;
}): FullStorageNotice {
  const toldAt = createRecent<number, number>();

  async function tell(update: Update): Promise<void> {
    const { chat } = update.message ?? update.callback_query?.message ?? {};
    const { from } = update.message ?? update.callback_query ?? {};
    if (chat?.type !== 'private' || !from) return;
    if (Date.now() - (toldAt.get(chat.id) ?? 0) < AGAIN_AFTER_MS) return;
    toldAt.set(chat.id, Date.now());
    await deps.alarm({ kind: 'disk_full' });
    const person = await deps.people.find(chat.id).catch(() => undefined);
    const t = deps.translator(person?.language ?? languageOf(from.language_code));
    await deps.messenger.send(chat.id, { text: t('common.storageFull') });
  }

  return async (error, waiting) => {
    if (!deps.isDatabaseFull(error)) return;
    for (const update of waiting) {
      await tell(update).catch((failure) =>
        deps.log.warn(describeError(failure), 'Nobody could be told of the full storage'),
      );
    }
  };
}
