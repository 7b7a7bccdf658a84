import type { LinkPreviewOptions, Location } from 'grammy/types';
import { z } from 'zod';
import { badRequest } from '../http/bot-api-error.ts';
import type { Fields } from '../http/request-fields.ts';
import { textContent } from '../text/entities.ts';
import { type Methods, requireWritableChat } from './method.ts';
import { sendContent } from './send-content.ts';
import { readMessageText, readOptionalText } from './texts.ts';

const chatActions = [
  'typing',
  'upload_photo',
  'record_video',
  'upload_video',
  'record_voice',
  'upload_voice',
  'upload_document',
  'choose_sticker',
  'find_location',
  'record_video_note',
  'upload_video_note',
];

const linkPreviewSchema = z.object({
  is_disabled: z.boolean().exactOptional(),
  url: z.string().exactOptional(),
  prefer_small_media: z.boolean().exactOptional(),
  prefer_large_media: z.boolean().exactOptional(),
  show_above_text: z.boolean().exactOptional(),
});

/** Reads how links of a text shall be previewed; nothing when nothing is said about it. */
export function readLinkPreview(fields: Fields): { link_preview_options?: LinkPreviewOptions } {
  const given = fields.json('link_preview_options');
  if (given === undefined) {
    // What older clients say instead.
    const isDisabled = fields.flag('disable_web_page_preview');
    return isDisabled ? { link_preview_options: { is_disabled: true } } : {};
  }
  const options = linkPreviewSchema.safeParse(given);
  if (!options.success) throw badRequest("can't parse LinkPreviewOptions");
  return Object.keys(options.data).length === 0 ? {} : { link_preview_options: options.data };
}

function readLocation(fields: Fields): Location {
  const latitude = readNumber(fields, 'latitude');
  const longitude = readNumber(fields, 'longitude');
  if (Math.abs(latitude) > 90 || Math.abs(longitude) > 180) throw badRequest('wrong location');
  return { latitude, longitude };
}

function readNumber(fields: Fields, name: string): number {
  const text = fields.text(name) ?? '';
  const value = Number(text);
  if (text === '' || !Number.isFinite(value)) throw badRequest(`${name} is empty or not a number`);
  return value;
}

function requireText(fields: Fields, name: string): string {
  const text = fields.text(name) ?? '';
  if (text === '') throw badRequest(`parameter "${name}" is required`);
  return text;
}

/** What the bot says without a file. */
export const messageMethods = {
  sendMessage: (call) =>
    sendContent(call, {
      ...textContent(readMessageText(call)),
      ...readLinkPreview(call.fields),
    }),
  /** A text that is still being written; the next message takes its place. */
  sendMessageDraft(call) {
    const chat = requireWritableChat(call);
    if ((call.fields.integer('draft_id') ?? 0) === 0) throw badRequest('DRAFT_ID_INVALID');
    chat.draft = textContent(readOptionalText(call));
    call.world.state.touch(chat.user.id);
    return true;
  },
  sendLocation: (call) => sendContent(call, { location: readLocation(call.fields) }),
  sendVenue(call) {
    const location = readLocation(call.fields);
    const title = requireText(call.fields, 'title');
    const address = requireText(call.fields, 'address');
    return sendContent(call, { location, venue: { location, title, address } });
  },
  sendContact(call) {
    const lastName = call.fields.text('last_name');
    return sendContent(call, {
      contact: {
        phone_number: requireText(call.fields, 'phone_number'),
        first_name: requireText(call.fields, 'first_name'),
        ...(lastName === undefined ? {} : { last_name: lastName }),
      },
    });
  },
  sendChatAction(call) {
    const name = call.fields.text('action') ?? '';
    if (!chatActions.includes(name)) throw badRequest('wrong parameter action in request');
    const chat = requireWritableChat(call);
    chat.action = { name, atMs: Date.now() };
    call.world.state.touch(chat.user.id);
    return true;
  },
} satisfies Methods;
