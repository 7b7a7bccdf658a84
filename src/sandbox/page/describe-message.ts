import type { Message } from 'grammy/types';
import type { Words } from './words.ts';

const shownLength = 120;

/** A message in one line: what it says, or else what it is. */
export function describeMessage(message: Omit<Message, 'reply_to_message'>, words: Words): string {
  const said = message.text ?? message.caption;
  if (said !== undefined) return said.replaceAll(/\s+/g, ' ').slice(0, shownLength);
  const { document, invoice, sticker } = message;
  if (message.photo !== undefined) return words.photo;
  if (message.video !== undefined) return words.video;
  if (message.animation !== undefined) return words.gif;
  if (document !== undefined) return document.file_name ?? words.file;
  if (message.video_note !== undefined) return words.videoNote;
  if (message.voice !== undefined) return words.voice;
  if (message.audio !== undefined)
    return message.audio.title ?? message.audio.file_name ?? words.audio;
  if (sticker !== undefined) return `${sticker.emoji ?? ''} ${words.sticker}`.trim();
  if (invoice !== undefined) return invoice.title;
  if (message.successful_payment !== undefined) return words.paymentDone;
  return words.unsupported;
}
