import type { User } from 'grammy/types';
import { badRequest } from '../http/bot-api-error.ts';
import { type Call, type Methods, requireChat } from './method.ts';

function unpin(call: Call, isUnpinned: (messageId: number) => boolean): true {
  const { pinnedMessageIds, user } = requireChat(call);
  const kept = pinnedMessageIds.filter((messageId) => !isUnpinned(messageId));
  pinnedMessageIds.splice(0, pinnedMessageIds.length, ...kept);
  call.world.state.touch(user.id);
  return true;
}

function findUser(call: Call): User {
  const { state } = call.world;
  const userId = call.fields.integer('user_id');
  if (userId === undefined) throw badRequest('invalid user_id specified');
  const { id, is_bot, first_name, username } = state.bot;
  if (userId === id) return { id, is_bot, first_name, username };
  const person = state.chat(userId);
  if (person === undefined) throw badRequest('user not found');
  return person.user;
}

/** What is known of a chat and its two members, and what is pinned in it. */
export const chatMethods = {
  getChat(call) {
    const { chat, user, pinnedMessageIds } = requireChat(call);
    const pinned = call.world.state.find(user.id, pinnedMessageIds.at(-1) ?? 0);
    return {
      ...chat,
      accent_color_id: 0,
      max_reaction_count: 11,
      accepted_gift_types: {
        unlimited_gifts: true,
        limited_gifts: true,
        unique_gifts: true,
        premium_subscription: true,
        gifts_from_channels: true,
      },
      ...(chat.username === undefined ? {} : { active_usernames: [chat.username] }),
      ...(pinned === undefined ? {} : { pinned_message: pinned }),
    };
  },
  getChatMember(call) {
    const { chat } = requireChat(call);
    const user = findUser(call);
    if (!user.is_bot && user.id !== chat.id) throw badRequest('PARTICIPANT_ID_INVALID');
    return { status: 'member' as const, user };
  },
  getChatMemberCount(call) {
    requireChat(call);
    return 2;
  },
  getChatAdministrators(call) {
    requireChat(call);
    throw badRequest('there are no administrators in the private chat');
  },
  getUserProfilePhotos(call) {
    findUser(call);
    return { total_count: 0, photos: [] };
  },
  pinChatMessage(call) {
    const { user, pinnedMessageIds } = requireChat(call);
    const messageId = call.fields.integer('message_id') ?? 0;
    if (call.world.state.find(user.id, messageId) === undefined) {
      throw badRequest('message to pin not found');
    }
    pinnedMessageIds.push(messageId);
    call.world.state.touch(user.id);
    return true;
  },
  unpinChatMessage(call) {
    const newest = requireChat(call).pinnedMessageIds.at(-1);
    const messageId = call.fields.integer('message_id') ?? newest;
    return unpin(call, (pinned) => pinned === messageId);
  },
  unpinAllChatMessages: (call) => unpin(call, () => true),
} satisfies Methods;
