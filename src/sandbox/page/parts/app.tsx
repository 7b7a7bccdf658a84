import { useEffect } from 'preact/hooks';
import type { Actions } from '../actions.ts';
import { currentChat, type PageState } from '../state.ts';
import { WORDS } from '../words.ts';
import { ChatHeader } from './chat-header.tsx';
import { Composer } from './composer.tsx';
import { DropZone } from './drop-zone.tsx';
import { MessageList } from './message-list.tsx';
import { Overlays } from './overlays.tsx';
import { PeopleList } from './people-list.tsx';
import { TroublePanel } from './trouble-panel.tsx';

/** The whole page: people, the chat, and trouble. */
export function App({ state, act }: { state: PageState; act: Actions }) {
  const current = currentChat(state);
  const language = current?.person.language ?? 'en';
  const words = WORDS[language];
  useEffect(() => {
    document.documentElement.lang = language;
    document.title = words.title;
  }, [language, words]);
  if (current === undefined) {
    return (
      <div class="waiting-page" role="status">
        <img src="/icon.svg" alt="" width="84" height="84" />
        {words.connecting}
      </div>
    );
  }
  const { person, chat } = current;
  const sending = state.sending.filter((one) => one.personId === person.id);
  const common = { person, chat, state, act };
  return (
    <div class="page">
      <PeopleList state={state} act={act} language={language} />
      <main class="chat">
        <ChatHeader {...common} />
        <MessageList key={person.id} {...common} sending={sending} />
        <Composer key={`composer${person.id}`} {...common} />
        <DropZone words={words} act={act} />
      </main>
      <TroublePanel state={state} act={act} language={language} />
      <Overlays {...common} />
      <Toast state={state} act={act} />
    </div>
  );
}

const toastMs = 4_000;

function Toast({ state: { toast }, act }: { state: PageState; act: Actions }) {
  useEffect(() => {
    if (toast === null) return;
    const timer = setTimeout(() => act.set({ toast: null }), toastMs);
    return () => clearTimeout(timer);
  }, [toast, act]);
  return (
    <div class="toast-place" role="status" aria-live="polite">
      {toast !== null && (
        <div class="toast" key={toast.key}>
          {toast.text}
        </div>
      )}
    </div>
  );
}
