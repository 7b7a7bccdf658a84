import type { PrivateChatState } from './chat-state.ts';
import type { World } from './world.ts';

/** Finds the chat of a person. @throws {Error} for somebody who was never added */
export function requirePerson({ state }: Pick<World, 'state'>, userId: number): PrivateChatState {
  const chat = state.chat(userId);
  if (chat === undefined) throw new Error(`nobody with id ${userId} was added to the sandbox`);
  return chat;
}
