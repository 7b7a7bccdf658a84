import type { MessageEntity } from 'grammy/types';
import { type BotApiError, badRequest } from '../http/bot-api-error.ts';

/** A text as people see it, with its formatting beside it. */
export interface FormattedText {
  readonly text: string;
  readonly entities: readonly MessageEntity[];
}

/** A part of a text in UTF-16 units. */
export interface Span {
  readonly offset: number;
  readonly length: number;
}

/** The refusal of a text whose markup is broken. */
export function cannotParse(reason: string): BotApiError {
  return badRequest(`can't parse entities: ${reason}`);
}

/** How Telegram tells where something is wrong. */
export function byteOffset(source: string, at: number): number {
  return Buffer.byteLength(source.slice(0, at));
}

/**
 * What a link written in markup becomes: a link, the mention of a person (of whom only the id is
 * known yet), or nothing where it leads nowhere.
 */
export function linkEntity(url: string, { offset, length }: Span): MessageEntity | undefined {
  const userId = /^tg:(?:\/\/)?user\?id=(\d+)$/i.exec(url)?.[1];
  if (userId !== undefined) {
    const user = { id: Number(userId), is_bot: false, first_name: '' };
    return { type: 'text_mention', offset, length, user };
  }
  if (URL.canParse(url)) return { type: 'text_link', offset, length, url };
  const isDomain = /^[\p{L}\p{N}-]+(\.[\p{L}\p{N}-]+)+([:/?#]\S*)?$/u.test(url);
  return isDomain ? { type: 'text_link', offset, length, url: `http://${url}` } : undefined;
}

/** Reads what follows the opening of a code block: its language and the line break after it. */
export function readCodeOpening(
  source: string,
  at: number,
): { language: string | undefined; at: number } {
  const language = /^[^\s`]+(?!`)(?=\s)/.exec(source.slice(at, at + 200))?.[0];
  const next = at + (language?.length ?? 0);
  const lineBreak = /^(\r\n|\n\r|\n|\r)/.exec(source.slice(next, next + 2))?.[0] ?? '';
  return { language, at: next + lineBreak.length };
}
