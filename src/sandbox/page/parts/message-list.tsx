import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Actions } from '../actions.ts';
import { showDay } from '../format.ts';
import { layOutChat } from '../lay-out-chat.ts';
import type { Chat, PageState, Sending } from '../state.ts';
import type { Persona } from '../wire.ts';
import { fill, WORDS } from '../words.ts';
import { Bubble } from './bubble.tsx';
import type { BubbleContext } from './bubble-context.ts';
import { Icon } from './icons.tsx';
import { SendingBubble } from './sending.tsx';

/** This near to the end counts as being there. */
const nearEnd = 80;

/** All messages of a chat; stays at the end when it is there, and where it is when it is not. */
export function MessageList(props: {
  person: Persona;
  chat: Chat;
  sending: readonly Sending[];
  state: PageState;
  act: Actions;
}) {
  const { person, chat, sending, state, act } = props;
  const { language } = person;
  const words = WORDS[language];
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const knownHeight = useRef(0);
  const [isAway, setAway] = useState(false);
  const [isMoving, showMoving] = useMoment(1_200);
  const { messages, facts } = chat;
  const newest = messages.at(-1)?.message_id ?? 0;
  const seenId = state.seen[person.id] ?? 0;
  const firstUnread = useRef(findFirstUnread(chat, seenId));
  const unread = messages.filter(({ message_id, from }) => message_id > seenId && from?.is_bot);

  const days = useMemo(() => layOutChat(messages), [messages]);
  const context: BubbleContext = useMemo(
    () => ({
      words,
      language,
      act,
      ownPictures: state.ownPictures,
      botName: facts.botName,
    }),
    [words, language, act, state.ownPictures, facts.botName],
  );
  const waiting = useMemo(() => new Set(facts.waiting), [facts.waiting]);

  const toEnd = useCallback((behavior: ScrollBehavior = 'instant') => {
    scroller.current?.scrollTo({ top: scroller.current.scrollHeight, behavior });
  }, []);
  const markSeen = useCallback(() => {
    if (isAtEnd.current && document.visibilityState === 'visible') act.markSeen(newest);
  }, [act, newest]);

  useLayoutEffect(() => toEnd(), [toEnd]);
  // What somebody sends themselves they want to see.
  useLayoutEffect(() => {
    if (sending.length > 0) {
      isAtEnd.current = true;
      toEnd();
    }
  }, [sending.length, toEnd]);
  useEffect(() => {
    markSeen();
    document.addEventListener('visibilitychange', markSeen);
    return () => document.removeEventListener('visibilitychange', markSeen);
  }, [markSeen]);
  // Pictures, keyboards and edits change the height at any time.
  useEffect(() => {
    const watch = new ResizeObserver(() => {
      if (isAtEnd.current) toEnd();
    });
    if (content.current !== null) watch.observe(content.current);
    if (scroller.current !== null) watch.observe(scroller.current);
    return () => watch.disconnect();
  }, [toEnd]);

  const onScroll = () => {
    const { current } = scroller;
    if (current === null) return;
    showMoving();
    // It was the chat that grew, not the person who scrolled.
    const hasGrown = current.scrollHeight !== knownHeight.current;
    knownHeight.current = current.scrollHeight;
    if (hasGrown && isAtEnd.current) {
      toEnd();
      return;
    }
    isAtEnd.current = current.scrollHeight - current.scrollTop - current.clientHeight < nearEnd;
    setAway(!isAtEnd.current);
    markSeen();
  };
  const isEmpty = messages.length === 0 && sending.length === 0;
  return (
    <div class="messages">
      <section
        class={isMoving ? 'scroller moving' : 'scroller'}
        ref={scroller}
        onScroll={onScroll}
        aria-label={fill(words.chat, { name: facts.botName })}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls is reached by keys
        tabIndex={0}
      >
        <div class="column" ref={content} role="log" aria-live="polite" aria-label={words.messages}>
          {isEmpty && (
            <div class="hello">
              <img src="/icon.svg" alt="" width="84" height="84" />
              <h2>{words.whatCanItDo}</h2>
              <p>{facts.botDescription || words.defaultDescription}</p>
            </div>
          )}
          {days.map((day) => (
            <div class="day" key={day.key}>
              <div class="day-name">
                <span class="pill">{showDay(day.date, language, words)}</span>
              </div>
              {day.bubbles.map((bubble) => {
                const id = bubble.messages[0].message_id;
                // The buttons of an album hang below its last message.
                const keysOf = `${bubble.messages.at(-1)?.message_id}:`;
                const pressed = state.pressed
                  .filter((key) => key.startsWith(keysOf))
                  .map((key) => key.slice(keysOf.length));
                return (
                  <div class="slot" key={bubble.key}>
                    {firstUnread.current === id && (
                      <div class="unread-line">{words.unreadMessages}</div>
                    )}
                    <Bubble
                      bubble={bubble}
                      context={context}
                      isTaken={!waiting.has(id)}
                      pressed={pressed.join(' ')}
                    />
                  </div>
                );
              })}
            </div>
          ))}
          {sending.map((one) => (
            <SendingBubble
              key={one.key}
              sending={one}
              words={words}
              language={language}
              act={act}
            />
          ))}
        </div>
      </section>
      {isAway && (
        <button
          type="button"
          class="to-end"
          aria-label={words.scrollDown}
          onClick={() => toEnd(wantsCalm() ? 'instant' : 'smooth')}
        >
          {unread.length > 0 && <span class="badge">{unread.length}</span>}
          <Icon name="down" />
        </button>
      )}
    </div>
  );
}

/** True for a while after each call. */
function useMoment(ms: number): [boolean, () => void] {
  const [isOn, setOn] = useState(false);
  const timer = useRef<number | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const begin = () => {
    clearTimeout(timer.current);
    setOn(true);
    timer.current = setTimeout(() => setOn(false), ms);
  };
  return [isOn, begin];
}

/** The line goes above the first message that came while somebody else's chat was open. */
function findFirstUnread({ messages }: Chat, seenId: number): number {
  if (seenId === 0) return 0;
  return (
    messages.find(({ message_id, from }) => message_id > seenId && from?.is_bot)?.message_id ?? 0
  );
}

function wantsCalm(): boolean {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}
