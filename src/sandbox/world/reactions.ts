import type { ReactionTypeEmoji } from 'grammy/types';

/** What people and bots without Premium react with. */
export type ReactionEmoji = ReactionTypeEmoji['emoji'];

/** Who has reacted to a message, and with what. */
export interface Reactions {
  readonly bot?: ReactionEmoji;
  readonly person?: ReactionEmoji;
}

/** https://core.telegram.org/bots/api#reactiontypeemoji */
const reactionEmoji: readonly string[] = [
  '👍',
  '👎',
  '❤',
  '🔥',
  '🥰',
  '👏',
  '😁',
  '🤔',
  '🤯',
  '😱',
  '🤬',
  '😢',
  '🎉',
  '🤩',
  '🤮',
  '💩',
  '🙏',
  '👌',
  '🕊',
  '🤡',
  '🥱',
  '🥴',
  '😍',
  '🐳',
  '❤‍🔥',
  '🌚',
  '🌭',
  '💯',
  '🤣',
  '⚡',
  '🍌',
  '🏆',
  '💔',
  '🤨',
  '😐',
  '🍓',
  '🍾',
  '💋',
  '🖕',
  '😈',
  '😴',
  '😭',
  '🤓',
  '👻',
  '👨‍💻',
  '👀',
  '🎃',
  '🙈',
  '😇',
  '😨',
  '🤝',
  '✍',
  '🤗',
  '🫡',
  '🎅',
  '🎄',
  '☃',
  '💅',
  '🤪',
  '🗿',
  '🆒',
  '💘',
  '🙉',
  '🦄',
  '😘',
  '💊',
  '🙊',
  '😎',
  '👾',
  '🤷‍♂',
  '🤷',
  '🤷‍♀',
  '😡',
] satisfies ReactionEmoji[];

/** Tells whether Telegram offers this emoji as a reaction. */
export function isReactionEmoji(emoji: string): emoji is ReactionEmoji {
  return reactionEmoji.includes(emoji);
}

/** How an update tells a reaction. */
export function describeReaction(emoji: ReactionEmoji | undefined): ReactionTypeEmoji[] {
  return emoji === undefined ? [] : [{ type: 'emoji', emoji }];
}
