import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Message } from 'grammy/types';
import { showDuration, showSize } from '../../src/sandbox/page/format.ts';
import { layOutChat, splitRows } from '../../src/sandbox/page/lay-out-chat.ts';
import { applyChange, countUnread, createEmptyState } from '../../src/sandbox/page/state.ts';
import type { ChatFacts } from '../../src/sandbox/page/wire.ts';
import { count, fill, WORDS } from '../../src/sandbox/page/words.ts';
import { PERSONAS } from '../../src/sandbox/sandbox-config.ts';

const ANN = 1001;
const CHAT = { id: ANN, type: 'private', first_name: 'Ann' } as const;
const noon = Date.parse('2026-11-22T12:00:00Z') / 1000;

/** A text, of the bot unless told otherwise. */
function say(id: number, more: Partial<Message> & { own?: boolean } = {}): Message {
  const { own = false, ...rest } = more;
  const from = { id: own ? ANN : 42, is_bot: !own, first_name: own ? 'Ann' : 'Bot' };
  return { message_id: id, date: noon + id, chat: CHAT, from, text: `${id}`, ...rest } as Message;
}

describe('the words of the page', () => {
  const placeholders = (text: string) => [...text.matchAll(/\{\{\w+\}\}/g)].map(String).sort();

  it('are the same in both languages, with the same values in them', () => {
    assert.deepEqual(Object.keys(WORDS.ru), Object.keys(WORDS.en));
    for (const [key, english] of Object.entries(WORDS.en)) {
      const russian = Object.entries(WORDS.ru).find(([name]) => name === key)?.[1];
      if (typeof english === 'string') {
        assert.equal(typeof russian, 'string', key);
        assert.deepEqual(placeholders(String(russian)), placeholders(english), key);
      } else if ('other' in english) {
        const forms = Object.entries(russian ?? {});
        assert.deepEqual(forms.map(([form]) => form).sort(), ['few', 'many', 'one', 'other'], key);
        for (const [form, text] of forms) {
          assert.deepEqual(placeholders(text), placeholders(english.other), `${key}.${form}`);
        }
      } else {
        assert.deepEqual(Object.keys(russian ?? {}), Object.keys(english), key);
      }
    }
  });

  it('count as the language does', () => {
    const { stars } = WORDS.ru;
    assert.deepEqual(
      [1, 3, 5, 21].map((number) => count('ru', stars, number)),
      ['1 звезда', '3 звезды', '5 звёзд', '21 звезда'],
    );
    assert.equal(count('en', WORDS.en.stars, 1_000), '1,000 stars');
    assert.equal(fill('{{a}} {{b}}', { a: 1 }), '1 {{b}}');
  });
});

describe('a chat', () => {
  it('hangs together what one side says within minutes, and parts the days', () => {
    const [first, second] = layOutChat([
      say(1, { own: true }),
      say(2),
      say(3),
      say(4, { date: noon + 900 }),
      say(5, { date: noon + 86_400 }),
    ]);
    assert.deepEqual(
      first?.bubbles.map(({ key, isFirst, isLast }) => [key, isFirst, isLast]),
      [
        ['1', true, true],
        ['2', true, false],
        ['3', false, true],
        ['4', true, true],
      ],
    );
    assert.equal(second?.bubbles.length, 1);
  });

  it('makes one bubble of an album', () => {
    const album = [1, 2, 3].map((id) => say(id, { media_group_id: 'a' }));
    const [day] = layOutChat([...album, say(4, { media_group_id: 'b' })]);
    assert.deepEqual(
      day?.bubbles.map(({ messages }) => messages.length),
      [3, 1],
    );
  });

  it('lays out every picture of an album, in order', () => {
    for (let length = 1; length <= 10; length += 1) {
      const items = Array.from({ length }, (_, index) => index);
      assert.deepEqual(splitRows(items).flat(), items);
    }
  });
});

describe('the state', () => {
  const facts: ChatFacts = {
    action: null,
    keyboard: null,
    isBlocked: false,
    purse: 0,
    commands: [],
    botName: 'Bot',
    botDescription: '',
    waiting: [],
  };
  const begun = applyChange(createEmptyState(), {
    isWhole: true,
    people: PERSONAS,
    chats: { [ANN]: { messages: [say(1, { own: true }), say(2)], facts } },
  });

  it('follows new, edited and deleted messages, and leaves other chats as they are', () => {
    const after = applyChange(begun, {
      isWhole: false,
      chats: { [ANN]: { messages: [say(4), say(1, { text: 'edited' })], removed: [2] } },
    });
    assert.deepEqual(
      after.chats[ANN]?.messages.map(({ text }) => text),
      ['edited', '4'],
    );
    assert.equal(after.chats[ANN]?.facts, facts);
    const faults = { calls: 3, downloads: 0, steps: 0 };
    assert.equal(applyChange(begun, { isWhole: false, faults }).chats[ANN], begun.chats[ANN]);
  });

  it('forgets everything when it gets everything', () => {
    const after = applyChange(begun, { isWhole: true, people: PERSONAS, chats: {} });
    assert.deepEqual(after.chats, {});
    assert.equal(after.personId, ANN);
  });

  it('counts what the bot said since somebody looked', () => {
    assert.equal(countUnread(begun, ANN), 1);
    assert.equal(countUnread({ ...begun, seen: { [ANN]: 2 } }, ANN), 0);
  });
});

it('sizes and durations are shown as Telegram shows them', () => {
  assert.deepEqual(
    [900, 1_500, 48_000, 1_500_000].map((size) => showSize(size, 'en')),
    ['900 B', '1.5 KB', '46.9 KB', '1.4 MB'],
  );
  assert.equal(showSize(1_500_000, 'ru'), '1,4 МБ');
  assert.deepEqual([0, 5, 65, 3_723].map(showDuration), ['0:00', '0:05', '1:05', '1:02:03']);
});
