import * as api from './api.ts';
import { changeSending, sendAlbums, settle } from './send-files.ts';
import { currentChat, type Overlay, type PageState, type Sending } from './state.ts';
import type { Store } from './store.ts';
import type { FaultName, SentAs } from './wire.ts';
import { count, fill, WORDS, type Words } from './words.ts';

/** What the page can do; components get this and the state, and nothing else. */
export interface Actions {
  choosePerson(id: number): void;
  sendText(text: string): void;
  retry(sending: Sending): void;
  discard(sending: Sending): void;
  sendFiles(files: readonly File[], as: SentAs, caption: string): void;
  sendSamples(names: readonly string[]): void;
  press(messageId: number, place: string, data: string): void;
  pay(messageId: number): void;
  addStars(count: number): void;
  changeChat(change: 'block' | 'unblock' | 'clear'): void;
  killBot(): void;
  orderFault(name: FaultName): void;
  clearFaults(): void;
  show(overlay: Overlay | null): void;
  toast(text: string): void;
  draft(text: string): void;
  markSeen(messageId: number): void;
  set(change: Partial<PageState>): void;
}

const maxTextLength = 4096;

/** Creates the actions of a store. */
export function createPageActions(store: Store<PageState>): Actions {
  let toasts = 0;
  const personId = () => store.get().personId;
  const language = () => currentChat(store.get())?.person.language ?? 'en';
  const words = (): Words => WORDS[language()];

  const set = (change: Partial<PageState>) => store.set((state) => ({ ...state, ...change }));
  function toast(text: string): void {
    toasts += 1;
    set({ toast: { text, key: toasts } });
  }
  /** Does something and says so when it fails. */
  function attempt(work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      toast(fill(words().failed, { reason }));
    });
  }

  async function deliverText(sending: Sending): Promise<void> {
    try {
      settle(store, sending, await api.sendText(sending.personId, sending.text ?? ''));
    } catch {
      changeSending(store, sending.key, { hasFailed: true });
    }
  }

  async function pay(messageId: number): Promise<void> {
    const outcome = await api.payInvoice(personId(), messageId);
    switch (outcome.kind) {
      case 'paid':
        set({ overlay: null });
        return toast(words().paymentDone);
      case 'short':
        return set({
          overlay: { kind: 'stars', missing: outcome.missing, payFor: messageId },
        });
      case 'refused':
        set({ overlay: null });
        return toast(fill(words().paymentRefused, { reason: outcome.reason }));
      case 'unanswered':
        set({ overlay: null });
        return toast(words().paymentUnanswered);
      case 'closed':
        set({ overlay: null });
        return toast(words().paymentClosed);
    }
  }

  async function press(messageId: number, place: string, data: string): Promise<void> {
    const key = `${messageId}:${place}`;
    if (store.get().pressed.includes(key)) return;
    store.set((state) => ({ ...state, pressed: [...state.pressed, key] }));
    try {
      const { text, showAlert, url, isUnanswered } = await api.pressButton(
        personId(),
        messageId,
        data,
      );
      if (isUnanswered === true) toast(words().noAnswer);
      if (url !== undefined) set({ overlay: { kind: 'link', url } });
      if (text === undefined || text === '') return;
      if (showAlert === true) set({ overlay: { kind: 'alert', text } });
      else toast(text);
    } finally {
      store.set((state) => ({ ...state, pressed: state.pressed.filter((one) => one !== key) }));
    }
  }

  async function fetchSamples(names: readonly string[]): Promise<File[]> {
    return Promise.all(
      names.map(async (name) => {
        const blob = await (await fetch(`/samples/${name}`)).blob();
        return new File([blob], name, { type: 'image/jpeg' });
      }),
    );
  }

  return {
    choosePerson(id) {
      set({ personId: id, isPeopleOpen: false, overlay: null, areSamplesOpen: undefined });
      rememberPerson(id);
    },
    sendText(text) {
      const trimmed = text.trim();
      if (trimmed === '') return;
      if ([...trimmed].length > maxTextLength) return toast(words().tooLong);
      const sending: Sending = {
        key: crypto.randomUUID(),
        personId: personId(),
        text: trimmed,
        previews: [],
        progress: 0,
        hasFailed: false,
      };
      store.set((state) => ({ ...state, sending: [...state.sending, sending] }));
      void deliverText(sending);
    },
    retry(sending) {
      changeSending(store, sending.key, { hasFailed: false });
      void deliverText(sending);
    },
    discard({ key }) {
      store.set((state) => ({
        ...state,
        sending: state.sending.filter((one) => one.key !== key),
      }));
    },
    sendFiles: (files, as, caption) =>
      attempt(sendAlbums(store, { personId: personId(), files, as, caption })),
    sendSamples(names) {
      set({ areSamplesOpen: undefined });
      const id = personId();
      attempt(
        fetchSamples(names).then((files) =>
          sendAlbums(store, { personId: id, files, as: 'photo', caption: '' }),
        ),
      );
    },
    press: (messageId, place, data) => attempt(press(messageId, place, data)),
    pay: (messageId) => attempt(pay(messageId)),
    addStars(number) {
      attempt(
        api.addStars(personId(), number).then(() => {
          const { overlay } = store.get();
          const payFor = overlay?.kind === 'stars' ? overlay.payFor : undefined;
          set({ overlay: payFor === undefined ? null : { kind: 'pay', messageId: payFor } });
          toast(count(language(), words().added, number));
        }),
      );
    },
    changeChat(change) {
      set({ overlay: null });
      attempt(api.changeChat(personId(), change));
    },
    killBot: () => attempt(api.killBot()),
    orderFault: (name) => attempt(api.orderFault(name).then(() => toast(words().ordered))),
    clearFaults: () => attempt(api.clearFaults()),
    show: (overlay) => set({ overlay }),
    toast,
    draft: (text) =>
      store.set((state) => ({
        ...state,
        drafts: { ...state.drafts, [state.personId]: text },
      })),
    markSeen(messageId) {
      const { seen, personId: id } = store.get();
      if ((seen[id] ?? 0) >= messageId) return;
      set({ seen: { ...seen, [id]: messageId } });
    },
    set,
  };
}

const personKey = 'morphogram-person';

/** The person of the last visit, in this tab. */
export function recallPerson(): number {
  try {
    return Number(sessionStorage.getItem(personKey) ?? 0);
  } catch {
    // Storage may be switched off; then everybody begins as the first person.
    return 0;
  }
}

function rememberPerson(id: number): void {
  try {
    sessionStorage.setItem(personKey, String(id));
  } catch {
    // As above.
  }
}
