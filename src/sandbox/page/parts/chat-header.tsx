import { useEffect, useState } from 'preact/hooks';
import type { Actions } from '../actions.ts';
import { showNumber } from '../format.ts';
import type { Chat, PageState } from '../state.ts';
import type { Persona } from '../wire.ts';
import { count, WORDS, type Words } from '../words.ts';
import { Icon, StarIcon } from './icons.tsx';
import { PopupMenu } from './popup-menu.tsx';

/** Clients show an action for five seconds, unless a message comes or it is told again. */
const actionMs = 5_500;

export function ChatHeader(props: { person: Persona; chat: Chat; state: PageState; act: Actions }) {
  const { person, chat, state, act } = props;
  const { language } = person;
  const words = WORDS[language];
  const { facts } = chat;
  return (
    <header class="chat-header">
      <button
        type="button"
        class="round only-narrow"
        aria-label={words.back}
        onClick={() => act.set({ isPeopleOpen: true })}
      >
        <Icon name="back" />
      </button>
      <img class="avatar" src="/icon.svg" alt="" />
      <div class="who">
        <h1>{facts.botName || 'Morphogram'}</h1>
        <Status chat={chat} state={state} words={words} />
      </div>
      <button
        type="button"
        class="purse"
        title={words.purse}
        aria-label={`${count(language, words.purseHolds, facts.purse)}. ${words.getStars}`}
        onClick={() => act.show({ kind: 'stars' })}
      >
        <StarIcon size={18} /> {showNumber(facts.purse, language)}
      </button>
      <button
        type="button"
        class={state.isPanelOpen ? 'round active' : 'round'}
        aria-label={words.showTrouble}
        title={words.showTrouble}
        aria-expanded={state.isPanelOpen}
        onClick={() => act.set({ isPanelOpen: !state.isPanelOpen })}
      >
        <Icon name="trouble" size={22} />
      </button>
      <PopupMenu
        label={words.moreActions}
        class="round"
        items={[
          {
            icon: 'block',
            label: facts.isBlocked ? words.unblock : words.block,
            choose: () => act.changeChat(facts.isBlocked ? 'unblock' : 'block'),
          },
          {
            icon: 'clear',
            label: words.clear,
            isDangerous: true,
            choose: () => act.show({ kind: 'clear' }),
          },
        ]}
      >
        <Icon name="more" />
      </PopupMenu>
    </header>
  );
}

/** What the bot is doing: from the process, else from its chat action. */
function Status({ chat, state, words }: { chat: Chat; state: PageState; words: Words }) {
  const { action } = chat.facts;
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    setNow(Date.now());
    if (action === null) return;
    const timer = setTimeout(() => setNow(Date.now()), actionMs);
    return () => clearTimeout(timer);
  }, [action]);

  const { phase } = state.process;
  if (!state.isConnected) return <p class="status">{words.connecting}</p>;
  if (phase === 'starting') return <p class="status">{words.starting}</p>;
  if (phase !== 'running') return <p class="status">{words.restarting}</p>;
  if (action !== null && now - action.atMs < actionMs) {
    return (
      <p class="status busy">
        <span class="dots" aria-hidden="true">
          <i />
          <i />
          <i />
        </span>
        {describeAction(action.name, words)}
      </p>
    );
  }
  return <p class="status">{words.bot}</p>;
}

function describeAction(name: string, words: Words): string {
  switch (name) {
    case 'upload_photo':
      return words.sendingPhoto;
    case 'record_video':
    case 'record_video_note':
      return words.recordingVideo;
    case 'upload_video':
    case 'upload_video_note':
      return words.sendingVideo;
    case 'record_voice':
      return words.recordingVoice;
    case 'upload_voice':
      return words.sendingVoice;
    case 'upload_document':
      return words.sendingFile;
    case 'choose_sticker':
      return words.choosingSticker;
    default:
      return words.typing;
  }
}
