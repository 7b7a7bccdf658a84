import { botProfileMethods } from './bot-profile.ts';
import { chatMethods } from './chats.ts';
import { editMethods } from './edits.ts';
import { mediaMethods } from './media.ts';
import { messageMethods } from './messages.ts';
import type { Methods } from './method.ts';
import { paymentMethods } from './payments.ts';
import { updateMethods } from './updates.ts';

/** Every method this server knows. Others are refused as unknown. */
export const methods: Methods = {
  ...botProfileMethods,
  ...chatMethods,
  ...editMethods,
  ...mediaMethods,
  ...messageMethods,
  ...paymentMethods,
  ...updateMethods,
};
