import type { ChatMember, InaccessibleMessage, User } from 'grammy/types';
import { createPayments, type Payments } from './payments.ts';
import { createPersonMessages, type PersonMessages } from './person-messages.ts';
import { describeReaction, type ReactionEmoji } from './reactions.ts';
import { requirePerson } from './require-person.ts';
import type { CallbackAnswer, World } from './world.ts';

/** A person to be added. */
export interface NewPerson {
  id: number;
  first_name: string;
  last_name?: string;
  username?: string;
  language_code?: string;
}

/** What people can do in their chats with the bot. */
export interface People extends PersonMessages, Payments {
  /** Adds a person and their chat; adding somebody known changes nothing. */
  addUser(user: NewPerson): void;
  /** Changes somebody's name or language; the bot learns it with their next update. */
  changeUser(userId: number, changes: Partial<Omit<NewPerson, 'id'>>): void;
  /**
   * Presses a button with this data, whether or not the message shows such a button; the message
   * may also be gone. Resolves when the bot answers, rejects after `timeoutMs` (15 s by default).
   */
  press(
    userId: number,
    messageId: number,
    data: string,
    options?: { timeoutMs?: number },
  ): Promise<CallbackAnswer>;
  /** Reacts to a message, or takes the reaction back. */
  react(userId: number, messageId: number, emoji?: ReactionEmoji): void;
  block(userId: number): void;
  unblock(userId: number): void;
}

const defaultPressTimeoutMs = 15_000;

/** Creates the people of a world. */
export function createPeople(world: World): People {
  const { state, updates } = world;

  function reportMembership(userId: number, blocked: boolean): void {
    const person = requirePerson(world, userId);
    if (person.blocked === blocked) return;
    person.blocked = blocked;
    const { id, is_bot, first_name, username } = state.bot;
    const user: User = { id, is_bot, first_name, username };
    const member: ChatMember = { status: 'member', user };
    const kicked: ChatMember = { status: 'kicked', user, until_date: 0 };
    updates.push({
      my_chat_member: {
        chat: person.chat,
        from: person.user,
        date: now(),
        old_chat_member: blocked ? member : kicked,
        new_chat_member: blocked ? kicked : member,
      },
    });
    state.touch(userId);
  }

  return {
    ...createPersonMessages(world),
    ...createPayments(world),
    addUser: (user) => void state.addUser({ ...user, is_bot: false }),
    changeUser: (userId, changes) =>
      state.changeUser({ ...requirePerson(world, userId).user, ...changes }),
    async press(userId, messageId, data, { timeoutMs = defaultPressTimeoutMs } = {}) {
      const { chat, user } = requirePerson(world, userId);
      const gone: InaccessibleMessage = { chat, message_id: messageId, date: 0 };
      const { id, ended } = world.callbacks.open(timeoutMs);
      updates.push({
        callback_query: {
          id,
          from: user,
          message: state.find(userId, messageId) ?? gone,
          chat_instance: String(userId),
          data,
        },
      });
      const end = await ended;
      if (end.kind === 'answered') return end.answer;
      const when =
        end.kind === 'closed' ? 'before the server was closed' : `within ${timeoutMs} ms`;
      throw new Error(`callback query ${id} was not answered ${when}`);
    },
    react(userId, messageId, emoji) {
      const { chat, user } = requirePerson(world, userId);
      const before = state.react(userId, messageId, 'person', emoji);
      updates.push({
        message_reaction: {
          chat,
          message_id: messageId,
          user,
          date: now(),
          old_reaction: describeReaction(before),
          new_reaction: describeReaction(emoji),
        },
      });
    },
    block: (userId) => reportMembership(userId, true),
    unblock: (userId) => reportMembership(userId, false),
  };
}

const now = () => Math.floor(Date.now() / 1000);
