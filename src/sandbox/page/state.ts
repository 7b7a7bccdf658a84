import type { Message } from 'grammy/types';
import type {
  BotProcessState,
  CallLine,
  ChatFacts,
  Persona,
  SentAs,
  TroubleToCome,
  WorldChange,
} from './wire.ts';

/** One chat as it is known here, oldest message first. */
export interface Chat {
  readonly messages: readonly Message[];
  readonly facts: ChatFacts;
}

/** A picture shown before it is sent. */
export interface Preview {
  readonly name: string;
  readonly sizeBytes: number;
  /** An object URL; absent for what is no picture. */
  readonly url?: string;
}

/** What is on its way to the server. */
export interface Sending {
  readonly key: string;
  readonly personId: number;
  readonly text?: string;
  readonly as?: SentAs;
  readonly previews: readonly Preview[];
  /** From 0 to 1. */
  readonly progress: number;
  readonly hasFailed: boolean;
}

/** What lies over the chat. */
export type Overlay =
  | { readonly kind: 'send'; readonly files: readonly File[]; readonly as: 'photo' | 'file' }
  | { readonly kind: 'photo'; readonly fileId: string }
  | { readonly kind: 'pay'; readonly messageId: number }
  /** With an invoice the purse was too small for, it comes back when there are stars. */
  | {
      readonly kind: 'stars';
      readonly missing?: number;
      readonly payFor?: number;
    }
  | { readonly kind: 'alert'; readonly text: string }
  | { readonly kind: 'link'; readonly url: string }
  | { readonly kind: 'clear' };

/** All that the page shows. */
export interface PageState {
  readonly isConnected: boolean;
  readonly isLoaded: boolean;
  readonly botUsername: string;
  readonly people: readonly Persona[];
  readonly chats: Readonly<Record<number, Chat>>;
  readonly process: BotProcessState;
  readonly faults: TroubleToCome;
  readonly calls: readonly CallLine[];
  readonly samples: readonly string[];
  /** Pictures sent from here, by their file_id: they need not come back from the server. */
  readonly ownPictures: Readonly<Record<string, string>>;

  readonly personId: number;
  readonly sending: readonly Sending[];
  readonly drafts: Readonly<Record<number, string>>;
  /** Pressed buttons that were not answered yet: `messageId:row:column`. */
  readonly pressed: readonly string[];
  readonly toast: { readonly text: string; readonly key: number } | null;
  readonly overlay: Overlay | null;
  /** The newest message that was seen, by person. */
  readonly seen: Readonly<Record<number, number>>;
  readonly isPanelOpen: boolean;
  readonly isPeopleOpen: boolean;
  /** Undefined: open until the person has sent a photo. */
  readonly areSamplesOpen: boolean | undefined;
}

/** A page that knows nothing yet. */
export function createEmptyState(): PageState {
  return {
    isConnected: false,
    isLoaded: false,
    botUsername: '',
    people: [],
    chats: {},
    process: { phase: 'starting', restarts: 0, sinceMs: 0 },
    faults: { calls: 0, downloads: 0, steps: 0 },
    calls: [],
    samples: [],
    ownPictures: {},
    personId: 0,
    sending: [],
    drafts: {},
    pressed: [],
    toast: null,
    overlay: null,
    seen: {},
    isPanelOpen: false,
    isPeopleOpen: false,
    areSamplesOpen: undefined,
  };
}

const emptyFacts: ChatFacts = {
  action: null,
  keyboard: null,
  isBlocked: false,
  purse: 0,
  commands: [],
  botName: '',
  botDescription: '',
  waiting: [],
};

/** The state after a change of the world. */
export function applyChange(state: PageState, change: WorldChange): PageState {
  const chats: Record<number, Chat> = change.isWhole ? {} : { ...state.chats };
  for (const [id, { messages = [], removed = [], facts }] of Object.entries(change.chats ?? {})) {
    const before = chats[Number(id)] ?? { messages: [], facts: emptyFacts };
    chats[Number(id)] = {
      messages: mergeMessages(before.messages, messages, removed),
      facts: facts ?? before.facts,
    };
  }
  const people = change.people ?? state.people;
  const isKnown = people.some(({ id }) => id === state.personId);
  return {
    ...state,
    isLoaded: true,
    isConnected: true,
    people,
    chats,
    personId: isKnown ? state.personId : (people[0]?.id ?? 0),
    botUsername: change.botUsername ?? state.botUsername,
    process: change.process ?? state.process,
    faults: change.faults ?? state.faults,
    calls: change.calls ?? state.calls,
  };
}

/** Puts new and edited messages in their places; the same array when nothing changed. */
export function mergeMessages(
  before: readonly Message[],
  changed: readonly Message[],
  removed: readonly number[],
): readonly Message[] {
  if (changed.length === 0 && removed.length === 0) return before;
  const byId = new Map(before.map((message) => [message.message_id, message]));
  for (const message of changed) byId.set(message.message_id, message);
  for (const id of removed) byId.delete(id);
  return [...byId.values()].sort((a, b) => a.message_id - b.message_id);
}

/** The person whose place is taken, and their chat; undefined until the world is known. */
export function currentChat(state: PageState): { person: Persona; chat: Chat } | undefined {
  const person = state.people.find(({ id }) => id === state.personId);
  if (person === undefined) return undefined;
  return { person, chat: state.chats[person.id] ?? { messages: [], facts: emptyFacts } };
}

/** How many messages of the bot a person has not seen. */
export function countUnread(state: PageState, personId: number): number {
  const seen = state.seen[personId] ?? 0;
  const messages = state.chats[personId]?.messages ?? [];
  return messages.filter(({ message_id, from }) => message_id > seen && from?.is_bot).length;
}
