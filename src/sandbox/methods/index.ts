import { botProfileMethods } from './bot-profile.ts';
import { chatMethods } from './chats.ts';
import { copyMethods } from './copies.ts';
import { editMethods } from './edits.ts';
import { mediaMethods } from './media.ts';
import { messageMethods } from './messages.ts';
import type { Methods } from './method.ts';
import { paymentMethods } from './payments.ts';
import { reactionMethods } from './reactions.ts';
import { updateMethods } from './updates.ts';

/**
 * Every method this server knows: what a bot in private chats needs. Others are refused as unknown.
 *
 * Not there: groups, channels and topics with their members, rights and invitations; inline mode
 * and what is sent by it; business accounts; games, polls, dice, checklists and live locations;
 * rich, ephemeral and paid messages; stories; sticker sets and custom emoji; gifts and
 * subscriptions; payments in money with their shipping; Passport; the bot's own profile photo.
 */
export const methods: Methods = {
  ...botProfileMethods,
  ...chatMethods,
  ...copyMethods,
  ...editMethods,
  ...mediaMethods,
  ...messageMethods,
  ...paymentMethods,
  ...reactionMethods,
  ...updateMethods,
};
