import type { Message } from 'grammy/types';

/** One bubble: a message, or the messages of an album. */
export interface Bubble {
  readonly key: string;
  readonly messages: readonly [Message, ...Message[]];
  readonly isOwn: boolean;
  readonly isService: boolean;
  /** First and last of those that hang together: only the last has a tail. */
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

/** The bubbles of one day. */
export interface Day {
  readonly key: string;
  /** Unix seconds of its first message. */
  readonly date: number;
  readonly bubbles: readonly Bubble[];
}

/** Messages further apart than this do not hang together. */
const groupSeconds = 300;

/** Sorts the messages of a chat into days, and albums into one bubble each. */
export function layOutChat(messages: readonly Message[]): Day[] {
  const days: { key: string; date: number; bubbles: Bubble[] }[] = [];
  for (const group of joinAlbums(messages)) {
    const [first] = group;
    const key = new Date(first.date * 1000).toDateString();
    let day = days.at(-1);
    if (day?.key !== key) {
      day = { key, date: first.date, bubbles: [] };
      days.push(day);
    }
    day.bubbles.push({
      key: String(first.message_id),
      messages: group,
      isOwn: first.from?.is_bot === false,
      isService: isService(first),
      isFirst: true,
      isLast: true,
    });
  }
  return days.map((day) => ({ ...day, bubbles: joinGroups(day.bubbles) }));
}

function joinAlbums(messages: readonly Message[]): [Message, ...Message[]][] {
  const groups: [Message, ...Message[]][] = [];
  for (const message of messages) {
    const last = groups.at(-1);
    const isSame =
      message.media_group_id !== undefined && last?.[0].media_group_id === message.media_group_id;
    if (isSame && last !== undefined) last.push(message);
    else groups.push([message]);
  }
  return groups;
}

function joinGroups(bubbles: readonly Bubble[]): Bubble[] {
  const together = (a: Bubble | undefined, b: Bubble | undefined) =>
    a !== undefined &&
    b !== undefined &&
    a.isOwn === b.isOwn &&
    !a.isService &&
    !b.isService &&
    b.messages[0].date - a.messages[0].date < groupSeconds;
  return bubbles.map((bubble, index) => ({
    ...bubble,
    isFirst: !together(bubbles[index - 1], bubble),
    isLast: !together(bubble, bubbles[index + 1]),
  }));
}

/** Messages that tell of something instead of saying something. */
function isService(message: Message): boolean {
  return (
    message.successful_payment !== undefined ||
    message.refunded_payment !== undefined ||
    message.pinned_message !== undefined
  );
}

const albumRows: Readonly<Record<number, readonly number[]>> = {
  1: [1],
  2: [2],
  3: [1, 2],
  4: [2, 2],
  5: [2, 3],
  6: [3, 3],
  7: [2, 2, 3],
  8: [3, 3, 2],
  9: [3, 3, 3],
  10: [3, 4, 3],
};

/** Splits the pictures of an album into rows that look good below each other. */
export function splitRows<T>(items: readonly T[]): T[][] {
  let at = 0;
  return (albumRows[items.length] ?? [items.length]).map((length) => {
    const row = items.slice(at, at + length);
    at += length;
    return row;
  });
}
