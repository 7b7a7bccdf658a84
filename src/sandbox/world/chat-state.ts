import { EventEmitter } from 'node:events';
import type {
  Chat,
  ForceReply,
  Message,
  MessageEntity,
  ReplyKeyboardMarkup,
  ReplyKeyboardRemove,
  User,
  UserFromGetMe,
} from 'grammy/types';
import type { ReactionEmoji, Reactions } from './reactions.ts';
import type { Store, Table } from './store.ts';

/** What a message holds besides its identifier, date, chat and sender. */
export type MessageContent = Partial<Omit<Message, 'message_id' | 'date' | 'chat' | 'from'>>;

/** A message as it looks in a chat between a person and the bot. */
export type PrivateMessage = Message & { chat: Chat.PrivateChat; from: User };

/** A markup that changes the person's keyboard instead of hanging below the message. */
export type KeyboardMarkup = ReplyKeyboardMarkup | ReplyKeyboardRemove | ForceReply;

/** One private chat with all that its person can see. */
export interface PrivateChatState {
  user: User;
  chat: Chat.PrivateChat;
  /** True after the person blocked the bot: nothing can be sent to them any more. */
  blocked: boolean;
  /** The reply keyboard shown to the person now. */
  keyboard: KeyboardMarkup | undefined;
  /** "typing…" and the like; clients show it for five seconds at most. */
  action: { readonly name: string; readonly atMs: number } | undefined;
  /** What the bot is still writing; its next message takes its place. */
  draft: { readonly text: string; readonly entities?: MessageEntity[] } | undefined;
  readonly pinnedMessageIds: number[];
  /** By message_id; read by {@link ChatState.reactions}. */
  readonly reactions: Record<string, Reactions>;
  /** The message_id given last; both sides share one sequence. */
  lastMessageId: number;
}

interface Room {
  readonly state: PrivateChatState;
  readonly messages: Table<PrivateMessage>;
}

/** The chats of one bot: who takes part, what was said. All changes go through here. */
export interface ChatState {
  readonly bot: UserFromGetMe;
  /** Emits `change` with the chat's id after everything a person could notice. */
  readonly events: EventEmitter<{ change: [chatId: number] }>;
  addUser(user: User): PrivateChatState;
  /** Gives a known person another name or language; what was said before keeps the old one. */
  changeUser(user: User): void;
  chat(chatId: number): PrivateChatState | undefined;
  chatIds(): number[];
  /** Appends a message with the next message_id of its chat. */
  post<C extends MessageContent>(
    chatId: number,
    sender: 'bot' | 'person',
    content: C,
  ): PrivateMessage & C;
  /** Replaces a message by its new version; messages themselves are never mutated. */
  replace(message: PrivateMessage): void;
  remove(chatId: number, messageId: number): boolean;
  find(chatId: number, messageId: number): PrivateMessage | undefined;
  messages(chatId: number): PrivateMessage[];
  reactions(chatId: number, messageId: number): Reactions;
  /** Replaces the reaction of one side by another or by none, and returns the one before. */
  react(
    chatId: number,
    messageId: number,
    who: 'bot' | 'person',
    emoji: ReactionEmoji | undefined,
  ): ReactionEmoji | undefined;
  /** Reports a change of the chat made directly in its {@link PrivateChatState}. */
  touch(chatId: number): void;
}

/** Opens the chats kept in a store; in a new one there is the bot and nobody else. */
export function createChatState(bot: UserFromGetMe, store: Store): ChatState {
  const events = new EventEmitter<{ change: [chatId: number] }>();
  // Every waiting test driver listens; their number says nothing about a leak.
  events.setMaxListeners(0);
  const chats = store.table<PrivateChatState>('chats');
  const rooms = new Map<number, Room>();

  function open(state: PrivateChatState): Room {
    const room = { state, messages: store.table<PrivateMessage>(`messages of ${state.user.id}`) };
    rooms.set(state.user.id, room);
    return room;
  }
  for (const state of chats.values()) open(state);

  function requireRoom(chatId: number): Room {
    const found = rooms.get(chatId);
    if (found === undefined) throw new Error(`nobody with id ${chatId} was added to the sandbox`);
    return found;
  }
  function touch(chatId: number): void {
    chats.set(String(chatId), requireRoom(chatId).state);
    events.emit('change', chatId);
  }

  return {
    bot,
    events,
    addUser(user) {
      const known = rooms.get(user.id);
      if (known !== undefined) return known.state;
      const state: PrivateChatState = {
        user,
        chat: describeChat(user),
        blocked: false,
        keyboard: undefined,
        action: undefined,
        draft: undefined,
        pinnedMessageIds: [],
        reactions: {},
        lastMessageId: 0,
      };
      open(state);
      touch(user.id);
      return state;
    },
    changeUser(user) {
      Object.assign(requireRoom(user.id).state, { user, chat: describeChat(user) });
      touch(user.id);
    },
    chat: (chatId) => rooms.get(chatId)?.state,
    chatIds: () => [...rooms.keys()],
    post(chatId, sender, content) {
      const { state, messages } = requireRoom(chatId);
      state.lastMessageId += 1;
      const { id, is_bot, first_name, username } = bot;
      const message = {
        message_id: state.lastMessageId,
        from: sender === 'bot' ? { id, is_bot, first_name, username } : state.user,
        chat: state.chat,
        date: Math.floor(Date.now() / 1000),
        ...content,
      };
      messages.set(String(message.message_id), message);
      if (sender === 'bot') {
        state.action = undefined;
        state.draft = undefined;
      }
      touch(chatId);
      return message;
    },
    replace(message) {
      requireRoom(message.chat.id).messages.set(String(message.message_id), message);
      touch(message.chat.id);
    },
    remove(chatId, messageId) {
      const removed = requireRoom(chatId).messages.delete(String(messageId));
      if (removed) touch(chatId);
      return removed;
    },
    find: (chatId, messageId) => rooms.get(chatId)?.messages.get(String(messageId)),
    messages: (chatId) => [...requireRoom(chatId).messages.values()],
    reactions: (chatId, messageId) => requireRoom(chatId).state.reactions[messageId] ?? {},
    react(chatId, messageId, who, emoji) {
      const { reactions } = requireRoom(chatId).state;
      const { [who]: before, ...others } = reactions[messageId] ?? {};
      reactions[messageId] = { ...others, ...(emoji === undefined ? {} : { [who]: emoji }) };
      touch(chatId);
      return before;
    },
    touch,
  };
}

function describeChat({ id, first_name, last_name, username }: User): Chat.PrivateChat {
  return {
    id,
    type: 'private',
    first_name,
    ...(last_name === undefined ? {} : { last_name }),
    ...(username === undefined ? {} : { username }),
  };
}
