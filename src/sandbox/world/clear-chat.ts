import type { PrivateMessage } from './chat-state.ts';
import type { World } from './world.ts';

/**
 * Removes all messages of a chat, and the files its person has sent, unless something still shows them. What the
 * bot has sent stays: it may send it again by its file_id.
 */
export function clearChat({ state, files, updates }: World, userId: number): void {
  const messages = state.messages(userId);
  for (const { message_id } of messages) state.remove(userId, message_id);
  const sent = messages
    .filter(({ from }) => !from.is_bot)
    .flatMap(({ reply_to_message: _answered, ...own }: PrivateMessage) => fileIdsIn(own));
  const shown = new Set([
    ...state.chatIds().flatMap((chatId) => fileIdsIn(state.messages(chatId))),
    ...fileIdsIn(updates.waiting()),
  ]);
  for (const fileId of sent) if (!shown.has(fileId)) files.remove(fileId);
}

/** The files named anywhere in a value. */
function fileIdsIn(value: unknown): string[] {
  return [...JSON.stringify(value).matchAll(/"file_id":"([^"]+)"/g)].map(([, id = '']) => id);
}
